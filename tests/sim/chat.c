#include "chat.h"

#include "dataplane/ask.h"

#define HEAD                                                                                       \
	"<stream:stream to='example.org' xmlns='jabber:client' version='1.0' "                     \
	"xmlns:stream='http://etherx.jabber.org/streams'>"

static const char   *wanted;
static struct phone *who;

static bool got(struct sim *s)
{
	return strstr(who->in, wanted) != NULL;
}

static bool is_open(struct sim *s)
{
	return who->open;
}

static bool is_closed(struct sim *s)
{
	return !who->open;
}

void chat_expects(struct phone *p, const char *text)
{
	char *at;

	who = p;
	wanted = text;
	p->in[p->in_size] = '\0';
	if (!sim_until(&sim, got, US_PER_SECOND))
		print_error("[%s]\nhas not: %s\n", p->in, text);
	at = strstr(p->in, text);
	assert_non_null(at);
	at += strlen(text);
	p->in_size -= (size_t)(at - p->in);
	memmove(p->in, at, p->in_size);
	memset(p->in + p->in_size, 0, sizeof(p->in) - p->in_size);
}

void chat_closes(struct phone *p)
{
	who = p;
	assert_true(sim_until(&sim, is_closed, US_PER_SECOND));
}

/* It is down, and that is known at once. */
static void no_control(struct sim *s)
{
	static const uint8_t nothing[1];
	uint64_t             id;
	struct cur           question;

	while (asks_next(&s->dp, s->now.us, &id, &question)) {
		asks_told(&s->dp, id, REASON_CONTROL_DOWN, cur_of(nothing, 0));
		s->busy = true;
	}
}

void chat_without_control(void)
{
	if (sim.control == NULL)
		sim.control = no_control;
}

struct phone *chat_authenticated(const char *proof)
{
	struct phone *p = phone_chat(&sim.host);

	chat_without_control();
	who = p;
	assert_true(sim_until(&sim, is_open, US_PER_SECOND));
	phone_send(p, HEAD);
	chat_expects(p, "<mechanism>PLAIN</mechanism>");
	phone_send(p, "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>%s</auth>",
		   proof);
	chat_expects(p, "<success");
	phone_send(p, HEAD);
	chat_expects(p, "</stream:features>");
	return p;
}

struct phone *chat_bound(const char *proof, const char *resource)
{
	struct phone *p = chat_authenticated(proof);

	phone_send(p,
		   "<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>"
		   "<resource>%s</resource></bind></iq>",
		   resource);
	chat_expects(p, "</jid></bind></iq>");
	return p;
}

struct phone *chat_client(const char *proof, const char *resource)
{
	struct phone *p = chat_bound(proof, resource);

	phone_send(p, "<presence/><iq type='get' id='p'><ping xmlns='urn:xmpp:ping'/></iq>");
	chat_expects(p, "</iq>");
	sim_pass(&sim, 100 * US_PER_MS);
	phones_forget_presence();
	return p;
}

void chat_hears_nothing(struct phone *p)
{
	sim_pass(&sim, 100 * US_PER_MS);
	p->in[p->in_size] = '\0';
	assert_string_equal(p->in, "");
	phone_send(p, "<iq type='get' id='still'><ping xmlns='urn:xmpp:ping'/></iq>");
	chat_expects(p, "<iq type=\"result\" id=\"still\" from=\"example.org\"></iq>");
}
