/*
 * What people configure, as C structures; the fields are those of keys.def, name for name. cpm.yaml
 * gives one struct conf_file; live objects (accounts, peers, routes, rules) come from apply files,
 * the API and the database, and travel to the dataplane packed. Plain data: whoever holds an object
 * frees it with conf_object_free(). No thread of its own.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/link.h"
#include "base/scram.h"
#include "base/transport.h"

#define CONF_NAME_SIZE 33
#define CONF_TO_SIZE 121 /* a destination or address of record as written, and its NUL */
#define CONF_VIA_MAX 16
#define CONF_VIA_REGISTERED "registered" /* in via: what the recipient has registered itself */

enum conf_kind {
	CONF_ACCOUNT,
	CONF_PEER,
	CONF_ROUTE,
	CONF_RULE,
	CONF_SUBSCRIBER,
	CONF_KIND_COUNT
}; /* live objects */

enum conf_hugepages { CONF_HUGEPAGES_AUTO, CONF_HUGEPAGES_REQUIRED, CONF_HUGEPAGES_OFF };
enum conf_idle { CONF_IDLE_AUTO, CONF_IDLE_POLL, CONF_IDLE_SLEEP };
enum conf_fault_direction { CONF_FAULT_BOTH, CONF_FAULT_RX, CONF_FAULT_TX };
enum conf_bind { CONF_BIND_ANY, CONF_BIND_TRANSMITTER, CONF_BIND_RECEIVER, CONF_BIND_TRANSCEIVER };
enum conf_mode { CONF_MODE_DATAGRAM = 1, CONF_MODE_TRANSACTION }; /* as enum msg_mode */
enum conf_alphabet {
	CONF_ALPHABET_GSM7,
	CONF_ALPHABET_ASCII,
	CONF_ALPHABET_LATIN1
}; /* as enum msg_coding */
enum conf_authentication {
	CONF_AUTHENTICATION_NONE,
	CONF_AUTHENTICATION_DIGEST,
	CONF_AUTHENTICATION_DIGEST_MD5
};
enum conf_attest { CONF_ATTEST_NONE, CONF_ATTEST_A, CONF_ATTEST_B, CONF_ATTEST_C };
/* Bits. */
enum conf_identity { CONF_IDENTITY_SIGN = 1, CONF_IDENTITY_VERIFY = 2, CONF_IDENTITY_REQUIRE = 4 };
enum conf_large { CONF_LARGE_MESSAGE, CONF_LARGE_MSRP };
enum conf_body { CONF_BODY_AUTO, CONF_BODY_TEXT, CONF_BODY_CPIM, CONF_BODY_SMS };
enum conf_ids { CONF_IDS_AUTO, CONF_IDS_DECIMAL, CONF_IDS_HEXADECIMAL, CONF_IDS_AS_IS };

/* A secret in one of its forms; DESIGN.md 5, Secrets. */
enum conf_secret_form {
	CONF_SECRET_NONE,
	CONF_SECRET_PLAIN,
	CONF_SECRET_SEALED,
	CONF_SECRET_SHA256, /* 16 bytes of salt, 32 of SHA-256(salt, secret) */
	/* Of a subscriber: HA1 of RFC 7616, 3.4.2, 16 bytes by MD5, 32 by SHA-256, zero where it
	 * has no address of SIP; then, where it has one of XMPP, struct scram_credentials. */
	CONF_SECRET_DIGEST
};

#define CONF_SECRET_HA1_SIZE (16u + 32u)
#define CONF_SECRET_SIZE_MAX (CONF_SECRET_HA1_SIZE + sizeof(struct scram_credentials))

struct conf_secret {
	uint8_t form, size;
	uint8_t bytes[CONF_SECRET_SIZE_MAX];
};

struct conf_list { /* texts, owned */
	uint32_t n;
	char   **items;
};

struct conf_address {
	uint32_t w[4]; /* network order; IPv4 in w[0] */
	bool     set, ip6;
	uint8_t  prefix; /* PREFIXES only */
};

struct conf_prefixes {
	uint32_t            n;
	struct conf_address items[8];
};

struct conf_via_item {
	char     name[CONF_NAME_SIZE];
	uint16_t weight;
};

struct conf_via {
	uint32_t              n;        /* at most CONF_VIA_MAX */
	bool                  weighted; /* weights hold; else fail-over order */
	struct conf_via_item *items;    /* owned */
};

struct conf_account {
	char               name[CONF_NAME_SIZE];
	uint8_t            protocol; /* index in protocols.def */
	char               system_id[16], domain[CONF_TO_SIZE];
	struct conf_secret password;
	uint8_t            bind, mode, default_alphabet;
	bool               resend_unknown;
	uint32_t           sessions, window, rate, default_ton, queue, enquire_link, response_time,
		inactivity;
	struct conf_list sender;
};

/* What it logs in as: a component its domain. */
static inline const char *conf_account_login(const struct conf_account *a)
{
	return a->domain[0] != '\0' ? a->domain : a->system_id[0] != '\0' ? a->system_id : a->name;
}

struct conf_peer {
	char               name[CONF_NAME_SIZE];
	uint8_t            protocol;
	char               host[254], domain[CONF_TO_SIZE];
	char               system_id[16], system_type[13], service_centre[17];
	struct conf_secret password;
	uint8_t            bind, ids, body, large, identity, default_alphabet;
	uint8_t            transport; /* enum transport */
	uint8_t            link;      /* enum link_kind */
	bool               mark_duplicates, trusted, reg_event;
	uint16_t           languages; /* bits of base/languages.def, the first at 1 << 1 */
	uint32_t           port, connections, window, rate, queue;
	uint32_t           source_ton, source_npi, dest_ton, dest_npi;
	uint32_t           enquire_link, response_time, reconnect, inactivity;
	struct conf_list   except;
};

/* Does it stand for all servers that have no peer of their own? */
static inline bool conf_peer_is_open(const struct conf_peer *p)
{
	return p->link == LINK_SERVER && p->domain[0] == '*';
}

struct conf_route {
	char            to[CONF_TO_SIZE];
	uint32_t        priority;
	struct conf_via via;
};

struct conf_rule {
	char     name[CONF_NAME_SIZE];
	uint32_t position;
	char    *when, *then; /* canonical JSON, owned */
};

#define CONF_REACH_MAX 8u
#define CONF_REACH_SMS 0xffu /* where a protocol would stand: the next targets of the route */

/* In which order somebody is reached. */
struct conf_reach {
	uint8_t n;                     /* 0: not said */
	uint8_t words[CONF_REACH_MAX]; /* index in protocols.def, or CONF_REACH_SMS; each once */
};

struct conf_subscriber {
	char               address[17]; /* "+46701234567", or a short number */
	char               sip[CONF_TO_SIZE], xmpp[CONF_TO_SIZE];
	struct conf_secret password;
	struct conf_reach  reach;
};

/* What `cpmctl port fault` asks for; kept nowhere. */
struct conf_fault {
	char     name[CONF_NAME_SIZE];
	uint32_t loss, duplicate, reorder, corrupt, delay, seed;
	uint8_t  direction;
};

/* cpm.yaml */
struct conf_cpm {
	char     node[CONF_NAME_SIZE];
	uint32_t node_number;
	char     run_dir[81], state_dir[81];
};

struct conf_dataplane {
	uint32_t         main_lcore;
	struct conf_list worker_lcores;
	uint8_t          hugepages, idle;
	uint32_t messages_max, connections_max, conversations_max, receipts_max, registrations_max,
		answers_max, packets_max, rto_min;
	bool forward_all;
};

struct conf_port {
	char                 name[CONF_NAME_SIZE], device[201];
	uint32_t             mtu, vlan;
	struct conf_prefixes addresses;
	struct conf_address  gateway, gateway6;
	bool                 duplicate_check;
};

struct conf_listener {
	char                name[CONF_NAME_SIZE];
	uint8_t             protocol;
	uint8_t             transport; /* bits of enum transport, at least one */
	uint8_t             authentication;
	uint8_t             link;     /* enum link_kind */
	uint8_t             identity; /* bits of enum conf_identity */
	bool                plain_without_tls, chat_first;
	uint16_t            languages; /* as a peer's */
	struct conf_address address;
	char                service_centre[17], service_route[256];
	uint32_t port, msrp_port, ws_port, chat_sessions, chat_idle, login_time, resume_time;
	struct conf_list domains;  /* in lower case */
	struct conf_list contacts; /* URIs */
	struct conf_list origins;
};

struct conf_stir { /* texts empty: not given */
	char    key[256], url[256], certificate[256], origid[37], anchors[256];
	uint8_t attest;
};

struct conf_certificate {
	char url[256], file[256];
};

struct conf_control {
	char             socket[101];
	struct conf_list dns; /* "198.51.100.1", "198.51.100.1:5353", "[2001:db8::1]:5353" */
};

struct conf_host {
	char                name[254];
	struct conf_address address;
};

#define CONF_PORTS_MAX 8
#define CONF_LISTENERS_MAX 64
#define CONF_CONTACTS_MAX 8 /* of all listeners */
#define CONF_HOSTS_MAX 256
#define CONF_CERTIFICATES_MAX 256

struct conf_file {
	struct conf_cpm         cpm;
	struct conf_dataplane   dataplane;
	struct conf_stir        stir;
	struct conf_control     control;
	unsigned                port_count, listener_count, host_count, certificate_count;
	struct conf_port        ports[CONF_PORTS_MAX];
	struct conf_listener    listeners[CONF_LISTENERS_MAX];
	struct conf_host        hosts[CONF_HOSTS_MAX];
	struct conf_certificate certificates[CONF_CERTIFICATES_MAX];
};
