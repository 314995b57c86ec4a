/* Clients of XMPP that a test drives by text, at the site of sip_world.h: alice and carol. */
#pragma once

#include "sip_world.h"

/* Base 64 of NUL, user, NUL, password. */
#define ALICE "AGFsaWNlAHNlY3JldA=="
#define CAROL "AGNhcm9sAHNlY3JldA=="

/* Where nobody else answers for control: it is down, and that is known at once. */
void chat_without_control(void);

/* Up to features after it has authenticated; then up to a resource; then up to presence, which all
 * have heard of and forgotten. */
struct phone *chat_authenticated(const char *proof);
struct phone *chat_bound(const char *proof, const char *resource);
struct phone *chat_client(const char *proof, const char *resource);

/* It comes within a second; what came before is forgotten with it. */
void chat_expects(struct phone *p, const char *text);
/* It answers a request of its own, and nothing of others came before. */
void chat_hears_nothing(struct phone *p);
/* Its connection ends within a second. */
void chat_closes(struct phone *p);
