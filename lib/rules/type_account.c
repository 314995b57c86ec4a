/* account: names, compared whole. A name is a bit like a pattern; the scan finds it by a table. */
#include "rules/language.h"

static void add_name(struct language *l, struct str name, void *user)
{
	uint32_t *any = user;
	bool      fresh;
	uint32_t  bit = language_word(l, WORD_ACCOUNT, name, l->image.bit_count, &fresh);

	if (fresh) {
		struct image_account *account = image_add(&l->image, IMAGE_account);

		if (account != NULL)
			*account = (struct image_account){image_name(&l->image, name), bit};
		l->image.bit_count++;
	}
	language_append(l, *any, language_bit(l, RULES_FIELD_ACCOUNT, bit));
}

uint32_t type_account(struct language *l, const json_t *json, unsigned field, unsigned depth)
{
	uint32_t any = language_node(l, NODE_ANY);

	language_strings(l, json, LANGUAGE_LIST_MAX, add_name, &any);
	return any;
}
