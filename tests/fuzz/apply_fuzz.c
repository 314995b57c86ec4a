/* Fuzz target: the text of an apply file, and what was read from it packed, unpacked and printed.
 */
#include <stdlib.h>

#include "base/assert.h"
#include "conf/conf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct conf_protocol protocols[] = {
	{"smpp", TCP_ONLY, NULL, 2775, CONF_ACCOUNTS},
	{"sip", UDP_AND_TCP, "sip", 5060, CONF_SUBSCRIBERS}};

static void round_trip(enum conf_kind kind, const void *object)
{
	static uint8_t bytes[128 * 1024 + 4096];
	struct put     to = put_to(bytes, sizeof(bytes));
	void          *copy = conf_object_new(kind);
	json_t        *a, *b;

	ASSERT(copy != NULL && conf_object_pack(kind, object, &to));
	struct cur from = cur_of(bytes, put_size(&to));

	ASSERT(conf_object_unpack(kind, &from, copy) && cur_left(&from) == 0);
	a = conf_object_to_json(kind, object);
	b = conf_object_to_json(kind, copy);
	ASSERT(a != NULL && json_equal(a, b));
	json_decref(a);
	json_decref(b);
	conf_object_free(kind, copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct conf_set    set;
	struct conf_faults faults = {0, NULL};
	int                err;

	conf_protocols_set(protocols, 2);
	err = conf_set_read("fuzz.yaml", (const char *)data, size, &set, &faults);
	ASSERT((err == 0) == (faults.n == 0));
	if (err == 0) {
		for (enum conf_kind kind = 0; kind < CONF_KIND_COUNT; kind++)
			for (uint32_t i = 0; i < set.kinds[kind].n; i++)
				round_trip(kind, set.kinds[kind].objects[i]);
		conf_set_free(&set);
	}
	conf_faults_free(&faults);
	return 0;
}
