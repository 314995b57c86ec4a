/*
 * Watching where a user of an S-CSCF is registered: a subscription of ours to its reg event package
 * (RFC 3680, RFC 6665; TS 24.341, 5.3.3.2), which tells what all of its devices take. It begins
 * with a third-party REGISTER of a peer that asks for it, is asked over the session that this came
 * by, and is named by the tag of our From, which stands in the binding that it is about: where that
 * binding is gone, or names another, the watch is over. Called by sessions, on the worker that owns
 * them; no clock, no memory but the instance's blocks; a quarter of these at most are for watches.
 *
 * A session has a list of its watches in the order in which they were looked at; each is looked at
 * every SIP_WATCH_LOOK_US, in constant time.
 */
#pragma once

#include "sip/transaction.h"

#define SIP_WATCH_LOOK_US (10 * US_PER_SECOND)
#define SIP_WATCH_EXPIRES_S 600000u             /* asked for; as long as a registration */
#define SIP_WATCH_EXPIRES_MIN_S 30u             /* granted less is as this */
#define SIP_WATCH_NOTIFY_US (64 * SIP_T1_US)    /* timer N (RFC 6665, 4.1.2.4) */
#define SIP_WATCH_RETRY_US (60 * US_PER_SECOND) /* where nobody says better */
#define SIP_WATCH_TRIES_MAX 8u                  /* in a row without success */
#define SIP_WATCH_CONTACTS_MAX 10u              /* of a user; further ones are not seen */
#define SIP_WATCH_TEXT_MAX 4096u

struct sip_session;
struct sip_instance;

enum sip_watch_text { SIP_WATCH_AOR, SIP_WATCH_USER, SIP_WATCH_ROUTE, SIP_WATCH_TEXTS };
/* Of the dialog, once a NOTIFY has made it. */
enum sip_watch_way { SIP_WATCH_REMOTE, SIP_WATCH_TARGET, SIP_WATCH_ROUTES, SIP_WATCH_WAYS };

struct sip_watch { /* lies in its first block */
	struct sip_session *session;
	struct sip_links    links;
	uint64_t            looked_us, due_us; /* due: it is to be asked again */
	uint64_t            ends_us;           /* what was granted; 0: nothing */
	struct flow         to;
	struct sip_chain    texts, way; /* way: size 0: there is no dialog */
	uint32_t            number;
	uint32_t            expires_s; /* to ask for */
	uint32_t            sequence, sequence_theirs, version;
	uint16_t            sizes[SIP_WATCH_TEXTS], way_sizes[SIP_WATCH_WAYS];
	bool                begun, asking, has_version;
	uint8_t             tries, contact_count;
	char                call_id[16];
	struct {
		uint64_t name;
		uint16_t features;
	} contacts[SIP_WATCH_CONTACTS_MAX];
};

/* For a binding that is asked for; it sends nothing yet. NULL: no block is free, or there are too
 * many, counted. */
struct sip_watch *sip_watch_new(struct sip_session *s, struct now now, const struct flow *to,
				const struct str texts[SIP_WATCH_TEXTS]);
void              sip_watch_end(struct sip_watch *w);
/* By our tag, SIP_NAME_SIZE characters; NULL: none of this worker, or over. */
struct sip_watch *sip_watch_by_tag(const struct sip_instance *i, struct str tag);
void              sip_watch_tag_put(const struct sip_watch *w, struct put *to);
void              sip_watch_texts(const struct sip_watch *w, char room[SIP_WATCH_TEXT_MAX],
				  struct str texts[SIP_WATCH_TEXTS]);
/* The dialog, and that there is none. False: no block is free. */
bool sip_watch_way_keep(struct sip_watch *w, const struct str way[SIP_WATCH_WAYS]);
void sip_watch_way_forget(struct sip_watch *w);
void sip_watch_way(const struct sip_watch *w, char room[SIP_WATCH_TEXT_MAX],
		   struct str way[SIP_WATCH_WAYS]);
/* It lasts so long from now, and is asked for again in time. */
void sip_watch_granted(struct sip_watch *w, struct now now, uint32_t seconds);
/* Sends SUBSCRIBE, where there is room; else at the next look. */
void sip_watch_ask(struct sip_watch *w, struct now now, struct out *out);
/* Is the binding still there that it is about? */
bool sip_watch_holds(const struct sip_watch *w);
/* It ends, or is tried again after so long. */
void sip_watch_rest(struct sip_watch *w, struct now now, uint64_t rest_us);
