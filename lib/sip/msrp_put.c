#include "base/assert.h"
#include "sip/msrp.h"
#include "sip/print.h"

static void line_put(struct put *w, struct str name, struct str value)
{
	put_str(w, name);
	put_str(w, STR(": "));
	sip_put_text(w, value);
	put_str(w, STR("\r\n"));
}

static void start_put(struct put *w, struct str transaction)
{
	put_str(w, STR("MSRP "));
	put_str(w, transaction);
	put_u8(w, ' ');
}

static void paths_put(struct put *w, struct str to, struct str from)
{
	line_put(w, STR("To-Path"), to);
	line_put(w, STR("From-Path"), from);
}

static void end_put(struct put *w, struct str transaction, enum msrp_flag flag)
{
	put_str(w, STR("-------"));
	put_str(w, transaction);
	put_u8(w, (uint8_t)flag);
	put_str(w, STR("\r\n"));
}

/* Decimal digits of any size of bytes. */
static void bytes_put(struct put *w, uint64_t n)
{
	char   digits[20];
	size_t at = sizeof(digits);

	if (n == MSRP_UNKNOWN) {
		put_u8(w, '*');
		return;
	}
	do {
		digits[--at] = (char)('0' + n % 10);
		n /= 10;
	} while (n > 0);
	put_bytes(w, digits + at, sizeof(digits) - at);
}

static void range_put(struct put *w, const struct msrp_range *range)
{
	put_str(w, STR("Byte-Range: "));
	bytes_put(w, range->first);
	put_u8(w, '-');
	bytes_put(w, range->last);
	put_u8(w, '/');
	bytes_put(w, range->total);
	put_str(w, STR("\r\n"));
}

bool msrp_send_put(struct put *w, const struct msrp_send *s, const void *body, size_t n)
{
	ASSERT(n == 0 || s->content_type.n > 0);
	if (n > 0 && memmem(body, n, s->transaction.p, s->transaction.n) != NULL)
		return false;
	start_put(w, s->transaction);
	put_str(w, STR("SEND\r\n"));
	paths_put(w, s->to_path, s->from_path);
	line_put(w, STR("Message-ID"), s->message_id);
	range_put(w, &s->range);
	if (s->content_type.n > 0) {
		line_put(w, STR("Content-Type"), s->content_type);
		put_str(w, STR("\r\n"));
		put_bytes(w, body, n);
		put_str(w, STR("\r\n"));
	}
	end_put(w, s->transaction, s->flag);
	return true;
}

void msrp_response_put(struct put *w, struct str transaction, unsigned status, struct str to,
		       struct str from)
{
	start_put(w, transaction);
	put_number(w, status);
	put_u8(w, ' ');
	put_str(w, msrp_status_comment(status));
	put_str(w, STR("\r\n"));
	paths_put(w, to, from);
	end_put(w, transaction, MSRP_COMPLETE);
}

void msrp_report_put(struct put *w, struct str transaction, struct str to_path,
		     struct str from_path, struct str message_id, uint64_t size, unsigned status)
{
	struct msrp_range all = {1, size, size};

	start_put(w, transaction);
	put_str(w, STR("REPORT\r\n"));
	paths_put(w, to_path, from_path);
	line_put(w, STR("Message-ID"), message_id);
	range_put(w, &all);
	put_str(w, STR("Status: 000 "));
	put_number(w, status);
	put_u8(w, ' ');
	put_str(w, msrp_status_comment(status));
	put_str(w, STR("\r\n"));
	end_put(w, transaction, MSRP_COMPLETE);
}
