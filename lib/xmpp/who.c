/* Who a client is, in a quarter of a block while that has room for it. */
#include <stddef.h>

#include "xmpp/session_private.h"

#define QUARTER_TEXT                                                                               \
	(XMPP_QUARTER_SIZE - offsetof(struct xmpp_block, u) - offsetof(struct xmpp_who, text))

static size_t offset_of(const struct xmpp_who *who, enum xmpp_who_part part)
{
	size_t at = 0;

	for (unsigned p = 0; p < part; p++)
		at += who->size[p];
	return at;
}

struct str xmpp_who_part(const struct xmpp_who *who, enum xmpp_who_part part)
{
	return (struct str){who->text + offset_of(who, part), who->size[part]};
}

/* To a block of the kind that has room for so much. False: there is none, and it has too little. */
static bool settle(struct xmpp_session *s, size_t wanted)
{
	struct xmpp_blocks *b = &s->instance->blocks;
	bool                quarter = wanted <= QUARTER_TEXT;
	struct xmpp_who    *who = xmpp_who(s);
	uint32_t            number;

	if (quarter == xmpp_block_is_quarter(b, s->who))
		return true;
	number = quarter ? xmpp_quarter_take(b) : xmpp_block_take(b);
	if (number == XMPP_BLOCK_NONE)
		return quarter;
	memcpy(&xmpp_block_at(b, number)->u.who, who,
	       offsetof(struct xmpp_who, text) + offset_of(who, XMPP_WHO_PARTS));
	xmpp_block_give(b, s->who);
	s->who = number;
	return true;
}

bool xmpp_who_set(struct xmpp_session *s, enum xmpp_who_part part, struct str text)
{
	struct xmpp_who *who = xmpp_who(s);
	size_t           at = offset_of(who, part), end = at + who->size[part];
	size_t all = offset_of(who, XMPP_WHO_PARTS), wanted = all - who->size[part] + text.n;

	ASSERT(wanted <= sizeof(who->text));
	if (wanted > all && !settle(s, wanted))
		return false;
	who = xmpp_who(s);
	memmove(who->text + at + text.n, who->text + end, all - end);
	if (text.n > 0)
		memcpy(who->text + at, text.p, text.n);
	who->size[part] = (uint16_t)text.n;
	return wanted > all || settle(s, wanted);
}
