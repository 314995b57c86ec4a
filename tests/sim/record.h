/*
 * What the tests of the whole dataplane share: numbered messages from the ESMEs of the host to its
 * SMSCs, and what became of each. The hooks of the host are here; a test plugs in how a message
 * looks and what an SMSC does with it. One record at a time.
 */
#pragma once

#include "sim.h"

struct fate {
	uint32_t arrivals, positive, negative;
	uint32_t status;  /* of the answer */
	char     at[17];  /* SMSC of the latest arrival: what the peer logged in as there */
	uint32_t session; /* of the host, of the latest arrival */
	uint32_t order;   /* its place among all arrivals */
	uint64_t sent_us, answered_us;
	char     id[RESULT_REMOTE_ID_MAX + 1]; /* ours, of the positive answer */
};

struct record {
	uint32_t     limit, next, answered, arrivals;
	struct fate *fates; /* [limit] */
	uint32_t     wrong; /* arrived at an SMSC without being one of the numbered */
	/* The next message of a session: addresses and what else it wants; the text is added.
	 * False: not from this one. NULL: from +4611111 to +4670<number>. */
	bool (*fill)(struct host_session *s, struct msg *m, uint32_t number);
	/* At an SMSC: fill the answer; false: none. NULL: taken. */
	bool (*arrives)(struct host_session *s, uint32_t number, struct msg *m,
			struct result *answer);
	/* At an ESME: a receipt, or a message to its account. NULL: taken. */
	bool (*at_esme)(struct host_session *s, struct msg *m, struct result *answer);
	/* The answer to what a test submitted by itself, as RECORD_OTHER + token. */
	void (*other_result)(struct host_session *s, uint64_t token, const struct result *r);
};

#define RECORD_OTHER (UINT64_C(1) << 32)

extern struct record           record;
extern const struct host_hooks record_hooks;

void record_begin(uint32_t limit);
void record_end(void);
/* More messages than before: the session's window sends them. */
void record_more(uint32_t limit);
bool record_all_answered(struct sim *s);

/* Begin a world: its text in force, SMSCs at 2776 and the ports after it, `esmes` sessions of
 * account esme1 bound as transceivers, `links` links up. */
void record_world(struct sim *s, const struct sim_config *config, const char *yaml,
		  unsigned smsc_ports, unsigned esmes, unsigned links);

/* The session of the host that this peer logged in to, the k-th of those that are open; NULL: there
 * is none. */
struct host_session *record_smsc(struct sim *s, const char *identity, unsigned k);

/* A text body, GSM 7 bit. */
void record_text(struct msg *m, const char *text);
void record_addresses(struct msg *m, const char *from, const char *to);
