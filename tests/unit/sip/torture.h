/* The torture messages beside this file, each in memory of exactly its size. */
#pragma once

#include "test.h"

#include <stdio.h>

#include "base/str.h"

/* Given back with torture_free(). */
static inline struct str torture_read(const char *name)
{
	char       path[512];
	struct str whole;
	char       room[8192];
	FILE      *f;

	snprintf(path, sizeof(path), "%.*s/torture/%s.dat",
		 (int)(strrchr(__FILE__, '/') - __FILE__), __FILE__, name);
	f = fopen(path, "rb");
	if (f == NULL)
		fail_msg("cannot open %s", path);
	whole.n = fread(room, 1, sizeof(room), f);
	fclose(f);
	assert_true(whole.n > 0 && whole.n < sizeof(room));
	whole.p = (const char *)test_copy(room, whole.n);
	return whole;
}

static inline void torture_free(struct str whole)
{
	free((void *)(uintptr_t)whole.p);
}
