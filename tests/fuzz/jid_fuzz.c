/*
 * Fuzz target: addresses of XMPP. A normal form is an address whose normal form is itself, of parts
 * that are not too long and in UTF-8; an escaped localpart comes back.
 */
#include <string.h>

#include "base/aor_map.h"
#include "base/assert.h"
#include "base/utf8.h"
#include "xmpp/jid.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define SIZE_MAX_IN 4096u

static void is_text(struct str s)
{
	struct cur c = cur_of(s.n > 0 ? s.p : "", s.n);

	ASSERT(s.n <= XMPP_PART_SIZE_MAX);
	while (cur_left(&c) > 0)
		utf8_next(&c);
	ASSERT(!c.failed);
}

static void address(struct str text)
{
	static char     room[XMPP_JID_SIZE_MAX], again_room[XMPP_JID_SIZE_MAX];
	static char     written[XMPP_JID_SIZE_MAX];
	struct put      r = put_to(room, sizeof(room)), a = put_to(again_room, sizeof(again_room));
	struct put      w = put_to(written, sizeof(written));
	struct xmpp_jid jid, again;

	if (!xmpp_jid_parse(text, &r, &jid))
		return;
	ASSERT(!r.failed && jid.domain.n > 0);
	is_text(jid.local);
	is_text(jid.domain);
	is_text(jid.resource);
	xmpp_jid_put(&w, &jid);
	ASSERT(!w.failed);
	ASSERT(xmpp_jid_parse((struct str){written, put_size(&w)}, &a, &again));
	ASSERT(xmpp_jid_same(&jid, &again) && xmpp_jid_same_bare(&jid, &again));
}

static void escaping(struct str text)
{
	static char room[3 * SIZE_MAX_IN], back[3 * SIZE_MAX_IN];
	struct put  w = put_to(room, sizeof(room)), b = put_to(back, sizeof(back));

	if (!aor_escape_put(&w, text))
		return;
	aor_unescape_put(&b, (struct str){room, put_size(&w)});
	ASSERT(!b.failed && str_eq((struct str){back, put_size(&b)}, text));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = {(const char *)data, size};

	if (size > SIZE_MAX_IN)
		return 0;
	address(text);
	escaping(text);
	return 0;
}
