/* Damage: with the checksum as it was, and with a checksum that fits the damage, so that each check
 * behind it is reached. */
#include "rules_test.h"

#include "base/put.h"
#include "rules/image.h"

static const struct rules_source source[] = {
	{"a", "{\"text\": \"ab\", \"not\": {\"from\": \"^1\"}}", "{\"reject\": \"spam\"}"},
	{"b", "{\"account\": [\"x\", \"y\"]}",
	 "{\"tag\": [\"t\", \"u\"], \"limit\": 3, \"rewrite_to\": \"+1\"}"},
	{"c", "{\"any\": [{\"text\": \"c\"}, {\"to\": \"2$\"}]}",
	 "{\"route\": [\"p\", \"q\"], \"rewrite_from\": \"me\"}"},
	{"d", "{\"size\": {\"over\": 2}, \"content\": \"file\", \"reached\": \"nobody\"}",
	 "{\"tag\": \"t\"}"},
};

struct bytes {
	uint8_t *p;
	size_t   n;
};

static struct bytes compiled(void)
{
	struct bytes       b;
	struct test_faults f = {0};

	assert_int_equal(rules_compile(source, COUNT(source), NULL, &b.p, &b.n, test_fault, &f), 0);
	return b;
}

static void fit_checksum(struct bytes b)
{
	struct put w = put_to(b.p + b.n - IMAGE_CHECKSUM_SIZE, IMAGE_CHECKSUM_SIZE);

	put_be64(&w, image_checksum(b.p, b.n - IMAGE_CHECKSUM_SIZE));
}

/* Where the serialised databases begin. */
static size_t databases_at(struct bytes b)
{
	struct image image;
	char         error[256];
	size_t       at;

	assert_true(image_read(&image, cur_of(b.p, b.n), error));
	at = (size_t)(image.databases[0].p - b.p);
	image_free(&image);
	return at;
}

/* Everything that can be asked of a set, so that a sanitizer sees what leads outside. */
static void use(const struct rules *r)
{
	static const char *const texts[] = {NULL, "ab", "c", "abc"};
	const char              *targets[RULES_TARGETS_MAX];

	for (unsigned t = 0; t < COUNT(texts); t++) {
		struct rules_verdict v =
			test_scan(r, "12", t % 2 ? "2" : "3", t % 3 ? "x" : "z", texts[t]);

		assert_true(v.limit_count <= RULES_LIMITS_MAX);
		assert_true(v.outcome != RULES_REJECT || v.why < REASON_COUNT);
		assert_true(v.outcome != RULES_ROUTE || v.route < rules_route_count(r));
		assert_true(v.from.p == NULL || strlen(v.from.p) == v.from.n);
	}
	for (uint32_t i = 0; i < rules_count(r); i++)
		assert_true(strlen(rules_name(r, i)) < 65536 &&
			    rules_hits(r, 1, i) <= COUNT(texts));
	for (uint32_t i = 0; i < rules_limit_count(r); i++)
		assert_true(strlen(rules_limit_name(r, i)) < 65536);
	for (uint32_t i = 0; i < rules_route_count(r); i++) {
		unsigned count = rules_route_targets(r, i, targets);

		for (unsigned t = 0; t < count; t++)
			assert_true(strlen(targets[t]) < 65536);
	}
	for (unsigned bit = 0; bit < RULES_TAGS_MAX; bit++)
		if (rules_tag_name(r, bit) != NULL)
			assert_true(strlen(rules_tag_name(r, bit)) < 65536);
}

static void an_image_of_another_format_is_not_current(void **state)
{
	struct bytes b = compiled();

	(void)state;
	assert_true(rules_image_is_current(b.p, b.n));
	assert_true(rules_image_is_current(b.p, 12));
	for (size_t n = 0; n < 12; n++)
		assert_false(rules_image_is_current(b.p, n));
	b.p[11]--;
	assert_false(rules_image_is_current(b.p, b.n));
	free(b.p);
}

static void every_changed_byte_is_refused(void **state)
{
	struct bytes b = compiled();
	char         error[256];

	(void)state;
	for (size_t i = 0; i < b.n; i++) {
		for (unsigned mask = 1; mask < 256; mask = mask == 1 ? 0x80 : mask * 2) {
			b.p[i] ^= (uint8_t)mask;
			error[0] = '\0';
			assert_null(rules_load(cur_of(b.p, b.n), 1, error));
			assert_true(error[0] != '\0');
			b.p[i] ^= (uint8_t)mask;
		}
	}
	free(b.p);
}

static void every_shorter_image_is_refused(void **state)
{
	struct bytes b = compiled();
	char         error[256];

	(void)state;
	for (size_t n = 0; n < b.n; n++) {
		struct bytes cut = {test_copy(b.p, n), n};

		assert_null(rules_load(cur_of(cut.p, n), 1, error));
		if (n >= 28) { /* its size and checksum made to fit */
			struct put w = put_to(cut.p + 12, 8);

			put_be64(&w, n);
			fit_checksum(cut);
			assert_null(rules_load(cur_of(cut.p, n), 1, error));
		}
		free(cut.p);
	}
	free(b.p);
}

static void a_changed_table_with_a_fitting_checksum_is_refused_or_harmless(void **state)
{
	static const uint8_t values[] = {0x00, 0x01, 0x02, 0x7f, 0x80, 0xff};
	struct bytes         b = compiled();
	size_t               end = databases_at(b);
	unsigned             refused = 0, loaded = 0;

	(void)state;
	for (size_t i = 0; i < end; i++) {
		for (unsigned v = 0; v < sizeof(values); v++) {
			uint8_t       was = b.p[i];
			uint8_t      *exact;
			char          error[256];
			struct rules *r;

			b.p[i] = values[v];
			fit_checksum(b);
			exact = test_copy(b.p, b.n);
			r = rules_load(cur_of(exact, b.n), 1, error);
			free(exact);
			if (r != NULL)
				use(r);
			loaded += r != NULL;
			refused += r == NULL;
			rules_free(r);
			b.p[i] = was;
		}
	}
	assert_true(refused > 500 && loaded > 100);
	free(b.p);
}

/* Hyperscan's own checksum covers all but two spare words of a header and the padding at the end.
 */
static void a_changed_database_with_a_fitting_checksum_is_refused_or_harmless(void **state)
{
	struct bytes b = compiled();
	size_t       start = databases_at(b), end = b.n - IMAGE_CHECKSUM_SIZE, refused = 0;
	char         error[256];

	(void)state;
	for (size_t i = start; i < end; i++) {
		struct rules *r;

		b.p[i] ^= 0x10;
		fit_checksum(b);
		r = rules_load(cur_of(b.p, b.n), 1, error);
		if (r != NULL)
			use(r);
		refused += r == NULL;
		rules_free(r);
		b.p[i] ^= 0x10;
	}
	assert_true(end - start - refused <= 3 * 128);
	free(b.p);
}

/* Set `n` bytes at `at`, fit the checksum, and see what the refusal says. */
static void refused_for(size_t at, const char *bytes, size_t n, const char *what)
{
	struct bytes b = compiled();
	char         error[256];

	memcpy(b.p + at, bytes, n);
	fit_checksum(b);
	assert_null(rules_load(cur_of(b.p, b.n), 1, error));
	if (strstr(error, what) == NULL)
		fail_msg("\"%s\" does not say \"%s\"", error, what);
	free(b.p);
}

static void a_refusal_says_what_to_do(void **state)
{
	(void)state;
	refused_for(0, "x", 1, "not an image of rules");
	refused_for(11, "\x7f", 1, "another format");
	refused_for(20, "4.9.9 ", 6, "another Hyperscan");
	refused_for(20 + IMAGE_VERSION_SIZE + 4, "\x80", 1, "for a processor with features");
}

static void the_same_rules_make_the_same_image(void **state)
{
	struct bytes a = compiled(), b = compiled();

	(void)state;
	assert_int_equal(a.n, b.n);
	assert_memory_equal(a.p, b.p, a.n);
	free(a.p);
	free(b.p);
}

static void a_pattern_is_compiled_once_however_many_rules_have_it(void **state)
{
	enum { RULES = 64 };
	struct rules_source many[RULES];
	char                name[RULES][8];
	struct image        image;
	uint8_t            *bytes;
	size_t              size;
	char                error[256];

	(void)state;
	for (unsigned i = 0; i < RULES; i++) {
		snprintf(name[i], sizeof(name[i]), "r%u", i);
		many[i] = (struct rules_source){name[i],
						"{\"text\": [\"abc\", \"def\"], \"from\": \"abc\"}",
						"{\"drop\": true}"};
	}
	assert_int_equal(rules_compile(many, RULES, NULL, &bytes, &size, NULL, NULL), 0);
	assert_true(image_read(&image, cur_of(bytes, size), error));
	assert_int_equal(image.bit_count, 3);
	assert_int_equal(image_count(&image, database), 2);
	image_free(&image);
	free(bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_image_of_another_format_is_not_current),
		cmocka_unit_test(every_changed_byte_is_refused),
		cmocka_unit_test(every_shorter_image_is_refused),
		cmocka_unit_test(a_changed_table_with_a_fitting_checksum_is_refused_or_harmless),
		cmocka_unit_test(a_changed_database_with_a_fitting_checksum_is_refused_or_harmless),
		cmocka_unit_test(a_refusal_says_what_to_do),
		cmocka_unit_test(the_same_rules_make_the_same_image),
		cmocka_unit_test(a_pattern_is_compiled_once_however_many_rules_have_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
