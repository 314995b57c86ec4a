/* all and any: lists of conditions. */
#include "rules/language.h"

static uint32_t join(struct language *l, const json_t *json, enum node_kind kind, unsigned depth)
{
	uint32_t node = language_node(l, kind);
	size_t   i;
	json_t  *item;

	if (!json_is_array(json) || json_array_size(json) == 0 ||
	    json_array_size(json) > LANGUAGE_LIST_MAX)
		return language_fault(l,
				      "is not a list of 1 to %u conditions; write [{...}, {...}]",
				      LANGUAGE_LIST_MAX);
	json_array_foreach((json_t *)json, i, item)
	{
		size_t mark = language_enter_index(l, i);

		language_append(l, node, language_condition(l, item, depth + 1));
		language_leave(l, mark);
	}
	return node;
}

uint32_t type_all(struct language *l, const json_t *json, unsigned field, unsigned depth)
{
	return join(l, json, NODE_ALL, depth);
}

uint32_t type_any(struct language *l, const json_t *json, unsigned field, unsigned depth)
{
	return join(l, json, NODE_ANY, depth);
}
