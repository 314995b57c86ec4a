/* A subscriber at a listener: requests as texts, with digest credentials computed here from RFC
 * 7616, 3.4, not by the code under test. */
#pragma once

#include "side.h"

struct subscriber {
	const char *user, *password;
	struct flow flow;
	unsigned    sequence;
	char        nonce[256];
	unsigned    nc;
};

static inline void subscriber_hex(const uint8_t *bytes, size_t n, char *text)
{
	for (size_t i = 0; i < n; i++)
		sprintf(text + 2 * i, "%02x", bytes[i]);
}

static inline void subscriber_md5(const char *text, char hex[33])
{
	uint8_t bytes[16];

	assert_true(EVP_Digest(text, strlen(text), bytes, NULL, EVP_md5(), NULL));
	subscriber_hex(bytes, 16, hex);
}

/* Takes the nonce of the MD5 challenge. */
static inline void subscriber_challenged(struct subscriber *u, const char *response)
{
	const char *line = strstr(response, "algorithm=MD5"), *nonce;

	assert_non_null(line);
	while (line > response && *line != '\n')
		line--;
	nonce = strstr(line, "nonce=\"");
	assert_non_null(nonce);
	nonce += 7;
	snprintf(u->nonce, sizeof(u->nonce), "%.*s", (int)(strchr(nonce, '"') - nonce), nonce);
	u->nc = 0;
}

/* The Authorization line, or nothing before the first challenge. */
static inline void subscriber_proof(struct subscriber *u, const char *method, const char *uri,
				    char line[1024])
{
	char a1[256], a2[256], ha1[33], ha2[33], text[512], response[33];

	line[0] = '\0';
	if (u->nonce[0] == '\0')
		return;
	u->nc++;
	snprintf(a1, sizeof(a1), "%s:" SERVICES_DOMAIN ":%s", u->user, u->password);
	snprintf(a2, sizeof(a2), "%s:%s", method, uri);
	subscriber_md5(a1, ha1);
	subscriber_md5(a2, ha2);
	snprintf(text, sizeof(text), "%s:%s:%08x:abcd:auth:%s", ha1, u->nonce, u->nc, ha2);
	subscriber_md5(text, response);
	snprintf(line, 1024,
		 "Authorization: Digest username=\"%s\", realm=\"" SERVICES_DOMAIN
		 "\", nonce=\"%s\", uri=\"%s\", response=\"%s\", algorithm=MD5, cnonce=\"abcd\", "
		 "qop=auth, nc=%08x\r\n",
		 u->user, u->nonce, uri, response, u->nc);
}

/* A request of these lines, which end each with CRLF; From, To and the rest as given. */
static inline void subscriber_request(struct subscriber *u, const char *method, const char *uri,
				      const char *lines, const char *body, char *text, size_t size)
{
	char proof[1024];

	subscriber_proof(u, method, uri, proof);
	u->sequence++;
	snprintf(text, size,
		 "%s %s SIP/2.0\r\n"
		 "Via: SIP/2.0/UDP 192.0.2.77:5060;branch=z9hG4bK%s%u;rport\r\n"
		 "Max-Forwards: 70\r\nCall-ID: %s@x\r\nCSeq: %u %s\r\n%s%s"
		 "Content-Length: %zu\r\n\r\n%s",
		 method, uri, u->user, u->sequence, u->user, u->sequence, method, lines, proof,
		 strlen(body), body);
}

static inline const char *subscriber_say(struct side *s, struct subscriber *u, const char *method,
					 const char *uri, const char *lines, const char *body)
{
	char text[8192];

	subscriber_request(u, method, uri, lines, body, text, sizeof(text));
	return side_say(s, &u->flow, text);
}

/* The same after the challenge, which the first one gets. */
static inline const char *subscriber_prove(struct side *s, struct subscriber *u, const char *method,
					   const char *uri, const char *lines, const char *body)
{
	const char *answer;

	u->nonce[0] = '\0';
	answer = subscriber_say(s, u, method, uri, lines, body);
	assert_int_equal(side_status(answer), 401);
	subscriber_challenged(u, answer);
	return subscriber_say(s, u, method, uri, lines, body);
}

static inline struct subscriber subscriber_alice(void)
{
	return (struct subscriber){
		.user = "alice", .password = "wonderland", .flow = side_flow(50, 40000)};
}

static inline struct subscriber subscriber_bob(void)
{
	return (struct subscriber){
		.user = "bob", .password = "builder", .flow = side_flow(51, 40001)};
}
