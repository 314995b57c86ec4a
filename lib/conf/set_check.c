/* What the objects of one apply file must be to each other: names and logins once, no name for both
 * a peer and an account. */
#include <stdlib.h>

#include "conf/node.h"

struct entry {
	const char *name;   /* what must be unique */
	uint32_t    number; /* and its second part */
	uint32_t    line;
	unsigned    kind;
};

static int entry_order(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;
	int                 order = strcmp(x->name, y->name);

	if (order == 0)
		order = (x->number > y->number) - (x->number < y->number);
	return order != 0 ? order : (x->line > y->line) - (x->line < y->line);
}

typedef struct entry entry_of(const void *object);

static struct entry account_name(const void *object)
{
	return (struct entry){.name = ((const struct conf_account *)object)->name};
}

static struct entry account_login(const void *object)
{
	const struct conf_account *a = object;

	return (struct entry){.name = conf_account_login(a), .number = a->protocol};
}

static struct entry peer_name(const void *object)
{
	return (struct entry){.name = ((const struct conf_peer *)object)->name};
}

/* Of those that stand for all servers there is one. */
static struct entry peer_open(const void *object)
{
	const struct conf_peer *p = object;

	return (struct entry){.name = conf_peer_is_open(p) ? p->domain : "", .number = p->protocol};
}

static struct entry route_to(const void *object)
{
	const struct conf_route *r = object;

	return (struct entry){.name = r->to, .number = r->priority};
}

static struct entry rule_name(const void *object)
{
	return (struct entry){.name = ((const struct conf_rule *)object)->name};
}

static struct entry subscriber_address(const void *object)
{
	return (struct entry){.name = ((const struct conf_subscriber *)object)->address};
}

static struct entry subscriber_sip(const void *object)
{
	return (struct entry){.name = ((const struct conf_subscriber *)object)->sip};
}

static struct entry subscriber_xmpp(const void *object)
{
	return (struct entry){.name = ((const struct conf_subscriber *)object)->xmpp};
}

static const struct unique {
	enum conf_kind kinds[2]; /* among these together */
	entry_of      *of[2];
	unsigned       count;
	const char    *key, *what, *remedy;
} uniques[] = {
	{{CONF_ACCOUNT},
	 {account_name},
	 1,
	 "name",
	 "is the name of an account",
	 "give each name once"},
	{{CONF_ACCOUNT},
	 {account_login},
	 1,
	 "system_id",
	 "is what an account logs in as",
	 "give one of them another system_id"},
	{{CONF_PEER}, {peer_name}, 1, "name", "is the name of a peer", "give each name once"},
	{{CONF_PEER},
	 {peer_open},
	 1,
	 "domain",
	 "is the domain of a peer",
	 "one peer is enough for all servers"},
	{{CONF_ACCOUNT, CONF_PEER},
	 {account_name, peer_name},
	 2,
	 "name",
	 "is the name of an account or peer",
	 "routes name both, so give one of them another name"},
	{{CONF_ROUTE},
	 {route_to},
	 1,
	 "to",
	 "has a route of the same priority",
	 "change the priority of one, or join their targets"},
	{{CONF_RULE}, {rule_name}, 1, "name", "is the name of a rule", "give each name once"},
	{{CONF_SUBSCRIBER},
	 {subscriber_address},
	 1,
	 "address",
	 "is the address of a subscriber",
	 "give each address once"},
	{{CONF_SUBSCRIBER},
	 {subscriber_sip},
	 1,
	 "sip",
	 "is what a subscriber registers as",
	 "give one of them another"},
	{{CONF_SUBSCRIBER},
	 {subscriber_xmpp},
	 1,
	 "xmpp",
	 "is what a subscriber logs in as",
	 "give one of them another"},
};

static struct entry *entries_sorted(const struct conf_set *set, const struct unique *u, size_t *n)
{
	struct entry *entries;
	size_t        room = 1;

	for (unsigned k = 0; k < u->count; k++)
		room += set->kinds[u->kinds[k]].n;
	entries = calloc(room, sizeof(entries[0]));
	*n = 0;
	for (unsigned k = 0; entries != NULL && k < u->count; k++) {
		const struct conf_objects *objects = &set->kinds[u->kinds[k]];

		for (uint32_t i = 0; i < objects->n; i++) {
			entries[*n] = u->of[k](objects->objects[i]);
			entries[*n].line = objects->lines[i];
			entries[(*n)++].kind = u->kinds[k];
		}
	}
	if (entries != NULL)
		qsort(entries, *n, sizeof(entries[0]), entry_order);
	return entries;
}

static void check_unique(const char *file, const struct conf_set *set, const struct unique *u,
			 struct conf_faults *faults)
{
	size_t        n;
	struct entry *entries = entries_sorted(set, u, &n);

	if (entries == NULL)
		conf_fault(faults, file, 0, "", "no memory to check it");
	for (size_t i = 1; entries != NULL && i < n; i++) {
		const struct entry *a = &entries[i - 1], *b = &entries[i];

		if (strcmp(a->name, b->name) != 0 || a->number != b->number || b->name[0] == '\0' ||
		    (u->count > 1 && a->kind == b->kind))
			continue;
		conf_fault(faults, file, b->line, u->key, "'%s' %s on line %u as well; %s", b->name,
			   u->what, a->line, u->remedy);
	}
	free(entries);
}

void conf_set_check(const char *file, const struct conf_set *set, struct conf_faults *faults)
{
	for (unsigned i = 0; i < sizeof(uniques) / sizeof(uniques[0]); i++)
		check_unique(file, set, &uniques[i], faults);
}
