/* DPDK's environment for tests of one thread: ordinary memory, no devices, no files. */
#pragma once

#include <sched.h>

#include <rte_eal.h>

/* EAL pins its caller to one core, and tests that run side by side would all share that one; so the
 * caller gets back the cores that it had. Once a process; 0, or -1. */
static inline int test_eal_start(const char *memory_mb)
{
	char     *args[] = {(char *)"test",        (char *)"--no-huge",      (char *)"--no-pci",
			    (char *)"-m",          (char *)memory_mb,        (char *)"--no-telemetry",
			    (char *)"--no-shconf", (char *)"--log-level=*:4"};
	cpu_set_t cores;

	if (sched_getaffinity(0, sizeof(cores), &cores) < 0 ||
	    rte_eal_init((int)(sizeof(args) / sizeof(args[0])), args) < 0)
		return -1;
	return sched_setaffinity(0, sizeof(cores), &cores);
}
