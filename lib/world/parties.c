/* Accounts and peers put and removed; which slot a name gets. */
#include "world/change.h"

#include <stdlib.h>

#include "base/assert.h"
#include "conf/conf.h"

static uint32_t limit_of(enum conf_kind kind)
{
	return kind == CONF_ACCOUNT ? WORLD_ACCOUNTS_MAX : WORLD_PEERS_MAX;
}

/* The party of this name in a world; NULL too where there is no world. */
static const struct world_party *find_in(const struct world *w, enum conf_kind kind,
					 struct str name)
{
	return w != NULL ? world_party_find(world_parties(w, kind), name) : NULL;
}

static bool slot_is_free(const struct world *w, enum conf_kind kind, uint32_t slot)
{
	return w == NULL || world_party_at(world_parties(w, kind), slot) == NULL;
}

/*
 * A name keeps the slot that it had. A new name gets one that nobody has in either world, because
 * what workers keep by slot still belongs to the old name until the change is published; only a
 * world that is replaced entirely can leave no such slot.
 */
static uint32_t slot_for(struct world_change *c, enum conf_kind kind, struct str name)
{
	const struct world_party *before = find_in(c->from, kind, name);
	uint32_t                  limit = limit_of(kind), slot;

	if (before != NULL)
		return world_party_slot(before);
	for (slot = c->hints[kind]; slot < limit; slot++)
		if (slot_is_free(c->from, kind, slot) && slot_is_free(c->world, kind, slot))
			break;
	c->hints[kind] = slot;
	for (uint32_t s = 0; slot == limit && s < limit; s++)
		if (slot_is_free(c->world, kind, s))
			return s;
	return slot;
}

/* The object of a PUT; NULL with error filled. */
static struct world_party *party_new(struct world_change *c, const struct delta_op *op)
{
	struct world_party *p = calloc(1, sizeof(*p));
	struct cur          bytes = op->bytes;

	if (p == NULL) {
		change_short_of_memory(c);
		return NULL;
	}
	p->kind = op->kind;
	p->conf = conf_object_new(op->kind);
	if (p->conf == NULL || !conf_object_unpack(op->kind, &bytes, p->conf) ||
	    cur_left(&bytes) > 0) {
		change_refuse(c, "%s", "an account or peer in the delta cannot be read");
		world_party_free(p);
		return NULL;
	}
	if (op->kind == CONF_ACCOUNT) {
		p->account.conf = p->conf;
		p->account.name = str_of(p->account.conf->name);
		p->login = world_login_hash(p->account.conf->protocol,
					    world_login_of(p->account.conf));
	} else {
		p->peer.conf = p->conf;
		p->peer.name = str_of(p->peer.conf->name);
	}
	p->digest = world_object_digest(op->kind, p->conf);
	return p;
}

static bool replace(struct world_change *c, struct world_party *p, const struct world_party *old)
{
	uint32_t slot = world_party_slot(old);

	c->world->checksum -= old->digest;
	if (p->kind == CONF_ACCOUNT && p->login != old->login &&
	    (!buckets_remove(c, c->index->logins, old->login, slot) ||
	     !buckets_add(c, c->index->logins, p->login, slot)))
		return false;
	return change_replaced(c, PART_PARTY, old);
}

static bool add(struct world_change *c, struct world_party *p, uint32_t slot)
{
	struct str                name = world_party_name(p);
	struct world_parties     *parties = change_parties(c, p->kind);
	const struct world_party *other = find_in(c->world, CONF_ACCOUNT, name);

	if (slot == limit_of(p->kind))
		return change_refuse(c, "%s %.*s: there are already %u, the most there can be",
				     conf_kind_name(p->kind), STR_ARG(name), slot);
	if (p->kind == CONF_PEER && other != NULL &&
	    pages_uses(&c->index->accounts, world_party_slot(other)) > 0)
		return change_refuse(c,
				     "peer %.*s: routes lead to an account of this name and would "
				     "lead to the peer; give it another name",
				     STR_ARG(name));
	parties->count++;
	return buckets_add(c, parties->names, world_name_hash(name), slot) &&
	       (p->kind == CONF_PEER || buckets_add(c, c->index->logins, p->login, slot));
}

/* known: only names that either world has, so that they have their slots before new names take what
 * is left; else only new names. */
bool parties_put(struct world_change *c, const struct delta_op *op, bool known)
{
	struct world_party       *p = party_new(c, op);
	const struct world_party *old;
	uint32_t                  slot;

	if (p == NULL)
		return false;
	old = find_in(c->world, p->kind, world_party_name(p));
	if (known != (old != NULL || find_in(c->from, p->kind, world_party_name(p)) != NULL)) {
		world_party_free(p);
		return true;
	}
	if (!change_made(c, PART_PARTY, p))
		return false;
	slot = old != NULL ? world_party_slot(old) : slot_for(c, p->kind, world_party_name(p));
	if (p->kind == CONF_ACCOUNT)
		p->account.slot = slot;
	else
		p->peer.slot = slot;
	if (!(old != NULL ? replace(c, p, old) : add(c, p, slot)))
		return false;
	c->world->checksum += p->digest;
	c->parties_changed = true;
	if (!pages_set(c, change_parties(c, p->kind), slot, p))
		return false;
	if (old == NULL)
		old = find_in(c->from, p->kind, world_party_name(p));
	return p->kind == CONF_ACCOUNT ||
	       addresses_follow(c, &p->peer, old != NULL ? &old->peer : NULL);
}

bool parties_remove(struct world_change *c, const struct delta_op *op)
{
	struct str                name = {(const char *)op->bytes.p, cur_left(&op->bytes)};
	const struct world_party *p = find_in(c->world, op->kind, name);
	struct world_parties     *parties = change_parties(c, op->kind);
	uint32_t                  slot, uses;

	if (p == NULL)
		return change_refuse(c, "%s %.*s: there is none to remove",
				     conf_kind_name(op->kind), (int)(name.n < 64 ? name.n : 64),
				     name.p);
	slot = world_party_slot(p);
	uses = pages_uses(parties, slot);
	if (uses > 0)
		return change_refuse(
			c, "%s %.*s: routes still lead to it, in %u places; change them first",
			conf_kind_name(op->kind), STR_ARG(name), uses);
	if (!buckets_remove(c, parties->names, world_name_hash(name), slot) ||
	    (op->kind == CONF_ACCOUNT && !buckets_remove(c, c->index->logins, p->login, slot)))
		return false;
	parties->count--;
	c->world->checksum -= p->digest;
	c->parties_changed = true;
	if (p->kind == CONF_PEER && world_peer_addresses(c->world, slot) != NULL &&
	    !pages_addresses(c, slot, NULL))
		return false;
	return pages_set(c, parties, slot, NULL) && change_replaced(c, PART_PARTY, p);
}

/* Would two accounts log in alike? Only what the change made can be new in that. */
bool parties_check_logins(struct world_change *c)
{
	for (size_t i = 0; i < c->made.n; i++) {
		const struct world_party   *p = c->made.items[i].p;
		const struct world_account *a, *other;
		const struct world_bucket  *b;

		if (c->made.items[i].kind != PART_PARTY || p->kind != CONF_ACCOUNT ||
		    world_account(c->world, p->account.slot) != &p->account)
			continue;
		a = &p->account;
		b = c->index->logins[p->login >> 56];
		for (const struct world_entry *e = world_bucket_find(b, p->login);
		     e != NULL && e < b->entries + b->n && e->hash == p->login; e++) {
			other = world_account(c->world, e->slot);
			if (other != a && other->conf->protocol == a->conf->protocol &&
			    str_eq(world_login_of(other->conf), world_login_of(a->conf)))
				return change_refuse(
					c,
					"account %.*s: account %.*s already logs in as that; give "
					"one of them another system_id",
					STR_ARG(a->name), STR_ARG(other->name));
		}
	}
	return true;
}
