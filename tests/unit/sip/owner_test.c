#include "test.h"

#include <stdio.h>

#include "base/random.h"
#include "sip/branch.h"
#include "sip/owner.h"

static unsigned owner_of(const char *text, size_t n, unsigned workers)
{
	uint8_t *exact = test_copy(text, n);
	unsigned owner = sip_owner(cur_of(exact, n), workers);

	free(exact);
	return owner;
}

static unsigned owner(const char *text, unsigned workers)
{
	return owner_of(text, strlen(text), workers);
}

static void requests_spread_evenly_by_call_id_alone(void **state)
{
	enum { WORKERS = 7, REQUESTS = 7000 };
	unsigned seen[WORKERS] = {0};
	char     text[512];

	for (unsigned i = 0; i < REQUESTS; i++) {
		unsigned at;

		snprintf(
			text, sizeof(text),
			"REGISTER sip:example.org SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\n"
			"CSeq: 1 REGISTER\r\nCall-ID: call-%u@h\r\n\r\n",
			i);
		at = owner(text, WORKERS);
		assert_true(at < WORKERS);
		seen[at]++;
		snprintf(text, sizeof(text),
			 "REGISTER sip:example.net SIP/2.0\r\ni :\r\n\t call-%u@h  \r\n"
			 "Via: SIP/2.0/UDP other;branch=z9hG4bK2\r\nCSeq: 2 REGISTER\r\n\r\n",
			 i);
		assert_int_equal(owner(text, WORKERS), at);
	}
	for (unsigned i = 0; i < WORKERS; i++)
		assert_in_range(seen[i], REQUESTS / WORKERS * 85 / 100,
				REQUESTS / WORKERS * 115 / 100);
}

/* However each of them is called, as an S-CSCF's are. */
static void registrations_of_one_user_come_to_one_worker(void **state)
{
	enum { WORKERS = 7, USERS = 7000 };
	unsigned seen[WORKERS] = {0};

	(void)state;
	for (unsigned i = 0; i < USERS; i++) {
		static const char *const to[] = {"To: <sip:u%u@h>", "t:  <sip:u%u@h>;x=1"};
		unsigned                 at[2];

		for (unsigned k = 0; k < 2; k++) {
			char line[64], text[256];

			snprintf(line, sizeof(line), to[k], i);
			snprintf(text, sizeof(text),
				 "REGISTER sip:h SIP/2.0\r\nCall-ID: c%u-%u\r\n%s\r\n\r\n", i, k,
				 line);
			at[k] = owner(text, WORKERS);
			assert_true(at[k] < WORKERS);
		}
		assert_int_equal(at[1], at[0]);
		seen[at[0]]++;
	}
	for (unsigned i = 0; i < WORKERS; i++)
		assert_in_range(seen[i], USERS / WORKERS * 85 / 100, USERS / WORKERS * 115 / 100);
}

static void responses_go_home_by_the_branch_of_the_top_via(void **state)
{
	static const char *const forms[] = {
		"SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 192.0.2.1:5060;branch=%s;rport=5060\r\n"
		"Via: SIP/2.0/UDP x;branch=z9hG4bKaaaaaaaaaaaaaaaaaaaaaaaa\r\nCall-ID: x\r\n\r\n",
		"SIP/2.0 404 Gone\r\nCall-ID: a\r\nv: SIP/2.0/UDP h\r\n ;rport=1\r\n "
		";branch=%s\r\n\r\n",
		"sip/2.0 100 Trying\r\nVIA\t:SIP / 2.0 / UDP h;received=192.0.2.7;branch=%s,"
		"SIP/2.0/UDP x;branch=z9hG4bKaaaaaaaaaaaaaaaaaaaaaaaa\r\n\r\n",
	};
	const struct hash_key key = {1, 2};

	for (unsigned worker = 0; worker < 9; worker++) {
		for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
			char              branch[SIP_BRANCH_SIZE + 1] = "", text[512];
			struct put        w = put_to(branch, SIP_BRANCH_SIZE);
			struct sip_branch b = {(uint8_t)worker, 1000 + worker, 5};

			sip_branch_put(&w, &key, &b);
			snprintf(text, sizeof(text), forms[i], branch);
			assert_int_equal(owner(text, 9), worker);
			assert_int_equal(owner(text, 1), 0);
			assert_int_equal(owner(text, 4), worker < 4 ? worker : 0);
		}
	}
}

/* TS 24.341: what became of a short message. */
static void a_report_comes_to_the_worker_whose_request_it_names(void **state)
{
	const struct hash_key key = {1, 2};

	for (unsigned worker = 0; worker < 9; worker++) {
		char              branch[SIP_BRANCH_SIZE + 1] = "", text[512];
		struct put        w = put_to(branch, SIP_BRANCH_SIZE);
		struct sip_branch b = {(uint8_t)worker, 1000 + worker, 5};

		sip_branch_put(&w, &key, &b);
		snprintf(text, sizeof(text),
			 "MESSAGE sip:a SIP/2.0\r\nCall-ID: x\r\nIn-Reply-To: %s\r\n\r\n", branch);
		assert_int_equal(owner(text, 9), worker);
	}
	assert_int_equal(owner("MESSAGE sip:a SIP/2.0\r\nIn-Reply-To: y\r\nCall-ID: x\r\n\r\n", 9),
			 owner("MESSAGE sip:a SIP/2.0\r\nCall-ID: x\r\n\r\n", 9));
}

static void requests_within_a_dialog_come_to_the_worker_that_our_tag_names(void **state)
{
	static const char *const methods[] = {"ACK", "BYE", "INVITE", "UPDATE", "NOTIFY"};
	const struct hash_key    key = {1, 2};

	for (unsigned worker = 0; worker < 9; worker++) {
		for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
			char              tag[SIP_NAME_SIZE + 1] = "", text[512];
			struct put        w = put_to(tag, SIP_NAME_SIZE);
			struct sip_branch b = {(uint8_t)worker, 1000 + worker, 5};

			sip_name_put(&w, &key, &b);
			snprintf(text, sizeof(text),
				 "%s sip:a SIP/2.0\r\nCall-ID: x\r\nTo: <sip:b>;tag=%s\r\n\r\n",
				 methods[i], tag);
			assert_int_equal(owner(text, 9), worker);
		}
	}
}

static void what_names_no_worker_belongs_to_the_first(void **state)
{
	static const char *const texts[] = {
		"",
		"\r\n\r\n",
		"\n",
		"no such thing",
		"SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP h;branch=z9hG4bKshort\r\n\r\n",
		"SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP h\r\n\r\n",
		"SIP/2.0 200 OK\r\nTo: x;branch=z9hG4bKeaaaaaaaaaaaaaaaaaaaaaaaa\r\n\r\n",
		"SIP/2.0 200 \r\n\r\nv:a;branch=z9hG4bKeaaaaaaaaaaaaaaaaaaaaaaa\r\n\r\n",
		"MESSAGE sip:a SIP/2.0\r\nFrom: x\r\n\r\nCall-ID: in-the-body\r\n",
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_int_equal(owner(texts[i], 8), 0);
}

static void any_bytes_name_a_worker_that_exists(void **state)
{
	static const char *const words[] = {
		"SIP/2.0 ", "Via:",         "v",  ":",       " ",
		"\r\n",     "Call-ID",      "i:", "z9hG4bK", "=",
		"branch=",  "aaaaaaaaaaaa", "\n", "\t",      "777777777777"};
	struct random r;

	random_seed(&r, 3);
	for (unsigned i = 0; i < 20000; i++) {
		char   text[512];
		size_t n = 0;

		for (unsigned k = random_below(&r, 24); k > 0; k--) {
			const char *word = words[random_below(&r, 15)];

			memcpy(text + n, word, strlen(word));
			n += strlen(word);
		}
		assert_true(owner_of(text, n, 5) < 5);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(requests_spread_evenly_by_call_id_alone),
		cmocka_unit_test(registrations_of_one_user_come_to_one_worker),
		cmocka_unit_test(responses_go_home_by_the_branch_of_the_top_via),
		cmocka_unit_test(a_report_comes_to_the_worker_whose_request_it_names),
		cmocka_unit_test(requests_within_a_dialog_come_to_the_worker_that_our_tag_names),
		cmocka_unit_test(what_names_no_worker_belongs_to_the_first),
		cmocka_unit_test(any_bytes_name_a_worker_that_exists),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
