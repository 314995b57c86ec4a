/* Inside conf: what an object's own protocol says about its keys. Constant after
 * conf_protocols_set(); any thread. */
#pragma once

#include "conf/key.h"
#include "conf/node.h"

/* Is a field of this type the number of a protocol? */
static inline bool conf_type_is_protocol(const struct conf_type *type)
{
	return type == &conf_type_ENUM_PROTOCOL || type == &conf_type_ENUM_LOGIN;
}

/* The names of all protocols, ended by NULL; NULL: conf_protocols_set() was not called. */
const char *const *conf_protocol_words(void);

/* The names of those that accounts log in by, likewise. */
const char *const *conf_login_words(void);
/* Where a subscriber may be reached: the protocols that subscribers register in, and sms. */
const char *const *conf_reach_words(void);
/* Its number in struct conf_reach; false: it is no such word. */
bool        conf_reach_number(struct str word, uint8_t *number);
const char *conf_reach_word(uint8_t number);

/* Does a protocol have accounts? By the index of its name in conf_protocol_words(). */
bool conf_protocol_has_accounts(unsigned protocol);

/* The usual port of a protocol; 0: there is no such protocol. */
uint16_t conf_protocol_port(unsigned protocol);

/* A required key that an object of this kind goes without. */
bool conf_needs_not(const struct conf_key *key, const void *object);
/* What an object of XMPP must say of its link, once all its keys were read. */
bool conf_check_link(enum conf_section section, const void *object, unsigned line,
		     struct conf_reading *r);

/* The keys of this map, read into object, against the object's protocol, where its section has one:
 * keys that the protocol does not have and transports that it does not run on are faults. Fills in
 * the transport where none was given. False when there was any fault. */
bool conf_check_protocol(enum conf_section section, void *object, const struct conf_node *map,
			 struct conf_reading *r);
