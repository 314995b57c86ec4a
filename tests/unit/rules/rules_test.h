/* What the tests of rules share: faults remembered, sets compiled and loaded in one call. */
#pragma once

#include <stdio.h>

#include "rules/compile.h"
#include "rules/rules.h"

#include "test.h"

struct test_faults {
	size_t count;
	size_t rule; /* of the last */
	char   key[256], text[512];
};

static inline void test_fault(void *user, size_t rule, const char *key, const char *text)
{
	struct test_faults *f = user;

	f->count++;
	f->rule = rule;
	snprintf(f->key, sizeof(f->key), "%s", key);
	snprintf(f->text, sizeof(f->text), "%s", text);
}

static inline struct rules *test_rules(const struct rules_source source[], size_t n)
{
	struct test_faults faults = {0};
	uint8_t           *image, *exact;
	size_t             size;
	char               error[256];
	struct rules      *r;

	if (rules_compile(source, n, NULL, &image, &size, test_fault, &faults) != 0)
		fail_msg("rule %zu: %s: %s", faults.rule, faults.key, faults.text);
	exact = test_copy(image, size);
	free(image);
	r = rules_load(cur_of(exact, size), 2, error);
	if (r == NULL)
		fail_msg("%s", error);
	free(exact); /* the image's bytes are not kept */
	return r;
}

/* Scan with copies that end where the input ends. NULL: empty. beside: the fields that are no
 * texts. */
static inline struct rules_verdict test_scan_beside(const struct rules *r, const char *from,
						    const char *to, const char *account,
						    const char *text, struct rules_input beside)
{
	const char          *in[4] = {from, to, account, text};
	struct str           field[4];
	struct rules_verdict v;

	for (unsigned i = 0; i < 4; i++) {
		field[i].n = in[i] != NULL ? strlen(in[i]) : 0;
		field[i].p = (const char *)test_copy(in[i], field[i].n);
	}
	beside.from = field[0];
	beside.to = field[1];
	beside.account = field[2];
	beside.text = field[3];
	rules_scan(r, 0, &beside, &v);
	for (unsigned i = 0; i < 4; i++)
		free((void *)(uintptr_t)field[i].p);
	return v;
}

static inline struct rules_verdict test_scan(const struct rules *r, const char *from,
					     const char *to, const char *account, const char *text)
{
	return test_scan_beside(r, from, to, account, text, (struct rules_input){.size = 0});
}

/* As the program that compiles calls them: by their index. */
static const char *const test_protocols[RULES_PROTOCOLS_MAX] = {NULL, "sip", "xmpp"};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
