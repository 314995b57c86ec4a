/* A SIP device over UDP: registers, says what messages it gets and takes them, may send one. */
#include "phone.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/hash.h"
#include "sip/digest.h"
#include "sip/print.h"
#include "sip/value.h"

#define T1_US 500000u /* RFC 3261, 17.1.1.1 */
#define T2_US 4000000u
#define GIVE_UP_US (64u * T1_US)
#define EXPIRES_S 300u
#define TEXT_MAX 8192u
#define US_PER_S 1000000u

struct request { /* the one that waits for its answer; size 0: none */
	struct str method;
	char       bytes[TEXT_MAX];
	size_t     size;
	bool       proven; /* it had credentials */
	uint64_t   again_us, wait_us, ends_us;
};

struct phone {
	const struct options *options;
	int                   fd;
	char                  host[NI_MAXHOST];
	uint16_t              port;
	struct str            address, user, domain;
	char                  plain_user[SIP_URI_MAX];
	struct sip_challenge  challenge;
	uint64_t              random, refresh_us;
	uint32_t              sequence;
	bool                  registered, sent;
	struct request        request;
	uint64_t              got;
	int                   status; /* of the program, once it is over */
	bool                  over;
};

static volatile sig_atomic_t interrupted;

static void interrupt(int number)
{
	(void)number;
	interrupted = 1;
}

static uint64_t clock_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * US_PER_S + (uint64_t)t.tv_nsec / 1000u;
}

static uint64_t next_random(struct phone *p)
{
	return p->random = hash_mix(p->random + 0x9e3779b97f4a7c15ull);
}

static void give_up(struct phone *p, const char *why)
{
	fprintf(stderr, "cpm-load: %s\n", why);
	p->over = true;
	p->status = 1;
}

/* ---- requests ---- */

static void put_address(struct put *w, enum sip_header_id id, struct str uri, bool tag)
{
	sip_put_header_begin(w, id);
	put_u8(w, '<');
	sip_put_text(w, uri);
	put_u8(w, '>');
	if (tag)
		put_str(w, STR(";tag=phone"));
	sip_put_header_end(w);
}

static void put_contact(const struct phone *p, struct put *w)
{
	struct sip_host host = {.kind = SIP_HOST_NAME, .text = str_of(p->host)};

	if (strchr(p->host, ':') != NULL)
		host.kind = SIP_HOST_IP6;
	sip_put_header_begin(w, SIP_CONTACT);
	put_str(w, STR("<sip:"));
	sip_put_text(w, p->user);
	put_u8(w, '@');
	sip_put_host(w, &host);
	put_u8(w, ':');
	put_number(w, p->port);
	put_u8(w, '>');
	sip_put_header_end(w);
	sip_put_header_number(w, SIP_EXPIRES, EXPIRES_S);
}

static void send_again(struct phone *p)
{
	if (send(p->fd, p->request.bytes, p->request.size, 0) < 0 && errno != ECONNREFUSED)
		give_up(p, strerror(errno));
}

/* to: whom it is about; text NULL: no body. */
static void request(struct phone *p, struct str method, struct str uri, struct str to,
		    const char *text)
{
	struct request *r = &p->request;
	struct put      w = put_to(r->bytes, sizeof(r->bytes));
	char            branch[40], call[40];
	struct sip_host host = {.kind = strchr(p->host, ':') != NULL ? SIP_HOST_IP6 : SIP_HOST_IP4,
				.text = str_of(p->host)};

	snprintf(branch, sizeof(branch), "z9hG4bK%016llx", (unsigned long long)next_random(p));
	snprintf(call, sizeof(call), "%016llx", (unsigned long long)hash_mix(p->port ^ method.n));
	sip_put_request(&w, method, uri);
	sip_put_via(&w, SIP_TRANSPORT_UDP, &host, p->port, str_of(branch), true);
	sip_put_header_number(&w, SIP_MAX_FORWARDS, 70);
	put_address(&w, SIP_FROM, p->address, true);
	put_address(&w, SIP_TO, to, false);
	sip_put_header(&w, SIP_CALL_ID, str_of(call));
	sip_put_cseq(&w, ++p->sequence, method);
	if (text == NULL)
		put_contact(p, &w);
	r->proven = p->challenge.there;
	sip_challenge_answer(&p->challenge, (struct str){p->plain_user, strlen(p->plain_user)},
			     method, uri, next_random(p), &w);
	sip_put_body(&w, text != NULL ? STR("text/plain;charset=UTF-8") : STR(""),
		     text != NULL ? text : "", text != NULL ? strlen(text) : 0);
	if (w.failed) {
		give_up(p, "the request does not fit: an address or the text is too long");
		return;
	}
	r->method = method;
	r->size = put_size(&w);
	r->wait_us = T1_US;
	r->again_us = clock_us() + T1_US;
	r->ends_us = clock_us() + GIVE_UP_US;
	send_again(p);
}

static void request_register(struct phone *p)
{
	char uri[SIP_URI_MAX];

	snprintf(uri, sizeof(uri), "sip:%.*s", STR_ARG(p->domain));
	p->refresh_us = clock_us() + EXPIRES_S / 2 * US_PER_S;
	request(p, STR("REGISTER"), str_of(uri), p->address, NULL);
}

static void request_message(struct phone *p)
{
	char uri[SIP_URI_MAX];

	snprintf(uri, sizeof(uri), "%s%s%s%.*s", strncmp(p->options->to, "sip:", 4) ? "sip:" : "",
		 p->options->to, strchr(p->options->to, '@') ? "" : "@",
		 strchr(p->options->to, '@') ? 0 : (int)p->domain.n, p->domain.p);
	p->sent = true;
	request(p, STR("MESSAGE"), str_of(uri), str_of(uri), p->options->text);
}

/* ---- what comes ---- */

static void answered(struct phone *p, const struct sip_message *m)
{
	struct request *r = &p->request;
	bool            is_register = str_eq(r->method, STR("REGISTER"));
	bool            asks = m->status == 401 || m->status == 407;

	if (r->size == 0 || m->status < 200)
		return;
	r->size = 0;
	if (asks &&
	    sip_challenge_take(&p->challenge, m, str_of(p->plain_user),
			       str_of(p->options->password != NULL ? p->options->password : "")) &&
	    (!r->proven || p->challenge.stale)) {
		if (is_register)
			request_register(p);
		else
			request_message(p);
		return;
	}
	printf("%.*s %u %.*s\n", STR_ARG(r->method), m->status, STR_ARG(m->reason));
	if (m->status >= 300) {
		give_up(p, is_register ? "it could not register" : "the message was refused");
		return;
	}
	p->registered = true;
	if (p->options->text != NULL && !p->sent)
		request_message(p);
	else if (p->sent && p->options->count == 0 && p->options->time_us == 0)
		p->over = true;
}

static void answer(struct phone *p, const struct sip_message *m, unsigned status,
		   const char *reason)
{
	struct sip_mandatory known;
	char                 bytes[TEXT_MAX];
	struct put           w = put_to(bytes, sizeof(bytes));

	if (sip_mandatory_parse(m, &known) != REASON_NONE)
		return;
	sip_put_response(&w, status, str_of(reason));
	sip_put_response_fields(&w, m, &known, STR(""), 0, STR("phone"));
	if (status == 405)
		sip_put_header(&w, SIP_ALLOW, STR("MESSAGE, OPTIONS"));
	sip_put_body(&w, STR(""), "", 0);
	if (!w.failed && send(p->fd, bytes, put_size(&w), 0) < 0)
		give_up(p, strerror(errno));
}

static void got_message(struct phone *p, const struct sip_message *m)
{
	struct cur           body = m->body;
	size_t               n = cur_left(&body);
	struct sip_mandatory known;

	if (sip_mandatory_parse(m, &known) != REASON_NONE)
		return;
	printf("message from %.*s: %.*s\n", STR_ARG(known.from.uri_text), (int)n,
	       (const char *)cur_bytes(&body, n));
	answer(p, m, 200, "OK");
	p->got++;
	if (p->options->count > 0 && p->got >= p->options->count)
		p->over = true;
}

static void take(struct phone *p, struct cur in)
{
	struct sip_scan    scan = {0};
	struct sip_message m;
	enum reason        why;

	if (sip_message_next(&scan, &in, SIP_DATAGRAM, &m, &why) != PULL_ITEM)
		return;
	if (m.kind == SIP_RESPONSE)
		answered(p, &m);
	else if (m.kind == SIP_REQUEST && m.method == SIP_METHOD_MESSAGE)
		got_message(p, &m);
	else if (m.kind == SIP_REQUEST && m.method == SIP_METHOD_OPTIONS)
		answer(p, &m, 200, "OK");
	else if (m.kind == SIP_REQUEST)
		answer(p, &m, 405, "Method Not Allowed");
	fflush(stdout);
}

/* ---- the run ---- */

static bool open_socket(struct phone *p)
{
	const struct option_endpoint *to = &p->options->connect;
	struct addrinfo               hints = {.ai_socktype = SOCK_DGRAM}, *found;
	struct sockaddr_storage       local;
	socklen_t                     size = sizeof(local);
	char                          port[NI_MAXSERV];

	if (getaddrinfo(to->host, to->port, &hints, &found) != 0)
		return false;
	p->fd = socket(found->ai_family, SOCK_DGRAM, 0);
	if (p->fd < 0 || connect(p->fd, found->ai_addr, found->ai_addrlen) < 0 ||
	    getsockname(p->fd, (struct sockaddr *)&local, &size) < 0 ||
	    getnameinfo((struct sockaddr *)&local, size, p->host, sizeof(p->host), port,
			sizeof(port), NI_NUMERICHOST | NI_NUMERICSERV) != 0) {
		freeaddrinfo(found);
		return false;
	}
	freeaddrinfo(found);
	p->port = (uint16_t)strtoul(port, NULL, 10);
	return true;
}

static bool who_am_i(struct phone *p)
{
	struct sip_uri uri;
	struct put     user = put_to(p->plain_user, sizeof(p->plain_user) - 1);

	p->address = str_of(p->options->user != NULL ? p->options->user : "");
	if (!sip_uri_parse(p->address, &uri) || uri.scheme != SIP_SCHEME_SIP || !uri.has_user ||
	    !sip_unescape_put(&user, uri.user) || user.failed) {
		fprintf(stderr, "cpm-load: --user wants who it is, as in sip:alice@example.org\n");
		return false;
	}
	p->plain_user[put_size(&user)] = '\0';
	p->user = uri.user;
	p->domain = uri.host.text;
	return true;
}

static void timers(struct phone *p)
{
	struct request *r = &p->request;
	uint64_t        now = clock_us();

	if (r->size > 0 && now >= r->ends_us) {
		give_up(p, "no answer came in 32 seconds");
	} else if (r->size > 0 && now >= r->again_us) {
		r->wait_us = 2 * r->wait_us < T2_US ? 2 * r->wait_us : T2_US;
		r->again_us = now + r->wait_us;
		send_again(p);
	} else if (r->size == 0 && now >= p->refresh_us) {
		request_register(p);
	}
}

int phone_run(const struct options *options)
{
	static struct phone p;
	static uint8_t      bytes[SIP_MESSAGE_SIZE_MAX];
	struct pollfd       wait = {.events = POLLIN};
	uint64_t            ends_us;

	p = (struct phone){.options = options};
	if (!who_am_i(&p))
		return 1;
	if (!open_socket(&p) || getrandom(&p.random, sizeof(p.random), 0) < 0) {
		fprintf(stderr, "cpm-load: %s port %s cannot be reached: %s\n",
			options->connect.host, options->connect.port, strerror(errno));
		return 1;
	}
	signal(SIGINT, interrupt);
	signal(SIGTERM, interrupt);
	ends_us = options->time_us > 0 ? clock_us() + options->time_us : UINT64_MAX;
	request_register(&p);
	wait.fd = p.fd;
	while (!p.over && !interrupted && clock_us() < ends_us) {
		ssize_t n = poll(&wait, 1, 50) > 0 ? recv(p.fd, bytes, sizeof(bytes), 0) : 0;

		if (n > 0)
			take(&p, cur_of(bytes, (size_t)n));
		timers(&p);
	}
	close(p.fd);
	printf("%llu messages came\n", (unsigned long long)p.got);
	return p.status;
}
