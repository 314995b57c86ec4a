/* Type SECRET: never printed, never part of a fault. */
#include "conf/type.h"

static bool secret_read(const struct conf_key *key, void *field, const struct conf_node *node,
			struct conf_reading *r)
{
	struct conf_secret *secret = field;

	if (!conf_node_is_text(key, node, r))
		return false;
	if (node->text.n < key->min || node->text.n > key->max) {
		char range[64];

		conf_key_range(key, range, sizeof(range));
		conf_reading_fault(r, node->line, key->name, "has %zu characters; write %s",
				   node->text.n, range);
		return false;
	}
	if (str_eq(node->text, STR("set")) || str_eq(node->text, STR("changed"))) {
		conf_reading_fault(r, node->line, key->name,
				   "is the word that lists show in place of a secret; write the "
				   "secret itself, or leave it out");
		return false;
	}
	*secret = (struct conf_secret){.form = CONF_SECRET_PLAIN, .size = (uint8_t)node->text.n};
	memcpy(secret->bytes, node->text.p, node->text.n);
	return true;
}

static void secret_pack(const struct conf_key *key, const void *field, struct put *to)
{
	const struct conf_secret *secret = field;

	put_u8(to, secret->form);
	put_u8(to, secret->size);
	put_bytes(to, secret->bytes, secret->size);
}

static bool secret_unpack(const struct conf_key *key, struct cur *from, void *field)
{
	struct conf_secret *secret = field;
	uint8_t             form = cur_u8(from), size = cur_u8(from);
	const uint8_t      *bytes = cur_bytes(from, size);

	if (bytes == NULL || form > CONF_SECRET_DIGEST || size > sizeof(secret->bytes))
		return false;
	if ((form == CONF_SECRET_NONE && size != 0) || (form == CONF_SECRET_SHA256 && size != 48) ||
	    (form == CONF_SECRET_DIGEST && size != CONF_SECRET_HA1_SIZE &&
	     size != CONF_SECRET_SIZE_MAX))
		return false;
	*secret = (struct conf_secret){.form = form, .size = size};
	memcpy(secret->bytes, bytes, size);
	return true;
}

static json_t *secret_print(const struct conf_key *key, const void *field)
{
	return json_string(((const struct conf_secret *)field)->form != CONF_SECRET_NONE ? "set"
											 : "");
}

static bool secret_given(const void *field)
{
	return ((const struct conf_secret *)field)->form != CONF_SECRET_NONE;
}

const struct conf_type conf_type_SECRET = {.name = "SECRET",
					   .read = secret_read,
					   .pack = secret_pack,
					   .unpack = secret_unpack,
					   .print = secret_print,
					   .given = secret_given};
