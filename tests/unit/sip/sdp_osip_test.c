/*
 * A second opinion on session descriptions: the SDP parser of libosip2 reads the same, whole and
 * with bytes changed. It is lenient where RFC 8866 is not, so what we accept it accepts, and then
 * has found the same media and attributes.
 */
#include "test.h"

#include <osipparser2/osip_port.h>
#include <osipparser2/sdp_message.h>

#include "base/random.h"
#include "sip/sdp.h"

#define MUTANTS 20000u

static const char *const seeds[] = {
	"v=0\r\no=alice 2890844526 2890844527 IN IP4 192.0.2.7\r\ns=-\r\nc=IN IP4 192.0.2.7\r\n"
	"t=0 0\r\nm=message 7394 TCP/MSRP *\r\na=accept-types:message/cpim text/plain\r\n"
	"a=path:msrp://192.0.2.7:7394/2s93i9ek2a;tcp\r\na=setup:actpass\r\na=sendonly\r\n"
	"a=file-selector:size:4096\r\na=max-size:10000\r\n",
	"v=0\r\no=b 1 1 IN IP6 2001:db8::1\r\ns=x y\r\ni=info\r\nu=http://a\r\ne=a@b\r\np=+1\r\n"
	"c=IN IP6 2001:db8::1\r\nb=AS:64\r\nt=0 0\r\na=recvonly\r\n"
	"m=audio 49170/2 RTP/AVP 0 8 97\r\ni=x\r\nc=IN IP4 192.0.2.1\r\nb=AS:64\r\n"
	"a=rtpmap:97 iLBC/8000\r\na=ptime:20\r\nm=message 9 TCP/TLS/MSRP *\r\na=inactive\r\n"
	"a=path:msrps://relay.example:2855/a;tcp msrp://192.0.2.7:7394/b;tcp\r\n",
};

static struct sip_sdp sdp;

static sdp_message_t *theirs(const char *text)
{
	sdp_message_t *s;

	assert_int_equal(sdp_message_init(&s), 0);
	if (sdp_message_parse(s, text) == 0)
		return s;
	sdp_message_free(s);
	return NULL;
}

static bool same(struct str a, const char *b)
{
	return str_eq(a, str_of(b != NULL ? b : ""));
}

/* The first attribute of a name; NULL: none. */
static const char *attribute(sdp_message_t *s, int medium, const char *name)
{
	sdp_attribute_t *a;

	for (int i = 0; (a = sdp_message_attribute_get(s, medium, i)) != NULL; i++) {
		if (strcmp(a->a_att_field, name) == 0)
			return a->a_att_value;
	}
	return NULL;
}

static const char *difference(sdp_message_t *s)
{
	for (int i = 0; i < (int)sdp.count; i++) {
		const struct sip_sdp_media *m = &sdp.media[i];
		char                        formats[1024] = "";
		const char                 *format;

		if (sdp_message_endof_media(s, i))
			return "number of media";
		if (!same(m->kind, sdp_message_m_media_get(s, i)))
			return "kind";
		if (m->port != atoi(sdp_message_m_port_get(s, i)))
			return "port";
		if (!same(m->protocol, sdp_message_m_proto_get(s, i)))
			return "protocol";
		for (int k = 0; (format = sdp_message_m_payload_get(s, i, k)) != NULL; k++)
			snprintf(formats + strlen(formats), sizeof(formats) - strlen(formats),
				 "%s%s", k > 0 ? " " : "", format);
		if (!same(m->formats, formats))
			return "formats";
		if (!same(m->path, attribute(s, i, "path")))
			return "path";
		if (!same(m->accept_types, attribute(s, i, "accept-types")))
			return "accept-types";
		if (m->has_max_size &&
		    m->max_size != strtoull(attribute(s, i, "max-size"), NULL, 10))
			return "max-size";
	}
	return sdp_message_endof_media(s, (int)sdp.count) ? NULL : "number of media";
}

static void both_read_the_same(void **state)
{
	for (size_t i = 0; i < sizeof(seeds) / sizeof(seeds[0]); i++) {
		sdp_message_t *s = theirs(seeds[i]);

		assert_non_null(s);
		assert_int_equal(sip_sdp_parse(str_of(seeds[i]), &sdp), SIP_BODY_OK);
		assert_null(difference(s));
		sdp_message_free(s);
	}
}

static void mutate(struct random *r, const char *from, char *to, size_t room)
{
	static const char bytes[] = "\r\n :;=/+-.*09azAZ\"\t";
	size_t            n = strlen(from);

	memcpy(to, from, n + 1);
	for (unsigned changes = 1 + random_below(r, 3); changes > 0; changes--) {
		size_t at = random_below(r, (uint32_t)n);
		char   byte = bytes[random_below(r, sizeof(bytes) - 1)];

		switch (random_below(r, 3)) {
		case 0:
			to[at] = byte;
			break;
		case 1:
			memmove(to + at, to + at + 1, n-- - at);
			break;
		default:
			if (n + 1 >= room)
				break;
			memmove(to + at + 1, to + at, ++n - at);
			to[at] = byte;
		}
	}
}

static void what_we_accept_of_mutants_both_read_the_same(void **state)
{
	static char   mutant[4096];
	struct random r;
	unsigned      both = 0, alone = 0;

	random_seed(&r, 8866);
	for (unsigned i = 0; i < MUTANTS; i++) {
		sdp_message_t *s;
		const char    *other;

		mutate(&r, seeds[i % 2], mutant, sizeof(mutant));
		if (sip_sdp_parse(str_of(mutant), &sdp) != SIP_BODY_OK)
			continue;
		s = theirs(mutant);
		if (s == NULL) {
			alone++;
			continue;
		}
		both++;
		other = difference(s);
		if (other != NULL)
			fail_msg("seed 8866, mutant %u: another %s of\n%s", i, other, mutant);
		sdp_message_free(s);
	}
	assert_true(both > MUTANTS / 4);
	if (alone > MUTANTS / 50)
		fail_msg("seed 8866: %u mutants are accepted by us alone", alone);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_read_the_same),
		cmocka_unit_test(what_we_accept_of_mutants_both_read_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
