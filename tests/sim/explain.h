/* What `route explain` says of the simulated dataplane. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "../../dataplane/query.h"

#include "sim.h"

#define EXPLAINED_MAX 8u

/* Each row of its answer begins with one of these, and there are no others. */
static void is_explained(struct sim *s, const char *to, const char *const wanted[EXPLAINED_MAX])
{
	json_t *args = json_pack("{s:s, s:s}", "from", "+46701", "to", to), *reply = NULL, *row;
	char    error[256] = "";
	size_t  i, n = 0;

	assert_int_equal(query_run(&s->dp, "route_explain", args, &reply, error), 0);
	json_array_foreach(json_object_get(reply, "rows"), i, row)
	{
		const char *words[3];
		char        line[300];

		assert_int_equal(json_unpack(row, "[s, s, s]", &words[0], &words[1], &words[2]), 0);
		snprintf(line, sizeof(line), "%s: %s: %s", words[0], words[1], words[2]);
		assert_true(n < EXPLAINED_MAX && wanted[n] != NULL);
		if (strstr(line, wanted[n]) != line)
			fail_msg("'%s' does not begin with '%s'", line, wanted[n]);
		n++;
	}
	assert_null(wanted[n]);
	json_decref(args);
	json_decref(reply);
}
