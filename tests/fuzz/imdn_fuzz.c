/*
 * Fuzz target: the bodies that are XML. A document has no more tokens than bytes; text decodes to
 * no more than it was; what is read as a notification, a composing indication or recipients is
 * written and read again the same; what stands for a file or a place has a text.
 */
#include <string.h>

#include "base/assert.h"
#include "sip/composing.h"
#include "sip/imdn.h"
#include "sip/linked.h"
#include "sip/recipients.h"
#include "xml/xml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define SIZE_MAX_IN 16384u

static char room[SIZE_MAX_IN], again_room[8 * SIZE_MAX_IN], written[8 * SIZE_MAX_IN];

static void tokens(struct cur in)
{
	struct xml     x;
	enum xml_token t;
	size_t         count = 0, size = cur_left(&in);
	bool           done;

	xml_open(&x, in);
	while ((t = xml_next(&x)) != XML_DONE && t != XML_BAD) {
		struct put w = put_to(room, sizeof(room));

		ASSERT(++count <= size && x.depth <= XML_DEPTH_MAX);
		if (t == XML_TEXT)
			xml_text_put(&w, x.text);
		ASSERT(!w.failed && (t != XML_TEXT || put_size(&w) <= x.text.n));
		for (unsigned i = 0; t == XML_START && i < x.attributes; i++) {
			struct str value = x.attribute[i].value;

			w = put_to(room, sizeof(room));
			xml_value_put(&w, value);
			ASSERT(!w.failed && put_size(&w) <= value.n);
		}
	}
	done = t == XML_DONE;
	ASSERT(done == !x.bad && xml_next(&x) == t); /* and stays so */
}

static void notification(struct cur in)
{
	struct put r = put_to(room, cur_left(&in)), again = put_to(again_room, sizeof(written));
	struct put w = put_to(written, sizeof(written));
	struct sip_imdn n, m;
	enum sip_body   fault = sip_imdn_parse(in, &r, &n);

	ASSERT(!r.failed);
	if (fault != SIP_BODY_OK)
		return;
	sip_imdn_put(&w, &n);
	ASSERT(!w.failed);
	ASSERT(sip_imdn_parse(cur_of(written, put_size(&w)), &again, &m) == SIP_BODY_OK);
	ASSERT(n.kind == m.kind && n.status == m.status);
	ASSERT(str_eq(n.message_id, m.message_id) && str_eq(n.datetime, m.datetime));
	ASSERT(str_eq(n.recipient_uri, m.recipient_uri) && str_eq(n.subject, m.subject));
	ASSERT(str_eq(n.original_recipient_uri, m.original_recipient_uri));
}

static void composing(struct cur in)
{
	struct put r = put_to(room, cur_left(&in)), again = put_to(again_room, sizeof(written));
	struct put w = put_to(written, sizeof(written));
	struct sip_composing c, d;
	enum sip_body        fault = sip_composing_parse(in, &r, &c);

	ASSERT(!r.failed);
	if (fault != SIP_BODY_OK)
		return;
	sip_composing_put(&w, &c);
	ASSERT(!w.failed);
	ASSERT(sip_composing_parse(cur_of(written, put_size(&w)), &again, &d) == SIP_BODY_OK);
	ASSERT(c.active == d.active && c.refresh_s == d.refresh_s);
	ASSERT(str_eq(c.content_type, d.content_type) && str_eq(c.last_active, d.last_active));
}

static void recipients(struct cur in)
{
	struct put r = put_to(room, cur_left(&in)), again = put_to(again_room, sizeof(written));
	struct put w = put_to(written, sizeof(written));
	struct sip_recipients l, m;
	struct sip_recipient  entry, other;

	sip_recipients_open(&l, in, &r);
	sip_recipients_begin(&w);
	while (sip_recipients_next(&l, &entry))
		sip_recipients_put(&w, &entry);
	sip_recipients_end(&w);
	ASSERT(!r.failed && l.count <= SIP_RECIPIENTS_MAX + 1);
	if (l.fault != SIP_BODY_OK || put_size(&w) > XML_SIZE_MAX)
		return;
	ASSERT(!w.failed);
	r = put_to(room, cur_left(&in));
	sip_recipients_open(&l, in, &r);
	sip_recipients_open(&m, cur_of(written, put_size(&w)), &again);
	while (sip_recipients_next(&l, &entry)) {
		ASSERT(sip_recipients_next(&m, &other));
		ASSERT(str_eq(entry.uri, other.uri) && entry.copy == other.copy &&
		       entry.anonymous == other.anonymous);
	}
	ASSERT(!sip_recipients_next(&m, &other) && m.fault == SIP_BODY_OK);
}

/* What is told is told in as many bytes at most, without a line's end. */
static void linked(struct cur in)
{
	struct put          r = put_to(room, cur_left(&in)), w = put_to(written, sizeof(written));
	struct sip_file     file;
	struct sip_location place;

	if (sip_file_parse(in, &r, &file) == SIP_BODY_OK) {
		ASSERT(file.url.n > 7 && file.url.n <= SIP_LINK_MAX);
		ASSERT(file.name.n <= SIP_LINK_NAME_MAX);
		sip_file_text(&file, &w);
	}
	ASSERT(!r.failed);
	r = put_to(room, cur_left(&in));
	if (sip_location_parse(in, &r, &place) == SIP_BODY_OK) {
		ASSERT(place.latitude.n > 0 && place.longitude.n > 0);
		sip_location_text(&place, &w);
	}
	ASSERT(!r.failed && !w.failed && put_size(&w) <= SIP_LINK_MAX + SIP_LINK_NAME_MAX + 1);
	ASSERT(memchr(written, '\n', put_size(&w)) == NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cur in = cur_of(data, size);

	if (size > SIZE_MAX_IN)
		return 0;
	tokens(in);
	notification(in);
	composing(in);
	recipients(in);
	linked(in);
	return 0;
}
