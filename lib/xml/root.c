/* What is left of the root of a stream when its open tag is gone: its name and its namespaces. */
#include <assert.h>

#include "base/assert.h"
#include "xml/frame.h"
#include "xml/private.h"

static enum xml_fault fault_of(const struct xml *x)
{
	return x->encoding ? XML_FAULT_ENCODING : x->limit ? XML_FAULT_LIMIT : XML_FAULT_SYNTAX;
}

static bool keep(struct xml_scope *scope, const struct xml *x)
{
	struct put w = put_to(scope->text, sizeof(scope->text));

	if (x->bindings > XML_SCOPE_BINDINGS_MAX)
		return false;
	put_str(&w, x->name.prefix);
	put_str(&w, x->name.local);
	for (unsigned i = 0; i < x->bindings; i++) {
		put_str(&w, x->binding[i].prefix);
		put_str(&w, x->binding[i].uri);
		if (w.failed)
			return false; /* and the sizes fit: the room is not larger than a size */
		scope->binding[i].prefix_size = (uint8_t)x->binding[i].prefix.n;
		scope->binding[i].uri_size = (uint8_t)x->binding[i].uri.n;
	}
	scope->prefix_size = (uint8_t)x->name.prefix.n;
	scope->local_size = (uint8_t)x->name.local.n;
	scope->count = (uint8_t)x->bindings;
	return !w.failed;
}

static_assert(XML_SCOPE_TEXT_MAX <= UINT8_MAX, "sizes of what is in it are of one byte");

enum xml_fault xml_root_open(struct xml *x, struct str item, struct xml_scope *scope)
{
	xml_open(x, cur_of(item.p, item.n));
	if (xml_next(x) != XML_START)
		return fault_of(x);
	return keep(scope, x) ? XML_FAULT_NONE : XML_FAULT_LIMIT;
}

void xml_child_open(struct xml *x, struct str item, const struct xml_scope *scope)
{
	size_t at = (size_t)scope->prefix_size + scope->local_size;

	xml_begin(x, cur_of(item.p, item.n));
	for (unsigned i = 0; i < scope->count; i++) {
		struct str prefix = {scope->text + at, scope->binding[i].prefix_size};
		struct str uri = {prefix.p + prefix.n, scope->binding[i].uri_size};

		bool bound = xml_bind(x, prefix, uri);

		ASSERT(bound);
		at += prefix.n + uri.n;
	}
}

bool xml_root_closes(const struct xml_scope *scope, struct str item)
{
	struct cur      in = cur_of(item.p, item.n);
	struct xml_name name;

	if (item.n == 0)
		return true; /* of an empty element */
	return xml_end_tag(&in, &name) && cur_left(&in) == 0 &&
	       str_eq(name.prefix, (struct str){scope->text, scope->prefix_size}) &&
	       str_eq(name.local,
		      (struct str){scope->text + scope->prefix_size, scope->local_size});
}
