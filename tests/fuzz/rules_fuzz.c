/*
 * The rule language, patterns included: the input is `when` and `then` of rules in turn, separated
 * by NUL bytes. Whatever it is, it is either in order or has faults that name a rule of the set, a
 * key and a text.
 */
#include <stdlib.h>
#include <string.h>

#include "rules/compile.h"
#include "rules/rules.h"

#define RULES_MOST 8u
#define INPUT_MOST 4096u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct faults {
	size_t rules, count;
};

static void on_fault(void *user, size_t rule, const char *key, const char *text)
{
	struct faults *f = user;

	f->count++;
	if (rule >= f->rules || key == NULL || text == NULL || strlen(text) == 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const names[RULES_MOST] = {"a", "b", "c", "d", "e", "f", "g", "h"};
	struct rules_source      rules[RULES_MOST];
	static const char *const protocols[RULES_PROTOCOLS_MAX] = {NULL, "sip", "xmpp"};
	struct faults            f = {0};
	char                    *text, *at, *end;

	rules_protocols_set(protocols);
	if (size > INPUT_MOST)
		return 0;
	text = malloc(size + 1);
	if (text == NULL)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	for (at = text, end = text + size; f.rules < RULES_MOST && at < end;) {
		const char *when = at, *then;

		at += strlen(at) + 1;
		then = at < end ? at : "{\"drop\": true}";
		at += at < end ? strlen(at) + 1 : 0;
		rules[f.rules] = (struct rules_source){names[f.rules], when, then};
		f.rules++;
	}
	if (rules_check(rules, f.rules, on_fault, &f) != f.count)
		abort();
	free(text);
	return 0;
}
