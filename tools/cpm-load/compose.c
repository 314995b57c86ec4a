/* Messages made from the options, and read again. */
#include "load.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "msg/addr.h"
#include "msg/concat.h"

#define TEXT_SIZE_DEFAULT 100u
#define FILLER_SIZE 4096u
#define PART_SIZE_MAX 120u /* so that a part fits short_message in every coding */
#define LABEL_FORMAT                                                                               \
	"(%u/%u %u) " /* at the start of a part's text, for who receives it to compare with its    \
			 header */

static char filler[FILLER_SIZE + TEXT_CHARS_MAX];

static void filler_make(struct random *random)
{
	static const char *const words[] = {
		"the ",     "train ", "from ", "platform ", "two ",     "leaves ", "a ",
		"little ",  "later ", "than ", "planned ",  "please ",  "mind ",   "your ",
		"luggage ", "and ",   "have ", "pleasant ", "journey ", "today "};
	size_t at = 0;

	while (at < sizeof(filler)) {
		const char *word = words[random_below(random, sizeof(words) / sizeof(words[0]))];
		size_t      n = strlen(word);

		n = n < sizeof(filler) - at ? n : sizeof(filler) - at;
		memcpy(filler + at, word, n);
		at += n;
	}
}

static bool texts_read(struct load *load, const char *path)
{
	FILE   *file = fopen(path, "r");
	char   *line = NULL;
	size_t  size = 0;
	ssize_t n;

	if (file == NULL) {
		fprintf(stderr,
			"cpm-load: --text-file %s: %s; expected a readable file with a text on "
			"each line\n",
			path, strerror(errno));
		return false;
	}
	while ((n = getline(&line, &size, file)) >= 0) {
		n -= n > 0 && line[n - 1] == '\n';
		if (n == 0)
			continue;
		if ((load->texts.count & (load->texts.count - 1)) == 0)
			load->texts.line =
				realloc(load->texts.line,
					(load->texts.count == 0 ? 1 : 2 * load->texts.count) *
						sizeof(struct str));
		load->texts.line[load->texts.count++] =
			(struct str){memcpy(malloc((size_t)n), line, (size_t)n), (size_t)n};
	}
	free(line);
	fclose(file);
	if (load->texts.count == 0)
		fprintf(stderr, "cpm-load: --text-file %s has no text; expected one on each line\n",
			path);
	return load->texts.count > 0;
}

bool compose_init(struct load *load)
{
	static const struct {
		const char     *name;
		enum msg_coding coding;
	} codings[] = {{"gsm7", MSG_CODING_GSM7},
		       {"latin1", MSG_CODING_LATIN1},
		       {"ucs2", MSG_CODING_UCS2}};
	const struct options *o = load->options;
	bool                  known = false;

	for (size_t i = 0; i < sizeof(codings) / sizeof(codings[0]); i++) {
		if (strcmp(o->coding, codings[i].name) == 0) {
			load->coding = codings[i].coding;
			known = true;
		}
	}
	if (!known) {
		fprintf(stderr, "cpm-load: --coding %s: expected gsm7, latin1 or ucs2\n",
			o->coding);
		return false;
	}
	if (o->size > TEXT_CHARS_MAX || (o->text != NULL && strlen(o->text) > TEXT_CHARS_MAX)) {
		fprintf(stderr, "cpm-load: the text is too long; expected at most %u characters\n",
			TEXT_CHARS_MAX);
		return false;
	}
	if (o->parts > UINT8_MAX || (o->parts > 1 && o->size > PART_SIZE_MAX)) {
		fprintf(stderr, "cpm-load: expected --parts up to 255, each with --size up to %u\n",
			PART_SIZE_MAX);
		return false;
	}
	filler_make(&load->random);
	return o->text_file == NULL || texts_read(load, o->text_file);
}

/* The text of --text with {n} replaced. */
static size_t template_write(const char *text, uint64_t number, char *room)
{
	const char *place = strstr(text, "{n}");
	size_t      before = place != NULL ? (size_t)(place - text) : strlen(text);
	size_t      n = before;

	memcpy(room, text, before);
	if (place != NULL) {
		n += (size_t)sprintf(room + n, "%llu", (unsigned long long)number);
		memcpy(room + n, place + 3, strlen(place + 3));
		n += strlen(place + 3);
	}
	return n;
}

/* Octets of text behind the marker, of which `given` came from the options. */
static size_t text_size(const struct load *load, const struct request *request, size_t marker,
			size_t given)
{
	const struct options *o = load->options;
	size_t                whole = TEXT_SIZE_DEFAULT;

	if (o->size > 0)
		whole = o->size;
	else if (load->texts.count > 0 || o->text != NULL)
		whole = marker + given;
	if (request->part.parts > 0 && whole > PART_SIZE_MAX)
		whole = PART_SIZE_MAX;
	return whole > marker ? whole - marker : 0;
}

/* The marker, the label of a part, then the text. */
struct str compose_text(struct load *load, const struct request *request)
{
	static char           room[MARKER_SIZE + 2 * TEXT_CHARS_MAX + 32];
	const struct options *o = load->options;
	size_t                marker = o->markers ? MARKER_SIZE : 0, n = 0, size;
	char                 *rest = room + marker;

	if (request->part.parts > 0)
		n = (size_t)sprintf(rest, LABEL_FORMAT, request->part.part, request->part.parts,
				    request->part.reference);
	if (load->texts.count > 0) {
		struct str line = load->texts.line[random_below(&load->random, load->texts.count)];

		line.n = line.n < TEXT_CHARS_MAX ? line.n : TEXT_CHARS_MAX;
		memcpy(rest + n, line.p, line.n);
		n += line.n;
	} else if (o->text != NULL) {
		n += template_write(o->text, request->number, rest + n);
	}
	size = text_size(load, request, marker, n);
	if (n < size)
		memcpy(rest + n, filler + random_below(&load->random, FILLER_SIZE), size - n);
	size = text_split(MSG_CODING_UTF8, (uint8_t *)rest, n > size ? n : size, size);
	if (marker > 0)
		marker_write(room, (uint16_t)o->run, request->number, (struct str){rest, size});
	return (struct str){room, marker + size};
}

static struct smpp_addr address(const char *text, size_t n)
{
	struct addr_number number = {0};
	struct str         s = {text, n};

	if (!addr_to_number(addr_kind_of(s), s, &number))
		return (struct smpp_addr){TON_ALPHANUMERIC, NPI_UNKNOWN, s};
	return (struct smpp_addr){number.ton, number.npi, number.digits};
}

/* The header of a part in front of its text; its size. */
static size_t udh_put(const struct msg_concat *part, uint8_t *to)
{
	const struct concat_udh udh = {.concat = *part};

	return part->udh ? concat_build(&udh, to) : 0;
}

static void sar_put(struct put *w, const struct msg_concat *part)
{
	uint8_t reference[2] = {(uint8_t)(part->reference >> 8), (uint8_t)part->reference};

	smpp_tlv_put(w, SMPP_TLV_sar_msg_ref_num, reference, sizeof(reference));
	smpp_tlv_put_u8(w, SMPP_TLV_sar_total_segments, part->parts);
	smpp_tlv_put_u8(w, SMPP_TLV_sar_segment_seqnum, part->part);
}

static struct msg_concat sar_read(struct cur tlvs)
{
	struct smpp_tlv   reference, parts, part;
	struct msg_concat c = {0};

	if (smpp_tlv_find(tlvs, SMPP_TLV_sar_msg_ref_num, &reference) &&
	    smpp_tlv_find(tlvs, SMPP_TLV_sar_total_segments, &parts) &&
	    smpp_tlv_find(tlvs, SMPP_TLV_sar_segment_seqnum, &part))
		c = (struct msg_concat){cur_be16(&reference.value), cur_u8(&part.value),
					cur_u8(&parts.value), false};
	return c;
}

/* The next part of what this session is sending, or the first of another message. */
void compose_request(struct load *load, struct peer *peer, struct request *request)
{
	const struct options *o = load->options;

	request->part = (struct msg_concat){0};
	if (peer->group.part.part < peer->group.part.parts) {
		peer->group.part.part++;
		memcpy(request->to, peer->group.to, sizeof(request->to));
		memcpy(request->from, peer->group.from, sizeof(request->from));
		request->to_size = peer->group.to_size;
		request->from_size = peer->group.from_size;
		request->part = peer->group.part;
		return;
	}
	request->to_size =
		(uint8_t)pattern_make(&load->to, &load->random, request->number, request->to);
	request->from_size =
		(uint8_t)pattern_make(&load->from, &load->random, request->number, request->from);
	if (o->parts > 1) {
		request->part =
			(struct msg_concat){++load->reference, 1, (uint8_t)o->parts, !o->sar};
		peer->group = *request;
	}
}

void compose_put(struct load *load, struct peer *peer, const struct request *request)
{
	static uint8_t       coded[CONCAT_UDH_SIZE_MAX + 4 * TEXT_CHARS_MAX + 64];
	static const uint8_t data_coding[MSG_CODING_COUNT] = {
		[MSG_CODING_LATIN1] = 3, [MSG_CODING_UCS2] = 8};
	uint8_t    sar[16], *at = coded + 4; /* in front, the head of a message_payload */
	struct str text = compose_text(load, request);
	size_t     udh = request->part.parts > 0 ? udh_put(&request->part, at) : 0;
	size_t     n = udh + text_from_utf8(load->coding, (struct text_tables){0}, text, at + udh,
					    sizeof(coded) - 4 - udh)
				 .size;
	struct smpp_sm sm = {.source = address(request->from, request->from_size),
			     .dest = address(request->to, request->to_size)};
	struct put     w = peer_put(peer), tlv = put_to(coded, 4), sar_w = put_to(sar, sizeof(sar));
	size_t         mark = smpp_pdu_begin(&w, load->role->request, SMPP_ROK, request->sequence);

	sm.esm_class = udh > 0 ? SMPP_ESM_UDHI : 0;
	sm.data_coding = data_coding[load->coding];
	sm.registered_delivery =
		load->role == &role_esme && load->options->receipts.given ? SMPP_REGISTERED_ANY : 0;
	if (n <= SMPP_SHORT_MESSAGE_MAX) {
		sm.text = cur_of(at, n);
		if (request->part.parts > 0 && !request->part.udh)
			sar_put(&sar_w, &request->part);
		sm.tlvs = cur_of(sar, put_size(&sar_w));
	} else {
		put_be16(&tlv, SMPP_TLV_message_payload);
		put_be16(&tlv, (uint16_t)n);
		sm.tlvs = cur_of(coded, 4 + n);
	}
	smpp_sm_put(&w, &sm);
	if (!smpp_pdu_end(&w, mark)) {
		fprintf(stderr, "cpm-load: an address of --to or --from does not fit its field; "
				"expected at most 20 characters\n");
		load_fail(load);
	}
	peer_put_done(peer, &w);
}

/* The text of a message as UTF-8, lent until the next call. */
static struct str text_of(const struct smpp_sm *sm, struct msg_concat *part)
{
	static char       room[TEXT_UTF8_SIZE(SMPP_PDU_SIZE_MAX)];
	struct cur        body = sm->text;
	struct smpp_tlv   payload;
	struct concat_udh udh = {0};
	enum msg_coding   coding = MSG_CODING_BINARY;
	size_t            n;

	if (cur_left(&body) == 0 && smpp_tlv_find(sm->tlvs, SMPP_TLV_message_payload, &payload))
		body = payload.value;
	if ((sm->esm_class & SMPP_ESM_UDHI) != 0 && concat_parse(body.p, cur_left(&body), &udh))
		cur_bytes(&body, udh.size);
	*part = udh.concat;
	if (part->parts == 0)
		*part = sar_read(sm->tlvs);
	if (sm->data_coding == 0)
		coding = MSG_CODING_GSM7;
	else if (sm->data_coding == 1)
		coding = MSG_CODING_ASCII;
	else if (sm->data_coding == 3)
		coding = MSG_CODING_LATIN1;
	else if (sm->data_coding == 8)
		coding = MSG_CODING_UCS2;
	n = text_to_utf8(coding, udh.tables, body.p, cur_left(&body), room, sizeof(room));
	return (struct str){room, n};
}

/* Whether the label of a part, where the text has one, is what the part's header or parameters say.
 */
static bool label_agrees(struct str rest, const struct msg_concat *part)
{
	char     label[32];
	unsigned n, parts, reference;

	str_copy(label, sizeof(label), rest);
	if (sscanf(label, LABEL_FORMAT, &n, &parts, &reference) != 3)
		return true;
	return n == part->part && parts == part->parts && reference == part->reference;
}

bool compose_read(const struct smpp_sm *sm, struct marker *marker)
{
	struct msg_concat part;
	struct str        text = text_of(sm, &part);

	if (!marker_parse(text, marker))
		return false;
	marker->intact = marker->intact && label_agrees(str_skip(text, MARKER_SIZE), &part);
	return true;
}
