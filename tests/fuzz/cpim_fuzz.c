/*
 * Fuzz target: the bodies that wrap texts. What message/cpim is read is written, read again the
 * same, and written again the same; its content and its escapes are decoded within what they
 * promise; the bytes are also taken as parts, whose bodies lie where they were found.
 */
#include <string.h>

#include "base/assert.h"
#include "sip/cpim.h"
#include "sip/multipart.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define SIZE_MAX_IN 8192u
#define ROOM (16u * SIZE_MAX_IN)

static char one[ROOM], other[ROOM], text[8 * SIZE_MAX_IN];

static void address_same(const struct sip_cpim_address *a, const struct sip_cpim_address *b)
{
	ASSERT(str_eq(a->name, b->name) && str_eq(a->uri, b->uri));
}

static void same(const struct sip_cpim *a, const struct sip_cpim *b)
{
	address_same(&a->from, &b->from);
	address_same(&a->to, &b->to);
	address_same(&a->original_to, &b->original_to);
	ASSERT(str_eq(a->datetime, b->datetime) && str_eq(a->message_id, b->message_id));
	ASSERT(str_eq(a->subject, b->subject));
	ASSERT(a->subject.n == 0 || str_eq(a->subject_language, b->subject_language));
	ASSERT(a->to_count == b->to_count && a->cc_count == b->cc_count && a->wants == b->wants);
	ASSERT(a->record_routes == b->record_routes && a->routes == b->routes);
	ASSERT(a->content.encoding == b->content.encoding && str_eq(a->body, b->body));
}

static void escapes(struct str value)
{
	struct put w = put_to(text, sizeof(text)), again = put_to(other, sizeof(other));
	size_t     n;

	sip_cpim_text_put(&w, value);
	ASSERT(!w.failed && put_size(&w) <= 3 * value.n);
	n = put_size(&w);
	sip_cpim_escape_put(&again, (struct str){text, n});
	w = put_to(one, sizeof(one));
	sip_cpim_text_put(&w, (struct str){other, put_size(&again)});
	ASSERT(!w.failed && put_size(&w) == n && memcmp(one, text, n) == 0);
}

static void message(const uint8_t *data, size_t size)
{
	struct sip_cpim m, again;
	struct put      w = put_to(one, sizeof(one)), second = put_to(other, sizeof(other));
	struct put      content = put_to(text, size);

	if (sip_cpim_parse(cur_of(data, size), &m) != SIP_BODY_OK)
		return;
	ASSERT(sip_cpim_content(&m, &content) != SIP_BODY_LIMIT);
	sip_cpim_put(&w, &m);
	ASSERT(!w.failed);
	ASSERT(sip_cpim_parse(cur_of(one, put_size(&w)), &again) == SIP_BODY_OK);
	same(&m, &again);
	sip_cpim_put(&second, &again);
	ASSERT(!second.failed && put_size(&second) == put_size(&w));
	ASSERT(memcmp(one, other, put_size(&w)) == 0);
	escapes(m.subject);
}

static void parts(struct cur body, const struct sip_multipart *outer)
{
	struct sip_multipart m;
	struct sip_part      part;
	unsigned             count = 0;
	const char          *least = (const char *)body.p;

	if (!sip_multipart_open(&m, STR("multipart/mixed;boundary=b"), body, outer))
		return;
	while (sip_multipart_next(&m, &part)) {
		ASSERT(part.body.p >= least && part.body.p + part.body.n <= (const char *)body.end);
		least = part.body.p + part.body.n;
		ASSERT(++count <= SIP_MULTIPART_PARTS_MAX);
		parts(cur_of(part.body.p, part.body.n), &m);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size > SIZE_MAX_IN)
		return 0;
	message(data, size);
	parts(cur_of(data, size), NULL);
	escapes((struct str){(const char *)data, size});
	return 0;
}
