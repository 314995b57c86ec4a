#include "sip/owner.h"

#include <strings.h>

#include "base/assert.h"
#include "base/hash.h"
#include "sip/branch.h"
#include "sip/message.h"

static struct str line_next(struct str *rest)
{
	const char *end = memchr(rest->p, '\n', rest->n);
	struct str  line = {rest->p, end != NULL ? (size_t)(end - rest->p) + 1 : rest->n};

	*rest = str_skip(*rest, line.n);
	return line;
}

static bool blank(char c)
{
	return c == ' ' || c == '\t';
}

static bool named(struct str line, struct str name, struct str *value)
{
	size_t at = name.n;

	if (line.n <= at || strncasecmp(line.p, name.p, name.n) != 0)
		return false;
	while (at < line.n && blank(line.p[at]))
		at++;
	if (at == line.n || line.p[at] != ':')
		return false;
	*value = str_skip(line, at + 1);
	return true;
}

/* The value of the first header field of a name, its continuation lines included. */
static bool field(struct str head, struct str name, struct str compact, struct str *value)
{
	while (head.n > 0) {
		struct str line = line_next(&head);

		if (line.n <= 2 && (line.p[0] == '\r' || line.p[0] == '\n'))
			return false; /* the end of the head */
		if (!named(line, name, value) && !named(line, compact, value))
			continue;
		while (head.n > 0 && blank(head.p[0]))
			value->n += line_next(&head).n;
		return true;
	}
	return false;
}

static struct str word(struct str text)
{
	size_t n = 0;

	while (text.n > 0 && (uint8_t)text.p[0] <= ' ')
		text = str_skip(text, 1);
	while (n < text.n && (uint8_t)text.p[n] > ' ')
		n++;
	return (struct str){text.p, n};
}

/* Up to the end of the URI, if it has one. */
static struct str address(struct str value)
{
	const char *end = memchr(value.p, '>', value.n);

	value = word(value);
	return end != NULL ? (struct str){value.p, (size_t)(end - value.p)} : value;
}

/* Requests within our dialogs: the worker that our tag names. */
static bool inside(struct str start, struct str head, unsigned *worker)
{
	struct str value, name = STR(";tag=");

	if (!str_starts(start, STR("ACK ")) && !str_starts(start, STR("BYE ")) &&
	    !str_starts(start, STR("INVITE ")) && !str_starts(start, STR("UPDATE ")) &&
	    !str_starts(start, STR("NOTIFY ")))
		return false;
	if (!field(head, STR("To"), STR("t"), &value))
		return false;
	for (; value.n >= name.n + SIP_NAME_SIZE; value = str_skip(value, 1)) {
		if (value.p[0] == ';' && strncasecmp(value.p, name.p, name.n) == 0)
			return sip_name_worker((struct str){value.p + name.n, SIP_NAME_SIZE},
					       worker);
	}
	return false;
}

unsigned sip_owner(struct cur datagram, unsigned workers)
{
	/* The same at all workers and known to all: who aims at one worker could do so by ports,
	 * too. */
	static const struct hash_key key = {0x6f776e6572206f66ull, 0x2063616c6c2d6964ull};
	size_t                       left = cur_left(&datagram);
	struct str                   head = {(const char *)datagram.p,
                           left < SIP_HEAD_SIZE_MAX ? left : SIP_HEAD_SIZE_MAX};
	struct str                   start, value, branch;
	unsigned                     worker;

	ASSERT(workers > 0);
	if (workers == 1 || head.n == 0)
		return 0;
	start = line_next(&head);
	if (start.n >= 8 && strncasecmp(start.p, "SIP/2.0 ", 8) == 0)
		return field(head, STR("Via"), STR("v"), &value) &&
				       sip_branch_find(value, &branch) &&
				       sip_branch_worker(branch, &worker) && worker < workers
			       ? worker
			       : 0;
	if (inside(start, head, &worker) && worker < workers)
		return worker;
	/* What became of a short message comes to who sent it (TS 24.341, 5.3.3.4). */
	if (field(head, STR("In-Reply-To"), STR("In-Reply-To"), &value) &&
	    sip_branch_worker(word(value), &worker) && worker < workers)
		return worker;
	/* An S-CSCF names each REGISTER anew: those of a user find what is kept of it. */
	if (str_starts(start, STR("REGISTER ")) && field(head, STR("To"), STR("t"), &value))
		value = address(value);
	else if (field(head, STR("Call-ID"), STR("i"), &value))
		value = word(value);
	else
		return 0;
	return (unsigned)((hash_sip(&key, value.p, value.n) >> 32) * workers >> 32);
}
