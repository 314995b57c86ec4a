#include "verify.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/hash.h"

#define WORDS_MAX 10

/* A message that was sent. */
struct entry {
	uint64_t key;       /* marker + 1; 0: free */
	uint64_t remote_id; /* hash */
	uint32_t to, from;  /* hashes */
	uint32_t session, status;
	uint8_t  answered, accepted, refused, silent, receipts;
};

/* The last message of a session to a recipient that came into one receiver's record. */
struct last {
	uint64_t key; /* hash of file, run, session and recipient; 0: free */
	uint32_t number;
};

struct verify {
	struct entry  *entries;
	struct last   *lasts;
	uint64_t      *ids; /* of receipts: hashes */
	uint64_t       entry_count, entry_mask, last_count, last_mask, id_count, id_room, files;
	struct verdict verdict;
};

static void *zeroed(size_t count, size_t size)
{
	void *p = calloc(count, size);

	ASSERT(p != NULL);
	return p;
}

struct verify *verify_new(void)
{
	struct verify *v = zeroed(1, sizeof(*v));

	v->entry_mask = v->last_mask = 1023;
	v->entries = zeroed(v->entry_mask + 1, sizeof(*v->entries));
	v->lasts = zeroed(v->last_mask + 1, sizeof(*v->lasts));
	return v;
}

void verify_free(struct verify *v)
{
	free(v->entries);
	free(v->lasts);
	free(v->ids);
	free(v);
}

static uint64_t hash_of(struct str s)
{
	static const struct hash_key key = {0x6370, 0x6d};

	return hash_sip(&key, s.p, s.n);
}

/* A recipient is the same with and without its plus. */
static uint32_t address_hash(struct str s)
{
	return (uint32_t)hash_of(str_skip(s, str_starts(s, STR("+"))));
}

/* The place of a key: its entry or a free one. */
static struct entry *entry_at(struct entry *entries, uint64_t mask, uint64_t key)
{
	uint64_t at = hash_mix(key) & mask;

	while (entries[at].key != 0 && entries[at].key != key)
		at = (at + 1) & mask;
	return &entries[at];
}

static struct last *last_at(struct last *lasts, uint64_t mask, uint64_t key)
{
	uint64_t at = hash_mix(key) & mask;

	while (lasts[at].key != 0 && lasts[at].key != key)
		at = (at + 1) & mask;
	return &lasts[at];
}

static void entries_grow(struct verify *v)
{
	uint64_t      mask = 2 * v->entry_mask + 1;
	struct entry *more = zeroed(mask + 1, sizeof(*more));

	for (uint64_t i = 0; i <= v->entry_mask; i++) {
		if (v->entries[i].key != 0)
			*entry_at(more, mask, v->entries[i].key) = v->entries[i];
	}
	free(v->entries);
	v->entries = more;
	v->entry_mask = mask;
}

static void lasts_grow(struct verify *v)
{
	uint64_t     mask = 2 * v->last_mask + 1;
	struct last *more = zeroed(mask + 1, sizeof(*more));

	for (uint64_t i = 0; i <= v->last_mask; i++) {
		if (v->lasts[i].key != 0)
			*last_at(more, mask, v->lasts[i].key) = v->lasts[i];
	}
	free(v->lasts);
	v->lasts = more;
	v->last_mask = mask;
}

/* The next line's words, parted by single spaces; their count, 0 at the end. */
static unsigned words_next(struct str *lines, struct str words[WORDS_MAX])
{
	const char *end = lines->n > 0 ? memchr(lines->p, '\n', lines->n) : NULL;
	struct str  line = {lines->p, end != NULL ? (size_t)(end - lines->p) : lines->n};
	unsigned    count = 0;

	if (lines->n == 0)
		return 0;
	*lines = str_skip(*lines, line.n + 1);
	while (count < WORDS_MAX) {
		const char *space = line.n > 0 ? memchr(line.p, ' ', line.n) : NULL;
		size_t      n = space != NULL ? (size_t)(space - line.p) : line.n;

		words[count++] = (struct str){line.p, n};
		if (space == NULL)
			return count;
		line = str_skip(line, n + 1);
	}
	return WORDS_MAX + 1;
}

static bool number(struct str s, uint64_t base, uint64_t *v)
{
	*v = 0;
	for (size_t i = 0; i < s.n; i++) {
		char     c = s.p[i];
		uint64_t digit = c >= '0' && c <= '9'   ? (uint64_t)(c - '0')
				 : c >= 'a' && c <= 'f' ? (uint64_t)(c - 'a' + 10)
							: 99;

		if (digit >= base)
			return false;
		*v = *v * base + digit;
	}
	return s.n > 0 && s.n <= 16;
}

/* A status of "none" is no answer. */
static bool status_of(struct str word, uint8_t *answered, uint32_t *status)
{
	uint64_t v = 0;

	*answered = !str_eq(word, STR("none"));
	if (*answered && !number(word, 16, &v))
		return false;
	*status = (uint32_t)v;
	return true;
}

static bool sent_line(struct verify *v, const struct str *words)
{
	struct entry entry = {0}, *at;
	uint64_t     key, session;

	if (str_eq(words[1], STR("-")))
		return true; /* nothing to know it by */
	if (!number(words[1], 16, &key) || !number(words[2], 10, &session) ||
	    !status_of(words[5], &entry.answered, &entry.status))
		return false;
	entry.key = key + 1;
	entry.session = (uint32_t)session;
	entry.to = address_hash(words[3]);
	entry.from = address_hash(words[4]);
	entry.remote_id = hash_of(words[6]);
	at = entry_at(v->entries, v->entry_mask, entry.key);
	if (at->key != 0) {
		v->verdict.sent_twice++;
		return true;
	}
	*at = entry;
	v->verdict.sent++;
	v->verdict.unanswered += !entry.answered;
	v->verdict.ok += entry.answered && entry.status == 0;
	v->verdict.failed += entry.answered && entry.status != 0;
	if (++v->entry_count * 2 > v->entry_mask)
		entries_grow(v);
	return true;
}

static void receipt_line(struct verify *v, struct str id, struct str state)
{
	v->verdict.receipts++;
	if (str_eq(state, STR("ENROUTE")))
		return; /* not the last word */
	if (v->id_count == v->id_room) {
		v->id_room = v->id_room == 0 ? 1024 : 2 * v->id_room;
		v->ids = realloc(v->ids, v->id_room * sizeof(*v->ids));
		ASSERT(v->ids != NULL);
	}
	v->ids[v->id_count++] = hash_of(id);
}

void verify_sent(struct verify *v, struct str lines)
{
	struct str words[WORDS_MAX];
	unsigned   count;

	while ((count = words_next(&lines, words)) > 0) {
		if (str_eq(words[0], STR("D")) && count == 5)
			receipt_line(v, words[1], words[2]);
		else if (str_eq(words[0], STR("S")) && count == 9 && sent_line(v, words))
			continue;
		else if (!str_eq(words[0], STR("R")))
			v->verdict.malformed++;
	}
}

/* One more copy that the receiver may have kept. */
static void order(struct verify *v, const struct entry *entry)
{
	uint64_t     run = (entry->key - 1) >> 32, key;
	uint32_t     sequence = (uint32_t)(entry->key - 1);
	struct last *last;

	if (entry->accepted + entry->silent + entry->refused > 1)
		return; /* sent again: allowed to come late */
	key = hash_mix(run << 48 ^ v->files << 32 ^ entry->session) ^ (uint64_t)entry->to << 16;
	key += key == 0;
	last = last_at(v->lasts, v->last_mask, key);
	if (last->key == 0) {
		*last = (struct last){key, sequence};
		if (++v->last_count * 2 > v->last_mask)
			lasts_grow(v);
	} else if (sequence < last->number) {
		v->verdict.disordered++;
	} else {
		last->number = sequence;
	}
}

static bool received_line(struct verify *v, const struct str *words)
{
	struct entry *entry;
	uint64_t      key;
	uint32_t      status;
	uint8_t       answered, *copies;

	v->verdict.received++;
	if (str_eq(words[1], STR("-"))) {
		v->verdict.unmarked++;
		return true;
	}
	if (!number(words[1], 16, &key) || !status_of(words[5], &answered, &status))
		return false;
	entry = entry_at(v->entries, v->entry_mask, key + 1);
	if (entry->key == 0) {
		v->verdict.unknown++;
		return true;
	}
	if (!str_eq(words[8], STR("intact")) || address_hash(words[3]) != entry->to ||
	    address_hash(words[4]) != entry->from)
		v->verdict.changed++;
	copies = !answered ? &entry->silent : status == 0 ? &entry->accepted : &entry->refused;
	*copies += *copies < UINT8_MAX / 4;
	if (copies != &entry->refused)
		order(v, entry);
	return true;
}

void verify_received(struct verify *v, struct str lines)
{
	struct str words[WORDS_MAX];
	unsigned   count;

	v->files++;
	while ((count = words_next(&lines, words)) > 0) {
		if (str_eq(words[0], STR("S")) || str_eq(words[0], STR("D")))
			continue;
		if (!str_eq(words[0], STR("R")) || count != 10 || !received_line(v, words))
			v->verdict.malformed++;
	}
}

/* Each receipt to the message that was answered with its id. */
static void receipts_match(struct verify *v)
{
	uint64_t       mask = v->entry_mask;
	struct entry **by_id = zeroed(mask + 1, sizeof(*by_id));

	for (uint64_t i = 0; i <= mask; i++) {
		struct entry *entry = &v->entries[i];
		uint64_t      at = entry->remote_id & mask;

		if (entry->key == 0 || !entry->answered || entry->status != 0)
			continue;
		while (by_id[at] != NULL)
			at = (at + 1) & mask;
		by_id[at] = entry;
	}
	for (uint64_t i = 0; i < v->id_count; i++) {
		uint64_t at = v->ids[i] & mask;

		while (by_id[at] != NULL && by_id[at]->remote_id != v->ids[i])
			at = (at + 1) & mask;
		if (by_id[at] == NULL)
			v->verdict.receipts_unknown++;
		else if (by_id[at]->receipts++ > 0)
			v->verdict.receipts_doubled++;
	}
	free(by_id);
}

void verify_end(struct verify *v, bool receipts, struct verdict *verdict)
{
	receipts_match(v);
	for (uint64_t i = 0; i <= v->entry_mask; i++) {
		const struct entry *entry = &v->entries[i];
		unsigned            kept = entry->accepted + entry->silent;
		bool                ok = entry->answered && entry->status == 0;

		if (entry->key == 0)
			continue;
		v->verdict.lost += ok && entry->accepted == 0;
		v->verdict.duplicated += kept > 1 ? kept - 1 : 0;
		v->verdict.failed_delivered +=
			entry->answered && entry->status != 0 && entry->accepted > 0;
		v->verdict.receipts_missing +=
			ok && entry->receipts == 0 && (receipts || v->verdict.receipts > 0);
	}
	*verdict = v->verdict;
}

bool verify_passes(const struct verdict *d, const struct options *o)
{
	if (o->check_receipts &&
	    d->receipts_missing + d->receipts_doubled + d->receipts_unknown > 0)
		return false;
	return d->sent > 0 && d->lost == 0 && d->changed == 0 && d->unknown == 0 &&
	       d->sent_twice == 0 && d->malformed == 0 && d->duplicated <= o->expect_duplicates &&
	       d->unanswered <= o->expect_unanswered && (o->any_order || d->disordered == 0);
}

/* The lines of a file, mapped; false: said why. */
static bool file_map(const char *path, struct str *lines)
{
	int         fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	void       *p;

	if (fd < 0 || fstat(fd, &st) < 0) {
		fprintf(stderr, "cpm-load: %s: %s; expected a record written by --record\n", path,
			strerror(errno));
		return false;
	}
	*lines = STR("");
	if (st.st_size > 0) {
		p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
		if (p == MAP_FAILED) {
			fprintf(stderr, "cpm-load: %s: %s\n", path, strerror(errno));
			close(fd);
			return false;
		}
		*lines = (struct str){p, (size_t)st.st_size};
	}
	close(fd);
	return true;
}

static bool read_all(struct verify *v, const struct option_list *files,
		     void (*take)(struct verify *, struct str))
{
	for (unsigned i = 0; i < files->count; i++) {
		struct str lines;

		if (!file_map(files->item[i], &lines))
			return false;
		take(v, lines);
		if (lines.n > 0)
			munmap((void *)(uintptr_t)lines.p, lines.n);
	}
	return true;
}

/* FIGURE(name, sentence) in the order in which they are told. */
#define FIGURES(FIGURE)                                                                            \
	FIGURE(sent, "messages sent")                                                              \
	FIGURE(ok, "of them answered positively")                                                  \
	FIGURE(failed, "of them answered with a failure")                                          \
	FIGURE(unanswered, "of them not answered")                                                 \
	FIGURE(received, "copies arrived")                                                         \
	FIGURE(unmarked, "of them without a marker, not judged")                                   \
	FIGURE(lost, "lost: answered positively, accepted by no receiver")                         \
	FIGURE(duplicated, "copies too many")                                                      \
	FIGURE(changed, "changed on the way")                                                      \
	FIGURE(unknown, "arrived that nobody sent")                                                \
	FIGURE(disordered, "overtaken by a later one of their session and recipient")              \
	FIGURE(sent_twice, "markers sent twice: the records are of runs with the same number")     \
	FIGURE(failed_delivered,                                                                   \
	       "answered with a failure, yet accepted: their outcome was unknown")                 \
	FIGURE(receipts, "receipts came")                                                          \
	FIGURE(receipts_missing, "answered positively and without a receipt")                      \
	FIGURE(receipts_doubled, "receipts too many")                                              \
	FIGURE(receipts_unknown, "receipts for ids that no answer gave")                           \
	FIGURE(malformed, "lines that are no record")

static void tell(const struct verdict *d, const struct options *o, bool passed)
{
	if (o->json) {
		printf("{\"verdict\": \"%s\"", passed ? "pass" : "fail");
#define FIGURE(name, sentence) printf(", \"" #name "\": %" PRIu64, d->name);
		FIGURES(FIGURE)
#undef FIGURE
		printf("}\n");
		return;
	}
#define FIGURE(name, sentence)                                                                     \
	if (d->name > 0)                                                                           \
		printf("%12" PRIu64 " %s\n", d->name, sentence);
	FIGURES(FIGURE)
#undef FIGURE
	if (passed)
		printf("passed: what was answered positively arrived once and as it was sent\n");
	else
		printf("failed: %s\n", d->sent == 0 ? "the senders' records hold no message"
						    : "see the figures above");
}

int verify_run(const struct options *o)
{
	struct verify *v;
	struct verdict verdict;
	bool           readable, passed;

	if (o->sent.count == 0 || o->received.count == 0) {
		fprintf(stderr, "cpm-load: verify needs --sent FILE... and --received FILE...\n");
		return 1;
	}
	v = verify_new();
	readable = read_all(v, &o->sent, verify_sent) && read_all(v, &o->received, verify_received);
	if (readable) {
		verify_end(v, o->check_receipts, &verdict);
		passed = verify_passes(&verdict, o);
		tell(&verdict, o, passed);
	}
	verify_free(v);
	return readable && passed ? 0 : 1;
}
