/*
 * A second opinion: libosip2 reads the torture messages, and what chance makes of them. Where one
 * of the two accepts what the other refuses, a table says why; where both accept, they must have
 * found the same message.
 */
#include "sip/torture.h"

#include <osipparser2/osip_parser.h>
#include <osipparser2/osip_port.h>

#include "base/random.h"
#include "sip/via.h"

#define MUTANTS 2000u /* of each message */

static const struct {
	const char *name;
	bool        ours; /* we accept it, libosip2 does not; else the other way round */
	const char *why;
} departures[] = {
	{"intmeth", true, "libosip2 takes the NUL of a quoted pair for the end of the text"},
	{"novelsc", true, "libosip2 refuses the scheme soap.beep, which RFC 3986 (3.1) allows"},
	{"scalar02", false, "libosip2 keeps the number of CSeq as text, whatever its size"},
	{"scalarlg", false, "libosip2 keeps the number of CSeq as text, whatever its size"},
	{"bigcode", false, "libosip2 takes any number for a status"},
	{"badvers", false, "libosip2 does not ask for version 2.0"},
	{"mismatch01", false, "libosip2 does not compare the methods"},
	{"mismatch02", false, "libosip2 does not compare the methods"},
	{"insuf", false, "libosip2 does not ask for mandatory header fields"},
	{"ncl", false, "libosip2 takes -999 for a length"},
	{"escruri", false, "libosip2 allows header fields in a Request-URI"},
	{"ipv6-bad", false, "libosip2 takes 2001 for a host and what follows for a port"},
};

static const char *const torture_names[] = {
#define TORTURE(name, fault, fields, stream, lost, headers) name,
#include "sip/torture.def"
#undef TORTURE
};

static struct sip_message   m;
static struct sip_mandatory known;

static bool ours(const char *bytes, size_t n)
{
	uint8_t        *exact = test_copy(bytes, n);
	struct sip_scan scan = {0};
	struct cur      in = cur_of(exact, n);
	enum reason     why;
	bool            good = sip_message_next(&scan, &in, SIP_DATAGRAM, &m, &why) == PULL_ITEM &&
		    (m.kind == SIP_REQUEST || m.kind == SIP_RESPONSE) && m.fault == REASON_NONE &&
		    sip_mandatory_parse(&m, &known) == REASON_NONE;

	free(exact);
	if (good) { /* once more over memory that stays */
		in = cur_of(bytes, n);
		assert_int_equal(sip_message_next(&scan, &in, SIP_DATAGRAM, &m, &why), PULL_ITEM);
		assert_int_equal(sip_mandatory_parse(&m, &known), REASON_NONE);
	}
	return good;
}

/* Freed by the caller; NULL: refused. */
static osip_message_t *theirs(const char *bytes, size_t n)
{
	osip_message_t *sip;

	assert_int_equal(osip_message_init(&sip), 0);
	if (osip_message_parse(sip, bytes, n) == 0)
		return sip;
	osip_message_free(sip);
	return NULL;
}

static bool departs(const char *name, bool we)
{
	for (size_t i = 0; i < sizeof(departures) / sizeof(departures[0]); i++) {
		if (strcmp(departures[i].name, name) == 0 && departures[i].ours == we)
			return true;
	}
	return false;
}

static bool same(struct str a, const char *b)
{
	return str_eq(a, str_of(b != NULL ? b : ""));
}

static unsigned elements(enum sip_header_id id)
{
	struct sip_list l;
	struct str      element;
	unsigned        n = 0;

	for (sip_list_init(&l, &m, id); sip_list_next(&l, &element);)
		n++;
	return n;
}

/* What both have found, by its name; NULL: all is the same. */
static const char *difference(osip_message_t *sip)
{
	osip_via_t           *via = osip_list_get(&sip->vias, 0);
	osip_generic_param_t *tag = NULL;
	char                  call_id[1024];

	if (m.kind == SIP_REQUEST ? !same(m.method_text, sip->sip_method)
				  : (int)m.status != sip->status_code)
		return "start line";
	if (sip->cseq == NULL || !same(known.cseq.method_text, sip->cseq->method) ||
	    strtoul(sip->cseq->number, NULL, 10) != known.cseq.number)
		return "CSeq";
	snprintf(call_id, sizeof(call_id), "%s%s%s", sip->call_id->number,
		 sip->call_id->host != NULL ? "@" : "",
		 sip->call_id->host != NULL ? sip->call_id->host : "");
	if (!same(known.call_id, call_id))
		return "Call-ID";
	osip_from_get_tag(sip->from, &tag);
	if (!same(known.from.tag, tag != NULL ? tag->gvalue : NULL))
		return "From tag";
	if ((unsigned)osip_list_size(&sip->vias) != elements(SIP_VIA))
		return "number of Vias";
	if (!same(known.via.host.text, via->host) ||
	    known.via.port != (via->port != NULL ? atoi(via->port) : 0))
		return "sent-by";
	if (known.to.uri.scheme <= SIP_SCHEME_SIPS &&
	    (!same(known.to.uri.host.text, sip->to->url->host)))
		return "host of To";
	return NULL;
}

static void both_give_the_same_verdict_but_for_a_table(void **state)
{
	unsigned departed = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(torture_names) / sizeof(torture_names[0]); i++) {
		struct str      whole = torture_read(torture_names[i]);
		bool            we = ours(whole.p, whole.n);
		osip_message_t *sip = theirs(whole.p, whole.n);

		if (we != (sip != NULL)) {
			departed++;
			if (!departs(torture_names[i], we))
				fail_msg("%s: accepted by %s alone", torture_names[i],
					 we ? "us" : "libosip2");
		} else if (we && difference(sip) != NULL) {
			fail_msg("%s: another %s", torture_names[i], difference(sip));
		}
		if (sip != NULL)
			osip_message_free(sip);
		torture_free(whole);
	}
	assert_int_equal(departed, sizeof(departures) / sizeof(departures[0]));
}

/* Some bytes changed, taken away or put in, of those that mean something. */
static size_t mutate(struct random *r, struct str from, char *to, size_t room)
{
	static const char bytes[] = "\r\n \t:;,=@<>\"\\/?%&[]()*.-+09azAZ_~\x01\x7f\xc3";
	size_t            n = from.n < room ? from.n : room;

	memcpy(to, from.p, n);
	for (unsigned changes = 1 + random_below(r, 3); changes > 0 && n > 1; changes--) {
		size_t at = random_below(r, (uint32_t)n);
		char   byte = bytes[random_below(r, sizeof(bytes) - 1)];

		switch (random_below(r, 3)) {
		case 0:
			to[at] = byte;
			break;
		case 1:
			memmove(to + at, to + at + 1, --n - at);
			break;
		default:
			if (n < room)
				memmove(to + at + 1, to + at, n++ - at);
			to[at] = byte;
		}
	}
	return n;
}

static void what_both_accept_is_the_same_message(void **state)
{
	static char   mutant[8192];
	struct random r;
	unsigned      both = 0;

	(void)state;
	random_seed(&r, 4475);
	for (size_t i = 0; i < sizeof(torture_names) / sizeof(torture_names[0]); i++) {
		struct str whole = torture_read(torture_names[i]);

		for (unsigned j = 0; j < MUTANTS; j++) {
			size_t n = mutate(&r, whole, mutant, sizeof(mutant));
			/* The texts of libosip2 end at a NUL. */
			bool            we = memchr(mutant, 0, n) == NULL && ours(mutant, n);
			osip_message_t *sip = theirs(mutant, n);

			both += we && sip != NULL;
			if (we && sip != NULL && difference(sip) != NULL)
				fail_msg("another %s:\n%.*s", difference(sip), (int)n, mutant);
			if (sip != NULL)
				osip_message_free(sip);
		}
		torture_free(whole);
	}
	assert_true(both > 10000);
}

static void quiet(const char *file, int line, osip_trace_level_t level, const char *format,
		  va_list arguments)
{
	(void)file, (void)line, (void)level, (void)format, (void)arguments;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_give_the_same_verdict_but_for_a_table),
		cmocka_unit_test(what_both_accept_is_the_same_message),
	};

	parser_init();
	osip_trace_initialize_func(END_TRACE_LEVEL, quiet);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
