/* What the files that define the types share. Internal to conf. */
#pragma once

#include "conf/key.h"
#include "conf/node.h"

#define CONF_ITEM_MAX 255u   /* characters of an item of a LIST */
#define CONF_ENUM_NONE 0xffu /* an ENUM that must be given and was not yet */
#define CONF_TREE_MAX 65535u /* bytes of canonical JSON */

/* The node as plain text; a fault and false when it is a sequence or a map. */
bool conf_node_is_text(const struct conf_key *key, const struct conf_node *node,
		       struct conf_reading *r);

/* "must be 1 to 65535": the fault of a value outside what the key allows. */
void conf_fault_range(const struct conf_key *key, const struct conf_node *node,
		      struct conf_reading *r);

/* Every type's print and pack of a size and its bytes. */
void conf_pack_text(struct put *to, struct str s); /* 16-bit length */
bool conf_unpack_text(struct cur *from, size_t max,
		      struct str *s); /* false: longer, truncated, or holds a NUL */

/* "+46" and digits, or "=" and one number or name. */
bool conf_is_pattern(struct str s);

/* In small letters and NFC, as domains and users of XMPP are compared, with a NUL behind. False: no
 * UTF-8, or it does not fit. */
bool conf_fold(struct str s, char *room, size_t size);

/* The same of a domain, with "xn--..." as what it stands for. */
bool conf_fold_domain(struct str s, char *room, size_t size);
