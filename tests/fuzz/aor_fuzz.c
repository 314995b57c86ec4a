/*
 * Fuzz target: addresses of record, and what they are to the other protocol. A normal form is an
 * address whose normal form is itself; what went over and came back stays the same from then on; a
 * name of "xn--" stands for one name.
 */
#include "base/aor_map.h"
#include "base/assert.h"
#include "base/punycode.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define SIZE_MAX_IN 512u
#define ROOM (16 * SIZE_MAX_IN)

static struct str over(struct str text, struct str scheme, char room[ROOM], bool *good)
{
	struct put w = put_to(room, ROOM);
	struct aor a;

	put_str(&w, scheme);
	put_u8(&w, ':');
	*good = aor_split(text, &a) && aor_map_put(&w, &a, scheme);
	return (struct str){room, put_size(&w)};
}

static void address(struct str text)
{
	static char rooms[4][ROOM];
	struct aor  a, b;
	struct str  one, two, sip, xmpp;
	bool        good;

	if (!aor_split(text, &a))
		return;
	one = (struct str){rooms[0], aor_write(rooms[0], ROOM, &a)};
	ASSERT(one.n > 0 && aor_split(one, &b));
	two = (struct str){rooms[1], aor_write(rooms[1], ROOM, &b)};
	ASSERT(str_eq(one, two));
	sip = over(text, STR("sip"), rooms[0], &good);
	if (!good || a.user.n == 0)
		return;
	xmpp = over(sip, STR("xmpp"), rooms[1], &good);
	if (!good)
		return;
	two = over(xmpp, STR("sip"), rooms[2], &good);
	ASSERT(good);
	one = over(two, STR("xmpp"), rooms[3], &good);
	ASSERT(good && str_eq(one, xmpp));
}

static void name(struct str text)
{
	static char unicode[ROOM], ascii[ROOM];
	struct put  u = put_to(unicode, ROOM), a = put_to(ascii, ROOM);

	if (!punycode_label_put(&u, text))
		return;
	ASSERT(!u.failed && put_size(&u) > 0);
	if (memchr(unicode, '.', put_size(&u)) == NULL &&
	    punycode_ascii_put(&a, (struct str){unicode, put_size(&u)}))
		ASSERT(str_eq_nocase((struct str){ascii, put_size(&a)}, text));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = {(const char *)data, size};

	if (size == 0 || size > SIZE_MAX_IN)
		return 0;
	address(text);
	name(text);
	return 0;
}
