/*
 * What a damaged file of connections could hold: any bytes as the file, and, because nearly all of
 * those die at the head, any bytes as lines under a head that holds. What is believed must name two
 * ends.
 */
#include <stdlib.h>
#include <string.h>

#include "../../dataplane/ledger.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void judge(struct ledger *l, const char *wrong)
{
	if (wrong != NULL && l->inherited_count > 0)
		abort();
	for (uint32_t i = 0; i < l->inherited_count; i++) {
		const struct tcp_ledger_line *line = &l->inherited[i];

		if (line->check == 0 || line->ip6 > 1 || line->local_port == 0 ||
		    line->remote_port == 0)
			abort();
	}
	free(l->inherited_memory);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ledger           l = {0};
	uint32_t                n = (uint32_t)(size / sizeof(struct tcp_ledger_line));
	struct tcp_ledger_line *lines = malloc(size + 1);

	judge(&l, ledger_take(&l, data, size));
	if (lines == NULL)
		abort();
	memcpy(lines, data, size);
	l = (struct ledger){.inherited = calloc(n + 1u, sizeof(*lines))};
	l.inherited_memory = l.inherited;
	l.inherited_count = tcp_ledger_read(lines, n, l.inherited);
	judge(&l, NULL);
	free(lines);
	return 0;
}
