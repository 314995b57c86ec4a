/*
 * Bringing up DPDK's environment: cores, memory, files. Called once by main() on the thread that
 * becomes the main lcore, before any port.
 *
 * Worker i runs on lcore id i, pinned to the CPU worker_lcores[i]; the main lcore has the next id.
 * Several may share one CPU.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "net/net.h"

enum eal_hugepages { EAL_HUGEPAGES_AUTO, EAL_HUGEPAGES_REQUIRED, EAL_HUGEPAGES_OFF };

struct eal_config {
	const char        *node; /* names the runtime files, so that instances live side by side */
	unsigned           main_lcore; /* CPU numbers */
	unsigned           worker_lcores[NET_WORKERS_MAX];
	unsigned           workers;
	enum eal_hugepages hugepages;       /* AUTO: when enough are free for memory_mb */
	unsigned           memory_mb;       /* for pools and rings */
	const char *devices[NET_PORTS_MAX]; /* as port_open() gets them: only the PCI devices named
					       here are touched */
	unsigned device_count;
};

/* 0, or -errno with a sentence for the operator in why. Takes signals and the command line of
 * nobody; raises the limit of locked memory for AF_XDP. */
int      eal_start(const struct eal_config *config, char *why, size_t why_size);
void     eal_stop(void);
bool     eal_has_hugepages(void);           /* after eal_start(): what AUTO came to */
unsigned eal_worker_lcore(unsigned worker); /* the lcore id for rte_eal_remote_launch() */
