/*
 * Fuzz target: SASL, and its Base 64. The first byte chooses the mechanism, the second how long the
 * first message is; the rest is the second. Nobody is let in who does not know a password, and no
 * reply is longer than its room.
 */
#include <string.h>

#include "base/assert.h"
#include "base/base64.h"
#include "xmpp/sasl.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define SIZE_MAX_IN 4096u

/* Of a user whose StoredKey no proof fits. */
static bool find(void *context, struct str user, struct str domain, struct scram_credentials *c)
{
	memset(c, 0x5a, sizeof(*c));
	return str_eq(user, STR("user"));
}

static void base_64(struct str text)
{
	static uint8_t bytes[SIZE_MAX_IN];
	static char    again[2 * SIZE_MAX_IN];
	struct put     w = put_to(bytes, sizeof(bytes)), a = put_to(again, sizeof(again));

	if (!base64_parse(text, &w))
		return;
	base64_put(&a, bytes, put_size(&w));
	ASSERT(str_eq((struct str){again, put_size(&a)}, text));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t secret[XMPP_SASL_SECRET_SIZE];
	struct xmpp_sasl_env env = {{"example.org", 11}, secret, NULL, find};
	char                 room[XMPP_SASL_REPLY_MAX];
	struct put           reply = put_to(room, sizeof(room));
	struct xmpp_sasl     s;
	enum xmpp_sasl_error error;
	struct str           first, second;

	if (size < 2 || size > SIZE_MAX_IN)
		return 0;
	first = (struct str){(const char *)data + 2, data[1] < size - 2 ? data[1] : size - 2};
	second = (struct str){first.p + first.n, size - 2 - first.n};
	base_64(second);
	if (xmpp_sasl_begin(&s, &env, data[0] % XMPP_MECHANISM_COUNT, STR("nonce"), first, &reply,
			    &error) == XMPP_SASL_CHALLENGE) {
		ASSERT(!reply.failed);
		reply = put_to(room, sizeof(room));
		ASSERT(xmpp_sasl_response(&s, &env, second, &reply, &error) == XMPP_SASL_FAILURE);
	}
	ASSERT(error < XMPP_SASL_ERROR_COUNT);
	return 0;
}
