/*
 * SYN cookies (RFC 4987, 3.6): what a half-open entry would hold is in the numbers that the peer
 * sends back. Sequence number: 28 bits of a keyed hash, 3 bits of MSS index, 1 bit of the 64-second
 * period. Timestamp, low 6 bits: window scale (15: none), SACK. The key is shared by all workers.
 */
#include <string.h>

#include "tcp/segment.h"

#define PERIOD_US (64ull * US_PER_SECOND)
#define SCALE_NONE 15u
#define SACK_BIT 16u
#define INFO_MASK 63u

static const uint16_t mss_of[8] = {536, 1220, 1300, 1360, 1400, 1440, 1460, 8960};

static uint32_t mac(const struct tcp *tcp, const struct tcp_key *key, uint32_t irs, uint32_t period,
		    unsigned index)
{
	uint32_t words[12];

	memcpy(words, key->local.w, 16);
	memcpy(words + 4, key->remote.w, 16);
	words[8] = (uint32_t)key->local_port << 16 | key->remote_port;
	words[9] = irs;
	words[10] = period;
	words[11] = index;
	return (uint32_t)hash_sip(&tcp->cookie_key, words, sizeof(words)) << 4;
}

uint32_t tcp_cookie_make(struct tcp *tcp, const struct tcp_segment *syn, uint32_t *ts_value)
{
	uint32_t period = (uint32_t)(tcp->now.us / PERIOD_US), iss, ts_offset, info;
	uint16_t mss = syn->mss != 0 ? syn->mss : TCP_MSS_MIN;
	unsigned index = 7;

	while (index > 0 && mss_of[index] > mss)
		index--;
	tcp_conn_isn(tcp, &syn->key, &iss, &ts_offset);
	info = (syn->has_scale ? syn->scale : SCALE_NONE) | (syn->sack_permitted ? SACK_BIT : 0);
	*ts_value = tcp->now_ms + ts_offset;
	if (info > (*ts_value & INFO_MASK))
		*ts_value -= INFO_MASK + 1; /* never ahead of the clock */
	*ts_value = (*ts_value & ~INFO_MASK) | info;
	tcp->cookie_given = true;
	tcp->cookie_ms = tcp->now_ms;
	return mac(tcp, &syn->key, syn->seq, period, index) | index << 1 | (period & 1);
}

/* Was one given that may still come back? */
bool tcp_cookie_out(const struct tcp *tcp)
{
	return tcp->cookie_given && tcp->now_ms - tcp->cookie_ms <= 2 * PERIOD_US / US_PER_MS;
}

/* Was it given in this period or the one before? */
static bool is_good(const struct tcp *tcp, const struct tcp_key *key, uint32_t irs, uint32_t cookie)
{
	uint32_t period = (uint32_t)(tcp->now.us / PERIOD_US);

	if ((period & 1) != (cookie & 1))
		period--;
	return mac(tcp, key, irs, period, cookie >> 1 & 7) == (cookie & ~15u);
}

/* Fills *handshake from the acknowledgement of a good cookie. */
bool tcp_cookie_check(struct tcp *tcp, const struct tcp_segment *ack,
		      struct tcp_handshake *handshake)
{
	uint32_t cookie = ack->ack - 1, irs = ack->seq - 1;

	if (!tcp_cookie_out(tcp))
		return false; /* none is out, so none is guessed */
	if (!is_good(tcp, &ack->key, irs, cookie)) {
		metric_inc(tcp->metrics, METRIC_tcp_cookies_bad);
		return false;
	}
	metric_inc(tcp->metrics, METRIC_tcp_cookies_good);
	*handshake =
		(struct tcp_handshake){.iss = cookie, .irs = irs, .mss = mss_of[cookie >> 1 & 7]};
	if (ack->has_timestamp) {
		handshake->timestamps = true;
		handshake->ts_recent = ack->ts_value;
		handshake->sack = (ack->ts_echo & SACK_BIT) != 0;
		handshake->scale = ack->ts_echo & 15u;
		handshake->scaled = handshake->scale != SCALE_NONE;
	}
	return true;
}

bool tcp_cookie_reopens(const struct tcp *tcp, const struct tcp_conn *conn)
{
	return tcp_cookie_out(tcp) && is_good(tcp, &conn->key, conn->irs, conn->iss);
}
