/*
 * Questions about live things, asked by control and answered on the management thread: sessions,
 * links, workers, explanations. Never on a worker's path: workers fill at most 64 rows a turn when
 * they are asked.
 */
#pragma once

#include <jansson.h>

#include "msg/msg.h"

struct dataplane;
struct worker;

/* Answer one question: reply = {"columns": [...], "rows": [[...], ...]}, caller owns. 0, or -EINVAL
 * with error filled. */
int query_run(struct dataplane *dp, const char *name, const json_t *args, json_t **reply,
	      char error[256]);

/* The questions about ports, in query_port.c. */
int query_port_list(struct dataplane *dp, const json_t *args, json_t **reply, char error[256]);
int query_port_fault(struct dataplane *dp, const json_t *args, json_t **reply, char error[256]);

/* The questions about TCP connections, in query_connection.c. */
int query_connection_list(struct dataplane *dp, const json_t *args, json_t **reply,
			  char error[256]);
int query_connection_show(struct dataplane *dp, const json_t *args, json_t **reply,
			  char error[256]);

/* The questions about domains of open federation, in query_domain.c. */
int query_domain_list(struct dataplane *dp, const json_t *args, json_t **reply, char error[256]);
int query_domain_retry(struct dataplane *dp, const json_t *args, json_t **reply, char error[256]);

/* The questions about registrations, in query_registration.c. */
int query_registration_list(struct dataplane *dp, const json_t *args, json_t **reply,
			    char error[256]);
int query_registration_show(struct dataplane *dp, const json_t *args, json_t **reply,
			    char error[256]);
int query_registration_remove(struct dataplane *dp, const json_t *args, json_t **reply,
			      char error[256]);

/* Control has something for users, who are told; the reply names those who are not there. */
int query_notices(struct dataplane *dp, const json_t *args, json_t **reply, char error[256]);

/* For the files that answer. An empty table; an argument as text, NULL: not given; a flag. */
json_t     *query_table(const char *const columns[], size_t n, json_t **rows);
const char *query_argument(const json_t *args, const char *name);
uint64_t    query_clock_us(const struct dataplane *dp); /* that the workers go by */
/* What devices take, in the words of rules. */
#define QUERY_ABILITIES_SIZE 96u
void query_abilities(uint32_t abilities, char room[QUERY_ABILITIES_SIZE]);
bool query_flag(const json_t *args, const char *name);
void query_session_id(struct session_ref ref, char room[48]);
int  query_worker_silent(const struct worker *w, char error[256]);
