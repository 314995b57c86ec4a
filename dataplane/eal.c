#include "eal.h"

#include <errno.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_lcore.h>
#include <rte_pdump.h>

#include "base/assert.h"

#define ARGS_MAX (16 + 2 * NET_PORTS_MAX)
#define ARG_SIZE 512u

/* rte_eal_init() keeps pointers into its arguments. */
static char  arg_room[ARGS_MAX][ARG_SIZE];
static char *args[ARGS_MAX];
static int   arg_count;

static void arg(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void arg(const char *format, ...)
{
	va_list list;

	ASSERT(arg_count < (int)ARGS_MAX);
	va_start(list, format);
	vsnprintf(arg_room[arg_count], ARG_SIZE, format, list);
	va_end(list);
	args[arg_count] = arg_room[arg_count];
	arg_count++;
}

/* Free huge pages of the default size, in MB. */
static unsigned long hugepages_free_mb(void)
{
	unsigned long free_pages = 0, size_kb = 0;
	char          line[128];
	FILE         *f = fopen("/proc/meminfo", "re");

	if (f == NULL)
		return 0;
	while (fgets(line, sizeof(line), f) != NULL) {
		sscanf(line, "HugePages_Free: %lu", &free_pages);
		sscanf(line, "Hugepagesize: %lu kB", &size_kb);
	}
	fclose(f);
	return free_pages * size_kb / 1024;
}

/* Without a mount, huge pages come from memfds: everything works but a second process
 * (dpdk-dumpcap). */
static bool hugetlbfs_is_mounted(void)
{
	char  type[64], line[1024];
	FILE *f = fopen("/proc/mounts", "re");
	bool  found = false;

	if (f == NULL)
		return false;
	while (!found && fgets(line, sizeof(line), f) != NULL)
		found = sscanf(line, "%*s %*s %63s", type) == 1 && strcmp(type, "hugetlbfs") == 0;
	fclose(f);
	return found;
}

/* "0000:03:00.0" or "03:00.0", as opposed to a driver's name. */
static bool device_is_pci(const char *device)
{
	unsigned domain, bus, slot, function;

	return sscanf(device, "%4x:%2x:%2x.%1x", &domain, &bus, &slot, &function) == 4 ||
	       sscanf(device, "%2x:%2x.%1x", &bus, &slot, &function) == 3;
}

static void args_devices(const struct eal_config *config)
{
	bool pci = false;

	for (unsigned i = 0; i < config->device_count; i++) {
		if (device_is_pci(config->devices[i])) {
			arg("-a");
			arg("%s", config->devices[i]);
			pci = true;
		}
	}
	if (!pci) {
		arg("--no-pci");
		/* Nobody needs physical addresses; port_pool_new() then makes pools without gaps.
		 */
		arg("--iova-mode=va");
	}
}

/* EAL would answer a core that is not there with its whole help text. */
static int check_cores(const struct eal_config *config, char *why, size_t why_size)
{
	cpu_set_t allowed;

	CPU_ZERO(&allowed);
	if (sched_getaffinity(0, sizeof(allowed), &allowed) < 0)
		return 0;
	for (unsigned i = 0; i <= config->workers; i++) {
		unsigned core = i < config->workers ? config->worker_lcores[i] : config->main_lcore;

		if (core < CPU_SETSIZE && CPU_ISSET(core, &allowed))
			continue;
		snprintf(why, why_size,
			 "%s: core %u is not among the %d that this process may use; "
			 "`taskset -cp $$` lists them",
			 i < config->workers ? "dataplane.worker_lcores" : "dataplane.main_lcore",
			 core, CPU_COUNT(&allowed));
		return -EINVAL;
	}
	return 0;
}

static void args_lcores(const struct eal_config *config)
{
	char   map[ARG_SIZE] = "";
	size_t n = 0;

	for (unsigned i = 0; i < config->workers && n < sizeof(map); i++)
		n += (size_t)snprintf(map + n, sizeof(map) - n, "%u@%u,", i,
				      config->worker_lcores[i]);
	ASSERT(n < sizeof(map));
	arg("--lcores=%s%u@%u", map, config->workers, config->main_lcore);
	arg("--main-lcore=%u", config->workers);
}

static int args_memory(const struct eal_config *config, char *why, size_t why_size)
{
	unsigned long free_mb = hugepages_free_mb();
	bool          enough = free_mb >= config->memory_mb;

	if (config->hugepages == EAL_HUGEPAGES_REQUIRED && !enough) {
		snprintf(why, why_size,
			 "hugepages are required, but %lu MB are free of %u MB needed; raise "
			 "vm.nr_hugepages",
			 free_mb, config->memory_mb);
		return -ENOMEM;
	}
	if (config->hugepages == EAL_HUGEPAGES_OFF || !enough) {
		arg("--no-huge"); /* which EAL 22.11 refuses together with --in-memory */
		arg("-m");
		arg("%u", config->memory_mb);
	} else if (!hugetlbfs_is_mounted()) {
		arg("--in-memory");
	}
	return 0;
}

int eal_start(const struct eal_config *config, char *why, size_t why_size)
{
	/* AF_XDP locks its packet memory; the limit of a plain shell is far below. */
	const struct rlimit unlimited = {RLIM_INFINITY, RLIM_INFINITY};
	int                 err;

	ASSERT(config->workers > 0 && config->workers <= NET_WORKERS_MAX);
	err = check_cores(config, why, why_size);
	if (err < 0)
		return err;
	arg_count = 0;
	arg("cpm-dataplane");
	args_lcores(config);
	arg("--file-prefix=%s", config->node);
	arg("--log-level=*:warning");
	args_devices(config);
	err = args_memory(config, why, why_size);
	if (err < 0)
		return err;
	setrlimit(RLIMIT_MEMLOCK, &unlimited);
	if (rte_eal_init(arg_count, args) < 0) {
		snprintf(why, why_size,
			 "DPDK does not start: %s; does another cpm-dataplane run here as node %s?",
			 rte_errno != 0 ? rte_strerror(rte_errno) : "it said why above",
			 config->node);
		return rte_errno > 0 ? -rte_errno : -EINVAL;
	}
	/* For dpdk-dumpcap, which asks by a socket; nothing is done before. Without it all else
	 * works. */
	rte_pdump_init();
	return 0;
}

void eal_stop(void)
{
	rte_pdump_uninit();
	rte_eal_cleanup();
}

bool eal_has_hugepages(void)
{
	return rte_eal_has_hugepages() != 0;
}

unsigned eal_worker_lcore(unsigned worker)
{
	return worker;
}
