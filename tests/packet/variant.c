#include "variant.h"

#include <string.h>

#include "base/hash.h"

#define START_US (1000 * US_PER_SECOND)
#define CLOCK_WRAPS_US                                                                             \
	((1000ull << 32) - 500 * US_PER_MS) /* 32 bits of ms and of us wrap together */
#define NUMBERS                                                                                    \
	5u /* at random; ours at 2^32, the peer's at 2^31; the other way round; our timestamp at   \
	      2^32; at random with a VLAN */
#define NUMBERS_VLAN 4u
#define OPTIONS 16u

void variant_first(struct variant *v, const struct script *script)
{
	*v = (struct variant){.script = script};
}

/* RFC 6528: our numbers are a hash and a clock of 4 us, so the clock's start is what sets them. It
 * stays a multiple of 1 ms, as timers are, by adding whole turns of that clock. */
static uint64_t start_for_isn(const struct variant *v, uint32_t wanted)
{
	for (uint32_t off = 0; off < 2; off++) {
		uint64_t at_us = (uint64_t)(uint32_t)(wanted + off - v->isn) << 2;

		for (unsigned turn = 1; turn <= 250; turn++) {
			uint64_t start_us = at_us + ((uint64_t)turn << 34) - v->passed_us;

			if (start_us % US_PER_MS == 0)
				return start_us;
		}
	}
	return START_US;
}

static void numbers_set(struct variant *v, unsigned numbers)
{
	uint32_t any = (uint32_t)hash_mix(strlen(v->script->path) * 31 + v->script->step_count);

	v->start.start_us = START_US;
	v->start.peer_isn = any;
	v->start.peer_ts = any * 7;
	if ((numbers == 0 || numbers == NUMBERS_VLAN) && !v->measuring)
		v->start.start_us = CLOCK_WRAPS_US;
	if (numbers == 1) {
		v->start.peer_isn = 0x7fffff00;
		v->start.peer_ts = 0xfffffff0;
	} else if (numbers == 2) {
		v->start.peer_isn = 0xffffff00;
		v->start.peer_ts = 0x7ffffff0;
	}
	if (!v->known)
		return;
	if (numbers == 1)
		v->start.start_us = start_for_isn(v, 0xffffff00);
	else if (numbers == 2)
		v->start.start_us = start_for_isn(v, 0x7fffff00);
	else if (numbers == 3)
		v->start.start_us = (uint64_t)(uint32_t)(0xfffffff0 - v->ts) * US_PER_MS;
}

static void name_set(struct variant *v, unsigned numbers)
{
	static const char *const numbers_names[NUMBERS] = {
		" clock-2^32", " wrap isn-ours-2^32-peer-2^31", " wrap isn-ours-2^31-peer-2^32",
		" wrap timestamp-ours-2^32", " clock-2^32"};

	v->name[0] = 0;
	for (unsigned i = 0; script_trait_names[i] != NULL; i++) {
		if (!(v->start.traits & 1u << i & ~(uint32_t)TRAIT_WRAP))
			continue;
		if (v->name[0] != 0)
			strncat(v->name, " ", sizeof(v->name) - strlen(v->name) - 1);
		strncat(v->name, script_trait_names[i], sizeof(v->name) - strlen(v->name) - 1);
	}
	strncat(v->name, numbers_names[numbers], sizeof(v->name) - strlen(v->name) - 1);
}

static bool sensible(const struct variant *v, unsigned numbers)
{
	uint32_t traits = v->start.traits;

	if ((traits & v->script->only) != v->script->only || (traits & v->script->never) != 0)
		return false;
	return numbers != 3 || traits & TRAIT_TIMESTAMPS;
}

/* What the run that measured says: of a stack whose first number is its SYN's. */
static void learn(struct variant *v, const struct run_result *before)
{
	v->measuring = false;
	v->known = before->syn_seen && !v->script->config.cookies_always;
	if (!v->known)
		return;
	v->passed_us = before->syn_us - START_US;
	v->isn = before->isn - (uint32_t)(before->syn_us >> 2);
	v->ts = before->ts - (uint32_t)(before->syn_us / US_PER_MS);
}

bool variant_next(struct variant *v, const struct run_result *before)
{
	if (v->measuring)
		learn(v, before);
	while (v->next < 2 * NUMBERS * OPTIONS) {
		unsigned at = v->next;
		unsigned numbers = at / OPTIONS % NUMBERS;
		uint32_t family = at / OPTIONS / NUMBERS == 0 ? TRAIT_IP4 : TRAIT_IP6;

		v->start.traits = family | at % OPTIONS << 2 |
				  (numbers == NUMBERS_VLAN ? TRAIT_VLAN
				   : numbers > 0           ? TRAIT_WRAP
							   : 0);
		if (family != v->family && sensible(v, 0)) {
			v->measuring = true;
			v->family = family;
			v->known = false;
			v->start.traits |= TRAIT_TIMESTAMPS;
			numbers_set(v, 0);
			name_set(v, 0);
			return true;
		}
		v->next++;
		if (!sensible(v, numbers))
			continue;
		numbers_set(v, numbers);
		name_set(v, numbers);
		return true;
	}
	return false;
}
