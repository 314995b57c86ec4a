/* An appliance under test: control on the test's own thread, and the dataplane's real management
 * thread beside it, in a folder of their own. */
#pragma once

#include "world/world.h"

#include "base/reason.h"
#include "control.h"

struct appliance {
	char               dir[64];
	struct conf_file   file, control_file; /* the same, but for a run_dir with a proxy in it */
	struct event_loop *loop;
	struct control    *control;
	struct dataplane  *dataplane;
};

/* Neither runs yet. */
void appliance_make(struct appliance *a);
void appliance_remove(struct appliance *a); /* stops both, removes the folder */

void control_start(struct appliance *a);
void control_stop(struct appliance *a);
void dataplane_start(struct appliance *a);
/* kill: as kill -9 would leave it: nothing is written at the end. */
void dataplane_stop(struct appliance *a, bool kill);

/* What the dataplane has in force. */
uint64_t dataplane_version(const struct appliance *a);
uint64_t dataplane_checksum(const struct appliance *a);
bool     dataplane_has_route(const struct appliance *a, const char *to, const char *target);
const struct world *dataplane_world(const struct appliance *a);
unsigned            dataplane_published_count(const struct appliance *a);

/* A session asks control (lib/roster); returns which question it is, from 0 on. */
unsigned dataplane_ask(struct appliance *a, const void *question, size_t n);
/* Turns control's loop until the question is answered; fails the test after ten seconds. answer:
 * lent until the dataplane stops. */
enum reason until_told(struct appliance *a, unsigned question, struct cur *answer);

/* Users who were told that control has something for them, since this was asked last; each with a
 * space behind it. Lent. */
const char *dataplane_noticed(struct appliance *a);
/* Whom it has no session of; all others are there. */
void dataplane_away(struct appliance *a, const char *jid);

/* Turns control's loop until the dataplane is in step; fails the test after ten seconds. */
void until_in_step(struct appliance *a);
void until_down(struct appliance *a);

/* Objects as JSON: {"name": "esme1", "password": "x"}. */
void                put(struct change *ch, enum conf_kind kind, const char *json);
enum change_outcome apply_one(struct appliance *a, enum conf_kind kind, const char *json);
enum change_outcome remove_one(struct appliance *a, enum conf_kind kind, const char *id);
/* The result of a change, with its faults printed; freed. fault: text that one fault must hold
 * (NULL: none may be there). */
enum change_outcome finish(struct change *ch, bool dry, const char *fault);
