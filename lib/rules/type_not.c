/* not: one condition, turned round. */
#include "rules/language.h"

uint32_t type_not(struct language *l, const json_t *json, unsigned field, unsigned depth)
{
	uint32_t node = language_node(l, NODE_NOT);

	language_append(l, node, language_condition(l, json, depth + 1));
	return node;
}
