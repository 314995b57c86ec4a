#include <inttypes.h>

#include "base/assert.h"
#include "base/log.h"
#include "base/put.h"
#include "registry/registry.h"

#include "directory_private.h"

#define RENEW_PAUSE_US (60 * US_PER_SECOND)

static_assert(STORE_RECORD_MAX == JOURNAL_RECORD_MAX, "what is kept fits into the journal");

/* What is kept of an address, in d->room. Returns the size. */
static size_t room_write(struct directory *d, struct now now, const struct wanted *wanted,
			 const struct proto_record *r)
{
	struct put w = put_to(d->room, sizeof(d->room));

	store_write(&d->places, now, wanted->protocol, wanted->address, r, &w);
	ASSERT(!w.failed);
	return put_size(&w);
}

void directory_keep_change(struct directory *d, struct now now, const struct wanted *wanted,
			   bool was_kept, struct entry *e)
{
	const struct proto_record *r = e != NULL ? &e->record : NULL;
	bool                       kept = store_count(r) > 0;

	if (!d->keeps || (!kept && !was_kept))
		return;
	journal_append(&d->journal, d->room, room_write(d, now, wanted, r));
	if (e != NULL)
		e->kept = kept;
}

/* Every entry once in each renewal; one that moves on the wheel before it was met, when it moves.
 */
void directory_keep_moved(struct directory *d, struct now now, struct entry *e)
{
	const struct wanted wanted = {e->protocol, e->record.address};

	if (!d->keeps || !journal_is_renewing(&d->journal) || e->round == d->round)
		return;
	e->round = d->round;
	if (e->kept)
		journal_renew_append(&d->journal, d->room, room_write(d, now, &wanted, &e->record));
}

/* Those that were met go to the end of their list, so one of them at its head ends it. Returns how
 * many were met. */
static unsigned renew_slot(struct directory *d, struct now now, struct list *slot, unsigned max)
{
	unsigned n = 0;

	for (; n < max && !list_empty(slot); n++) {
		struct entry *e = list_entry(slot->next, struct entry, due);

		if (e->round == d->round)
			break;
		directory_keep_moved(d, now, e);
		list_remove(&e->due);
		list_append(slot, &e->due);
	}
	return n;
}

static bool renew_begin(struct directory *d, struct now now)
{
	if (now.us < d->renew_after_us || (!journal_is_long(&d->journal) && !d->renew_asked))
		return false;
	d->renew_asked = false;
	d->renew_after_us = now.us + RENEW_PAUSE_US;
	d->renew_slot = 0;
	d->round++;
	return journal_renew(&d->journal);
}

unsigned directory_keep_renew(struct directory *d, struct now now)
{
	unsigned n = 0;

	if (!d->keeps || (!journal_is_renewing(&d->journal) && !renew_begin(d, now)))
		return 0;
	while (d->renew_slot < DIRECTORY_WHEEL_SLOTS && n < DIRECTORY_BATCH) {
		n += renew_slot(d, now, &d->wheel[d->renew_slot], DIRECTORY_BATCH - n);
		d->renew_slot += n < DIRECTORY_BATCH;
	}
	if (d->renew_slot == DIRECTORY_WHEEL_SLOTS)
		journal_renewed(&d->journal);
	return n;
}

void directory_keep_flush(struct directory *d)
{
	if (d->keeps)
		journal_flush(&d->journal);
}

/* ---- the start ---- */

struct restoring {
	struct directory *d;
	struct now        now;
};

static bool restore(void *user, struct cur record)
{
	const struct restoring   *r = user;
	struct directory         *d = r->d;
	struct proto_registration kept;
	struct record_plan        plan;
	struct wanted             wanted;
	struct entry             *e;

	if (!store_read(&d->places, r->now, record, &wanted.protocol, &kept))
		return false;
	wanted.address = kept.address;
	if (wanted.protocol >= PROTO_COUNT ||
	    record_plan(&plan, NULL, &kept, r->now.us, &d->ids) != REASON_NONE ||
	    directory_put(d, &wanted, directory_entry(d, &wanted), &plan, &e) != REASON_NONE)
		return true; /* of a protocol or of more than there is room for */
	if (e != NULL)
		e->kept = true;
	directory_grow(d);
	return true;
}

int directory_keep(struct directory *d, const char *folder, const struct store_places *places,
		   struct now now)
{
	static const char name[] = "registrations";
	uint64_t          lost;
	int               err;

	d->places = *places;
	d->wheel_s = now.us / US_PER_SECOND;
	rcu_thread_begin();
	err = journal_open(&d->journal, folder, name, restore, &(struct restoring){d, now}, &lost);
	rcu_thread_end();
	directory_retired_free(d); /* nobody reads yet */
	d->keeps = err == 0;
	if (lost > 0)
		log_warn("registrations.torn",
			 "file=%s/%s lost_bytes=%" PRIu64
			 ": its end is not whole, as after a crash; whose registration was there "
			 "registers again by its own timer",
			 folder, name, lost);
	log_info("registrations.restored", "addresses=%" PRIu64 " bindings=%" PRIu64,
		 directory_addresses(d), directory_bindings(d));
	return err;
}
