#include "smpp/receipt.h"

#include "msg/id.h"
#include "smpp/time.h"

static const struct {
	char    text[8];
	uint8_t message_state;
} states[MSG_STATE_COUNT] = {
	[MSG_STATE_UNKNOWN] = {"UNKNOWN", 7},   [MSG_STATE_ENROUTE] = {"ENROUTE", 1},
	[MSG_STATE_DELIVERED] = {"DELIVRD", 2}, [MSG_STATE_EXPIRED] = {"EXPIRED", 3},
	[MSG_STATE_DELETED] = {"DELETED", 4},   [MSG_STATE_UNDELIVERABLE] = {"UNDELIV", 5},
	[MSG_STATE_ACCEPTED] = {"ACCEPTD", 6},  [MSG_STATE_REJECTED] = {"REJECTD", 8},
};

#define STATE_PREFIX                                                                               \
	5u /* enough to tell them apart, so that DELIVERED and ACCEPTED are understood too */

uint8_t smpp_receipt_state_in(uint8_t message_state)
{
	for (unsigned i = 0; i < MSG_STATE_COUNT; i++) {
		if (states[i].message_state == message_state)
			return (uint8_t)i;
	}
	switch (message_state) {
	case 0: /* SCHEDULED, 5.0 */
		return MSG_STATE_ENROUTE;
	case 9: /* SKIPPED, 5.0 */
		return MSG_STATE_DELETED;
	default:
		return MSG_STATE_UNKNOWN;
	}
}

uint8_t smpp_receipt_state_out(uint8_t state)
{
	return states[state < MSG_STATE_COUNT ? state : MSG_STATE_UNKNOWN].message_state;
}

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

static bool starts_any_case(struct str s, const char *key)
{
	size_t n = strlen(key);

	if (s.n < n)
		return false;
	for (size_t i = 0; i < n; i++) {
		if (lower(s.p[i]) != lower(key[i]))
			return false;
	}
	return true;
}

/* The value after "key:", up to the next blank or NUL. */
static struct str value_at(struct str rest, size_t key_size)
{
	struct str v = str_skip(rest, key_size);
	size_t     n = 0;

	while (v.n > 0 && v.p[0] == ' ')
		v = str_skip(v, 1);
	while (n < v.n && v.p[n] != ' ' && v.p[n] != '\0' && v.p[n] != '\r' && v.p[n] != '\n')
		n++;
	return (struct str){v.p, n};
}

static void read_state(struct str value, struct smpp_receipt_text *r)
{
	for (unsigned i = 0; i < MSG_STATE_COUNT; i++) {
		char prefix[STATE_PREFIX + 1] = {0};

		memcpy(prefix, states[i].text, STATE_PREFIX);
		if (starts_any_case(value, prefix)) {
			r->state = (uint8_t)i;
			r->has_state = true;
			return;
		}
	}
}

static void read_error(struct str value, struct smpp_receipt_text *r)
{
	uint32_t error = 0;

	if (value.n == 0 || value.n > 5)
		return;
	for (size_t i = 0; i < value.n; i++) {
		if (value.p[i] < '0' || value.p[i] > '9')
			return;
		error = error * 10 + (uint32_t)(value.p[i] - '0');
	}
	r->error = error <= UINT16_MAX ? error : 0;
	r->has_error = true;
}

bool smpp_receipt_parse(struct str text, struct smpp_receipt_text *r)
{
	*r = (struct smpp_receipt_text){.id = STR("")};
	if (text.n > SMPP_RECEIPT_TEXT_MAX)
		return false;
	for (size_t i = 0; i < text.n; i++) {
		struct str rest = str_skip(text, i);

		if (i > 0 && text.p[i - 1] != ' ')
			continue;
		if (starts_any_case(rest, "text:"))
			break; /* what follows is the subscriber's, and may say anything */
		if (r->id.n == 0 && starts_any_case(rest, "id:"))
			r->id = value_at(rest, 3);
		else if (!r->has_state && starts_any_case(rest, "stat:"))
			read_state(value_at(rest, 5), r);
		else if (!r->has_error && starts_any_case(rest, "err:"))
			read_error(value_at(rest, 4), r);
	}
	return r->id.n > 0;
}

static void put_id(struct put *w, uint64_t id)
{
	char room[MSG_ID_TEXT_SIZE_MAX];

	put_bytes(w, room, msg_id_text(id, room));
}

void smpp_receipt_rewrite(struct put *w, struct str text, const struct smpp_receipt_text *r,
			  uint64_t msg_id)
{
	size_t before = (size_t)(r->id.p - text.p);

	put_bytes(w, text.p, before);
	put_id(w, msg_id);
	put_str(w, str_skip(text, before + r->id.n));
}

static void put_number3(struct put *w, unsigned n)
{
	n = n > 999 ? 999 : n;
	put_u8(w, (uint8_t)('0' + n / 100));
	put_u8(w, (uint8_t)('0' + n / 10 % 10));
	put_u8(w, (uint8_t)('0' + n % 10));
}

void smpp_receipt_write(struct put *w, const struct msg_receipt *r, uint64_t wall_ms)
{
	uint8_t state = r->state < MSG_STATE_COUNT ? r->state : MSG_STATE_UNKNOWN;
	char    date[10];

	smpp_time_short(wall_ms, date);
	put_str(w, STR("id:"));
	put_id(w, r->msg_id);
	put_str(w, STR(" sub:001 dlvrd:"));
	put_number3(w, state == MSG_STATE_DELIVERED);
	put_str(w, STR(" submit date:"));
	put_bytes(w, date, sizeof(date));
	put_str(w, STR(" done date:"));
	put_bytes(w, date, sizeof(date));
	put_str(w, STR(" stat:"));
	put_bytes(w, states[state].text, 7);
	put_str(w, STR(" err:"));
	put_number3(w, (unsigned)(r->error[1] << 8 | r->error[2]));
	put_str(w, STR(" text:"));
}
