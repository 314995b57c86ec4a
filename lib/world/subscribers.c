/* Subscribers put, removed and found. They hang in an index for each of their
 * texts; that of the addresses owns them. */
#include "world/subscriber.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/put.h"
#include "conf/conf.h"
#include "world/hash_trie.h"

static_assert(WORLD_HA1_MD5_SIZE + WORLD_HA1_SHA256_SIZE == CONF_SECRET_HA1_SIZE,
	      "conf_secret: HA1 twice");
static_assert(CONF_TO_SIZE <= UINT8_MAX && sizeof(((struct conf_subscriber *)0)->address) <= 255,
	      "world_subscriber: its sizes are bytes");
static_assert(CONF_REACH_MAX <= 15, "world_subscriber: its size of reach is four bits");

void world_subscriber_conf(const struct world_subscriber *s, struct conf_subscriber *conf)
{
	bool whole = str_copy(conf->address, sizeof(conf->address), world_subscriber_address(s)) &&
		     str_copy(conf->sip, sizeof(conf->sip), world_subscriber_sip(s)) &&
		     str_copy(conf->xmpp, sizeof(conf->xmpp), world_subscriber_xmpp(s));

	ASSERT(whole);
	conf->reach.n = s->reach_size;
	memcpy(conf->reach.words, world_subscriber_reach(s).p, s->reach_size);
	conf->password = (struct conf_secret){.form = CONF_SECRET_NONE};
	if (!s->has_ha1)
		return;
	conf->password.form = CONF_SECRET_DIGEST;
	conf->password.size = s->has_scram ? CONF_SECRET_SIZE_MAX : CONF_SECRET_HA1_SIZE;
	memcpy(conf->password.bytes, world_subscriber_ha1_md5(s), conf->password.size);
}

static uint64_t subscriber_digest(const struct world_subscriber *s)
{
	struct conf_subscriber conf = {.reach = {.n = 0}};

	world_subscriber_conf(s, &conf);
	return world_object_digest(CONF_SUBSCRIBER, &conf);
}

static struct world_subscriber *subscriber_new(struct world_change          *c,
					       const struct conf_subscriber *conf)
{
	struct str address = str_of(conf->address), sip = str_of(conf->sip),
		   xmpp = str_of(conf->xmpp);
	size_t     secret = conf->password.form == CONF_SECRET_DIGEST ? conf->password.size : 0;
	struct put w;
	size_t     size = address.n + sip.n + xmpp.n + conf->reach.n + secret;
	struct world_subscriber *s = malloc(sizeof(*s) + size);

	if (s == NULL) {
		change_short_of_memory(c);
		return NULL;
	}
	*s = (struct world_subscriber){.made = c->index->made,
				       .address_size = (uint8_t)address.n,
				       .sip_size = (uint8_t)sip.n,
				       .xmpp_size = (uint8_t)xmpp.n,
				       .reach_size = conf->reach.n & 15u,
				       .has_ha1 = secret > 0,
				       .has_scram = secret > CONF_SECRET_HA1_SIZE};
	w = put_to(s->bytes, size);
	put_str(&w, address);
	put_str(&w, sip);
	put_str(&w, xmpp);
	put_bytes(&w, conf->reach.words, conf->reach.n);
	put_bytes(&w, conf->password.bytes, secret);
	return s;
}

/* It hangs nowhere in the new world any more. */
static bool subscriber_drop(struct world_change *c, const struct world_subscriber *s)
{
	if (s->made != c->index->made)
		return change_replaced(c, PART_BLOCK, s);
	free((void *)s);
	return true;
}

/* The one at this address no longer counts, and its other names are free. */
static bool subscriber_forget(struct world_change *c, const struct world_subscriber *s)
{
	bool taken = true;

	c->world->checksum -= subscriber_digest(s);
	c->index->subscriber_count--;
	for (enum subscriber_text t = SUBSCRIBER_SIP; t < SUBSCRIBER_TEXTS && taken; t++) {
		struct str text = subscriber_text(s, t);

		if (hash_trie_find(c->index->subscribers[t], t, text) == s)
			taken = hash_trie_take(c, t, text);
	}
	return taken;
}

/* Whoever is reached at an address of record of `s` that `now` has not is somebody else from now
 * on. now NULL: it has none. */
static bool subscriber_gone(struct world_change *c, const struct world_subscriber *s,
			    const struct world_subscriber *now)
{
	/* Its number it keeps, where it stays. */
	enum subscriber_text first = now != NULL ? SUBSCRIBER_SIP : SUBSCRIBER_ADDRESS;

	for (enum subscriber_text t = first; t < SUBSCRIBER_TEXTS; t++) {
		struct str text = subscriber_text(s, t);
		char      *grown;

		if (text.n == 0 || (now != NULL && str_eq(text, subscriber_text(now, t))))
			continue;
		grown = realloc(c->gone, c->gone_size + text.n + 1);
		if (grown == NULL)
			return change_short_of_memory(c);
		memcpy(grown + c->gone_size, text.p, text.n);
		grown[c->gone_size + text.n] = '\0';
		c->gone = grown;
		c->gone_size += text.n + 1;
	}
	return true;
}

/* The object of a PUT in c->subscriber. */
static bool subscriber_read(struct world_change *c, struct cur bytes)
{
	const struct conf_subscriber *conf;

	if (c->subscriber == NULL)
		c->subscriber = conf_object_new(CONF_SUBSCRIBER);
	if (c->subscriber == NULL)
		return change_short_of_memory(c);
	if (!conf_object_unpack(CONF_SUBSCRIBER, &bytes, c->subscriber) || cur_left(&bytes) > 0)
		return change_refuse(c, "%s", "a subscriber in the delta cannot be read");
	conf = c->subscriber;
	if (conf->address[0] == '\0')
		return change_refuse(c, "%s", "a subscriber in the delta has no address");
	if (conf->password.form != CONF_SECRET_NONE && conf->password.form != CONF_SECRET_DIGEST)
		return change_refuse(c, "%s", "a subscriber's password is in no form for workers");
	return true;
}

static bool subscriber_put(struct world_change *c, struct cur bytes)
{
	const struct world_subscriber *old;
	struct world_subscriber       *s;

	if (!subscriber_read(c, bytes))
		return false;
	s = subscriber_new(c, c->subscriber);
	if (s == NULL)
		return false;
	if (!hash_trie_put(c, SUBSCRIBER_ADDRESS, s, &old)) {
		free(s);
		return false;
	}
	if (old != NULL &&
	    (!subscriber_gone(c, old, s) || !subscriber_forget(c, old) || !subscriber_drop(c, old)))
		return false;
	if (c->index->subscriber_count == WORLD_SUBSCRIBERS_MAX)
		return change_refuse(c, "subscribers: there are already %u, the most there can be",
				     WORLD_SUBSCRIBERS_MAX);
	c->index->subscriber_count++;
	c->world->checksum += world_object_digest(CONF_SUBSCRIBER, c->subscriber);
	return true;
}

static bool subscriber_remove(struct world_change *c, struct str address)
{
	const struct world_subscriber *s = hash_trie_find(c->index->subscribers[SUBSCRIBER_ADDRESS],
							  SUBSCRIBER_ADDRESS, address);

	if (s == NULL)
		return change_refuse(c, "%s", "a subscriber to be removed is not there");
	c->erases = true;
	return subscriber_gone(c, s, NULL) && subscriber_forget(c, s) &&
	       hash_trie_take(c, SUBSCRIBER_ADDRESS, world_subscriber_address(s)) &&
	       subscriber_drop(c, s);
}

bool subscribers_apply(struct world_change *c, const struct delta_op *op)
{
	if (op->what == DELTA_PUT)
		return subscriber_put(c, op->bytes);
	return subscriber_remove(c, (struct str){(const char *)op->bytes.p, cur_left(&op->bytes)});
}

static bool name_one(struct world_change *c, const struct world_subscriber *s,
		     enum subscriber_text which)
{
	const struct world_subscriber *other;

	if (subscriber_text(s, which).n == 0)
		return true;
	if (!hash_trie_put(c, which, s, &other))
		return false;
	if (other != NULL && other != s)
		return change_refuse(
			c,
			"two subscribers would register as the same; give one of them another `%s`",
			which == SUBSCRIBER_SIP ? "sip" : "xmpp");
	return true;
}

bool subscribers_name(struct world_change *c, const struct delta_op *op)
{
	const struct world_subscriber *s;

	if (op->what != DELTA_PUT)
		return true;
	if (!subscriber_read(c, op->bytes))
		return false;
	s = hash_trie_find(c->index->subscribers[SUBSCRIBER_ADDRESS], SUBSCRIBER_ADDRESS,
			   str_of(c->subscriber->address));
	return s == NULL || (name_one(c, s, SUBSCRIBER_SIP) && name_one(c, s, SUBSCRIBER_XMPP));
}

void subscribers_free(const struct world_index *index, uint64_t since)
{
	hash_trie_free(index->subscribers[SUBSCRIBER_XMPP], since, false);
	hash_trie_free(index->subscribers[SUBSCRIBER_SIP], since, false);
	hash_trie_free(index->subscribers[SUBSCRIBER_ADDRESS], since, true);
}

const struct world_subscriber *world_subscriber_by_address(const struct world *w,
							   struct str          address)
{
	return hash_trie_find(w->index->subscribers[SUBSCRIBER_ADDRESS], SUBSCRIBER_ADDRESS,
			      address);
}

const struct world_subscriber *world_subscriber_by_uri(const struct world *w, struct str uri)
{
	enum subscriber_text which =
		str_starts(uri, STR("xmpp:")) ? SUBSCRIBER_XMPP : SUBSCRIBER_SIP;

	return hash_trie_find(w->index->subscribers[which], which, uri);
}

uint64_t world_subscriber_count(const struct world *w)
{
	return w->index->subscriber_count;
}
