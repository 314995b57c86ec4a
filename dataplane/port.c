#include "port.h"

#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

#include <rte_bus.h>
#include <rte_cycles.h>
#include <rte_dev.h>
#include <rte_errno.h>
#include <rte_ethdev.h>
#include <rte_mbuf_pool_ops.h>

#include "base/assert.h"

#define RX_DESCRIPTORS 1024u
#define POOL_ROOM_MIN 2048u
#define FRAME_OVERHEAD (RTE_ETHER_HDR_LEN + RTE_ETHER_CRC_LEN)
#define FRAME_ROOM                                                                                 \
	(FRAME_OVERHEAD + RTE_VLAN_HLEN) /* what a buffer must have beside the packet              \
					  */
#define XDP_HEADROOM 256u                /* XDP_PACKET_HEADROOM of the kernel */
#define POOL_CACHE 256u
#define TX_DESCRIPTORS 1024u
#define TX_RING 1024u /* packets of a worker without a queue, on their way to one that has it */
#define TX_BURST 64u

/* What a device claims and cannot do, or must not be given. */
static const struct quirk {
	const char *driver;
	bool        linear_only; /* sends the first segment with the length of all */
	bool copies_shared;  /* the receiver gets our mbuf, and would write into what TCP keeps */
	unsigned room_taken; /* of each buffer, by the kernel: larger frames are lost in silence */
} quirks[] = {
	{"net_af_xdp", .linear_only = true, .room_taken = XDP_HEADROOM},
	{"net_ring", .copies_shared = true},
};

unsigned port_mbufs_needed(void)
{
	/* Both rings; twice the receive side for AF_XDP, whose fill ring is as large again. */
	return 2 * RX_DESCRIPTORS + TX_DESCRIPTORS + 2 * RTE_MEMPOOL_CACHE_MAX_SIZE;
}

static unsigned buffer_room(unsigned mtu)
{
	unsigned frame = RTE_ALIGN_CEIL(mtu + FRAME_ROOM + XDP_HEADROOM, RTE_MBUF_PRIV_ALIGN);

	return RTE_PKTMBUF_HEADROOM + RTE_MAX(frame, POOL_ROOM_MIN);
}

unsigned port_mbuf_size(unsigned mtu)
{
	return sizeof(struct rte_mbuf) + buffer_room(mtu) + RTE_MEMPOOL_ALIGN * 2;
}

/*
 * As rte_pktmbuf_pool_create(), but without the gaps that this leaves where a buffer would cross a
 * page: net_af_xdp tells the kernel the pool's size without gaps, and the kernel drops in silence
 * whatever lies beyond. Where addresses are virtual, nobody minds the crossing.
 */
struct rte_mempool *port_pool_new(const char *name, unsigned count, unsigned mtu)
{
	unsigned room = buffer_room(mtu);
	struct rte_pktmbuf_pool_private private = {.mbuf_data_room_size = (uint16_t)room};
	unsigned flags = rte_eal_iova_mode() == RTE_IOVA_VA ? RTE_MEMPOOL_F_NO_IOVA_CONTIG : 0;
	struct rte_mempool *pool =
		rte_mempool_create_empty(name, count, sizeof(struct rte_mbuf) + room, POOL_CACHE,
					 sizeof(private), SOCKET_ID_ANY, flags);

	if (pool == NULL)
		return NULL;
	if (rte_mempool_set_ops_byname(pool, rte_mbuf_best_mempool_ops(), NULL) == 0) {
		rte_pktmbuf_pool_init(pool, &private);
		if (rte_mempool_populate_default(pool) >= 0) {
			rte_mempool_obj_iter(pool, rte_pktmbuf_init, NULL);
			return pool;
		}
	}
	rte_mempool_free(pool);
	return NULL;
}

/* "net_ring0,a=b" -> "net_ring0" */
static void device_name(const char *device, char *name, size_t size)
{
	snprintf(name, size, "%.*s", (int)strcspn(device, ","), device);
}

/* The kernel's interface that AF_XDP and AF_PACKET devices sit on; a TAP device makes its own. */
static bool interface_of(const char *device, char interface[IF_NAMESIZE])
{
	const char *at = strstr(device, ",iface=");

	return strncmp(device, "net_af_", strlen("net_af_")) == 0 && at != NULL &&
	       sscanf(at, ",iface=%15[^,]", interface) == 1;
}

static int device_find(const char *device, uint16_t *id, char *why, size_t why_size)
{
	char name[RTE_ETH_NAME_MAX_LEN], interface[IF_NAMESIZE];
	int  err;

	device_name(device, name, sizeof(name));
	if (rte_eth_dev_get_port_by_name(name, id) == 0)
		return 0;
	if (interface_of(device, interface) && if_nametoindex(interface) == 0) {
		snprintf(why, why_size,
			 "device %s: there is no network interface '%s' in this network namespace; "
			 "`ip link` lists them",
			 device, interface);
		return -ENODEV;
	}
	err = rte_dev_probe(device);
	if (err == 0)
		err = rte_eth_dev_get_port_by_name(name, id);
	if (err < 0)
		snprintf(why, why_size, "device %s does not open: %s", device, rte_strerror(-err));
	return err;
}

static uint64_t tx_offloads(const struct rte_eth_dev_info *info, const struct port *port)
{
	uint64_t wanted = 0;

	/* Never MBUF_FAST_FREE: TCP keeps references to what it sends, and packets come from
	 * several pools. */
	if (port->profile.tx_ip_checksum)
		wanted |= RTE_ETH_TX_OFFLOAD_IPV4_CKSUM;
	if (port->profile.tx_tcp_checksum)
		wanted |= RTE_ETH_TX_OFFLOAD_TCP_CKSUM;
	if (port->profile.multi_segment)
		wanted |= RTE_ETH_TX_OFFLOAD_MULTI_SEGS;
	if (port->profile.tso)
		wanted |= RTE_ETH_TX_OFFLOAD_TCP_TSO;
	return wanted & info->tx_offload_capa;
}

static const struct quirk *quirk_of(const struct port *port)
{
	static const struct quirk none = {0};

	for (size_t i = 0; i < sizeof(quirks) / sizeof(quirks[0]); i++) {
		if (strcmp(quirks[i].driver, port->driver) == 0)
			return &quirks[i];
	}
	return &none;
}

static void profile_read(struct port *port, const struct rte_eth_dev_info *info)
{
	const uint64_t rx_sums = RTE_ETH_RX_OFFLOAD_IPV4_CKSUM | RTE_ETH_RX_OFFLOAD_TCP_CKSUM;
	uint64_t       tx = info->tx_offload_capa;

	port->profile.rx_checksum = (info->rx_offload_capa & rx_sums) == rx_sums;
	port->profile.tx_ip_checksum = (tx & RTE_ETH_TX_OFFLOAD_IPV4_CKSUM) != 0;
	port->profile.tx_tcp_checksum = (tx & RTE_ETH_TX_OFFLOAD_TCP_CKSUM) != 0;
	port->profile.multi_segment = (tx & RTE_ETH_TX_OFFLOAD_MULTI_SEGS) != 0;
	port->profile.tso = (tx & RTE_ETH_TX_OFFLOAD_TCP_TSO) != 0 && port->profile.multi_segment &&
			    port->profile.tx_tcp_checksum;
	if (quirk_of(port)->linear_only)
		port->profile.multi_segment = port->profile.tso = false;
	port->copies_shared = quirk_of(port)->copies_shared;
}

static int configure(struct port *port, const struct rte_eth_dev_info *info, unsigned queues,
		     const struct port_config *config)
{
	uint8_t             key[NET_STEER_KEY_SIZE];
	struct rte_eth_conf conf = {.rxmode = {.mtu = port->profile.mtu}};

	if (port->profile.rx_checksum)
		conf.rxmode.offloads = RTE_ETH_RX_OFFLOAD_IPV4_CKSUM | RTE_ETH_RX_OFFLOAD_TCP_CKSUM;
	conf.txmode.offloads = tx_offloads(info, port);
	rss_configure(&conf, info, queues, config->shared_seed, key);
	return rte_eth_dev_configure(port->id, (uint16_t)queues, (uint16_t)queues, &conf);
}

static int queues_setup(struct port *port, const struct rte_eth_dev_info *info,
			struct rte_mempool *const pools[])
{
	struct rte_eth_txconf tx = info->default_txconf;
	uint16_t              rx_count = RX_DESCRIPTORS, tx_count = TX_DESCRIPTORS;
	int err = rte_eth_dev_adjust_nb_rx_tx_desc(port->id, &rx_count, &tx_count);

	tx.offloads = tx_offloads(info, port);
	for (uint16_t q = 0; err == 0 && q < port->queues; q++) {
		err = rte_eth_rx_queue_setup(port->id, q, rx_count, SOCKET_ID_ANY, NULL, pools[q]);
		if (err == 0)
			err = rte_eth_tx_queue_setup(port->id, q, tx_count, SOCKET_ID_ANY, &tx);
	}
	return err;
}

/* As many pairs of queues as there are workers, or as the device has; one where it refuses so many.
 */
static int queues_open(struct port *port, const struct rte_eth_dev_info *info,
		       const struct port_config *config, struct rte_mempool *const pools[])
{
	unsigned most = RTE_MIN(info->max_rx_queues, info->max_tx_queues);
	int      err;

	port->queues = RTE_MIN(port->workers, most);
	if (port->queues == 0)
		port->queues = 1;
	err = configure(port, info, port->queues, config);
	if (err == 0)
		err = queues_setup(port, info, pools);
	if (err == 0 || port->queues == 1)
		return err;
	port->queues = 1;
	err = configure(port, info, 1, config);
	return err == 0 ? queues_setup(port, info, pools) : err;
}

/* As rte_eth_dev_configure() judges it, which refuses a larger one. */
static unsigned device_mtu_max(const struct rte_eth_dev_info *info)
{
	unsigned overhead = info->max_mtu != UINT16_MAX && info->max_rx_pktlen > info->max_mtu
				    ? info->max_rx_pktlen - info->max_mtu
				    : FRAME_OVERHEAD;
	unsigned frame =
		info->max_rx_pktlen > overhead ? info->max_rx_pktlen - overhead : UINT16_MAX;

	return info->max_mtu > 0 ? RTE_MIN(frame, (unsigned)info->max_mtu) : frame;
}

static uint16_t mtu_limit(const struct port *port, const struct rte_eth_dev_info *info,
			  uint16_t wanted)
{
	unsigned limit = RTE_MIN((unsigned)wanted, device_mtu_max(info));

	for (unsigned w = 0; w < port->workers; w++) {
		unsigned room = rte_pktmbuf_data_room_size(port->pools[w]) - RTE_PKTMBUF_HEADROOM -
				quirk_of(port)->room_taken;

		limit = RTE_MIN(limit, room - FRAME_ROOM);
	}
	return (uint16_t)limit;
}

static int rings_new(struct port *port)
{
	for (unsigned w = port->queues; w < port->workers; w++) {
		char name[RTE_RING_NAMESIZE];

		snprintf(name, sizeof(name), "tx_%u_%u", port->id, w);
		port->tx_rings[w] = rte_ring_create(name, TX_RING, SOCKET_ID_ANY,
						    RING_F_SP_ENQ | RING_F_SC_DEQ);
		if (port->tx_rings[w] == NULL)
			return -rte_errno;
	}
	return 0;
}

static void rings_free(struct port *port)
{
	for (unsigned w = 0; w < port->workers; w++) {
		struct rte_mbuf *m;

		while (port->tx_rings[w] != NULL &&
		       rte_ring_sc_dequeue(port->tx_rings[w], (void **)&m) == 0)
			rte_pktmbuf_free(m);
		rte_ring_free(port->tx_rings[w]);
		port->tx_rings[w] = NULL;
	}
}

static void profile_addresses(struct port *port, const struct port_config *config)
{
	port->profile.address_count = config->address_count;
	for (unsigned i = 0; i < config->address_count; i++) {
		port->profile.addresses[i].address = config->addresses[i];
		port->profile.addresses[i].prefix = config->prefixes[i];
	}
	port->profile.gateway = config->gateway;
	port->profile.has_gateway = config->has_gateway;
	port->profile.gateway6 = config->gateway6;
	port->profile.has_gateway6 = config->has_gateway6;
	port->profile.duplicate_check = config->duplicate_check;
}

static int port_start(struct port *port, const struct rte_eth_dev_info *info,
		      const struct port_config *config, struct rte_mempool *const pools[])
{
	struct rte_ether_addr mac;
	uint16_t              mtu;
	int                   err = queues_open(port, info, config, pools);

	if (err < 0)
		return err;
	/* Devices without the call keep theirs; what they have then is what counts. */
	if (rte_eth_dev_set_mtu(port->id, port->profile.mtu) < 0 &&
	    rte_eth_dev_get_mtu(port->id, &mtu) == 0 && mtu < port->profile.mtu)
		port->profile.mtu = mtu;
	err = rte_eth_dev_start(port->id);
	if (err < 0)
		return err;
	/* IPv6 asks by multicast. Devices without the call hear all of it, or IPv4 only. */
	(void)rte_eth_allmulticast_enable(port->id);
	rss_examine(&port->rss, info, port->queues, port->workers);
	err = rte_eth_macaddr_get(port->id, &mac);
	if (err < 0)
		return err;
	memcpy(port->profile.mac, mac.addr_bytes, sizeof(port->profile.mac));
	return rings_new(port);
}

int port_open(const struct port_config *config, unsigned workers,
	      struct rte_mempool *const rx_pools[], struct port *port, char *why, size_t why_size)
{
	struct rte_eth_dev_info info;
	int                     err;

	ASSERT(workers > 0 && workers <= NET_WORKERS_MAX);
	memset(port, 0, sizeof(*port));
	port->workers = workers;
	port->copy_pool = rx_pools[0];
	port->metrics = config->metrics;
	memcpy(port->pools, rx_pools, workers * sizeof(port->pools[0]));
	snprintf(port->name, sizeof(port->name), "%s", config->name);
	err = device_find(config->device, &port->id, why, why_size);
	if (err < 0)
		return err;
	err = rte_eth_dev_info_get(port->id, &info);
	if (err == 0) {
		snprintf(port->driver, sizeof(port->driver), "%s", info.driver_name);
		port->profile.vlan = config->vlan;
		port->profile.mtu = mtu_limit(port, &info, config->mtu);
		profile_addresses(port, config);
		profile_read(port, &info);
		err = port_start(port, &info, config, rx_pools);
	}
	if (err < 0) {
		snprintf(why, why_size, "port %s: device %s does not start: %s", config->name,
			 config->device, rte_strerror(-err));
		port_close(port);
	}
	return err;
}

void port_close(struct port *port)
{
	struct rte_eth_dev_info info;

	if (rte_eth_dev_info_get(port->id, &info) == 0) {
		rte_eth_dev_stop(port->id);
		rte_eth_dev_close(port->id);
		rte_dev_remove(info.device);
	}
	rings_free(port);
	rss_free(&port->rss);
	faults_free(port->faults);
	port->faults = NULL;
}

unsigned port_steer(struct port ports[], unsigned count, uint64_t shared_seed)
{
	unsigned entries = NET_STEER_ENTRIES;

	for (unsigned i = 0; i < count; i++) {
		if (ports[i].rss.reta_size > 0 && ports[i].rss.reta_size < entries)
			entries = ports[i].rss.reta_size;
	}
	for (unsigned i = 0; i < count; i++)
		rss_apply(&ports[i].rss, ports[i].id, ports[i].workers, entries, shared_seed);
	return entries;
}

bool port_misdirects(const struct port *port)
{
	return atomic_load_explicit(&port->rss.misdirects, memory_order_relaxed);
}

const char *port_steering(const struct port *port)
{
	if (port->workers == 1)
		return "one worker";
	return port->rss.steers && !port_misdirects(port) ? "rss" : "forwarding";
}

int port_fault(struct port *port, const struct conf_fault *wanted)
{
	struct faults *faults = port->faults;

	if (faults == NULL) {
		faults = faults_new(port->workers, port->pools, port->metrics);
		if (faults == NULL)
			return -ENOMEM;
	}
	faults_set(faults, wanted);
	/* Release: pairs with the acquire in faults_of(). */
	atomic_store_explicit(&port->faults, faults, memory_order_release);
	return 0;
}

/* ---- workers ---- */

static inline struct faults *faults_of(struct port *port)
{
	/* Acquire: pairs with the release in port_fault(). */
	return atomic_load_explicit(&port->faults, memory_order_acquire);
}

static uint64_t clock_us(void)
{
	return rte_rdtsc() / (rte_get_tsc_hz() / 1000000);
}

static unsigned device_receive(struct port *port, unsigned worker, struct rte_mbuf *pkts[],
			       unsigned n)
{
	unsigned got = rte_eth_rx_burst(port->id, (uint16_t)worker, pkts, (uint16_t)n);

	if (port->rss.checks_left[worker] > 0)
		rss_check(&port->rss, worker, pkts, got, &port->metrics[worker]);
	return got;
}

unsigned port_rx_burst(struct port *port, unsigned worker, struct rte_mbuf *pkts[], unsigned n)
{
	struct faults *faults = faults_of(port);
	unsigned       got;
	uint64_t       now_us;

	if (worker >= port->queues)
		return 0;
	got = device_receive(port, worker, pkts, n);
	if (faults == NULL)
		return got;
	now_us = clock_us();
	faults_put(faults, worker, FAULT_RX, now_us, pkts, got);
	return faults_take(faults, worker, FAULT_RX, now_us, pkts, n);
}

/* Sends copies of what has other references. Returns how many of n went, from the first. */
static unsigned copies_send(struct port *port, unsigned queue, struct rte_mbuf *pkts[], unsigned n)
{
	unsigned sent = 0;

	for (; sent < n; sent++) {
		struct rte_mbuf *m = pkts[sent];
		bool             shared = rte_mbuf_refcnt_read(m) > 1 || !RTE_MBUF_DIRECT(m);

		if (shared)
			m = rte_pktmbuf_copy(m, port->copy_pool, 0, UINT32_MAX);
		if (m == NULL)
			break;
		if (rte_eth_tx_burst(port->id, (uint16_t)queue, &m, 1) == 0) {
			if (shared)
				rte_pktmbuf_free(m);
			break;
		}
		if (shared)
			rte_pktmbuf_free(pkts[sent]);
	}
	return sent;
}

static unsigned queue_send(struct port *port, unsigned queue, struct rte_mbuf *pkts[], unsigned n)
{
	if (port->copies_shared)
		return copies_send(port, queue, pkts, n);
	return rte_eth_tx_burst(port->id, (uint16_t)queue, pkts, (uint16_t)n);
}

static unsigned device_transmit(struct port *port, unsigned worker, struct rte_mbuf *pkts[],
				unsigned n)
{
	if (worker < port->queues)
		return queue_send(port, worker, pkts, n);
	return rte_ring_sp_enqueue_burst(port->tx_rings[worker], (void **)pkts, n, NULL);
}

/* Sends what is due; returns how many went. */
static unsigned faulty_transmit(struct port *port, struct faults *faults, unsigned worker,
				uint64_t now_us)
{
	struct rte_mbuf *due[TX_BURST];
	unsigned         total = 0, n, sent;

	do {
		n = faults_take(faults, worker, FAULT_TX, now_us, due, TX_BURST);
		sent = n > 0 ? device_transmit(port, worker, due, n) : 0;
		faults_return(faults, worker, FAULT_TX, due + sent, n - sent);
		total += sent;
	} while (sent == TX_BURST);
	return total;
}

unsigned port_tx_burst(struct port *port, unsigned worker, struct rte_mbuf *pkts[], unsigned n)
{
	struct faults *faults = faults_of(port);
	uint64_t       now_us;

	ASSERT_HOT(worker < port->workers);
	if (faults == NULL)
		return device_transmit(port, worker, pkts, n);
	now_us = clock_us();
	faults_put(faults, worker, FAULT_TX, now_us, pkts, n);
	faulty_transmit(port, faults, worker, now_us);
	return n;
}

unsigned port_turn(struct port *port, unsigned worker)
{
	struct rte_mbuf *pkts[TX_BURST];
	struct faults   *faults = faults_of(port);
	unsigned         total = 0;

	if (faults != NULL)
		total = faulty_transmit(port, faults, worker, clock_us());
	/* Rings of the workers queues + worker, 2 queues + worker, ... are emptied here. */
	if (worker >= port->queues)
		return total;
	for (unsigned w = worker + port->queues; w < port->workers; w += port->queues) {
		struct rte_ring *ring = port->tx_rings[w];
		unsigned n = rte_ring_dequeue_burst_start(ring, (void **)pkts, TX_BURST, NULL);
		unsigned sent = n > 0 ? queue_send(port, worker, pkts, n) : 0;

		/* What the device did not take stays at the head of the ring. */
		if (n > 0)
			rte_ring_dequeue_finish(ring, sent);
		total += sent;
	}
	return total;
}

void port_stats(const struct port *port, struct port_stats *stats)
{
	struct rte_eth_stats s;
	struct rte_eth_link  link;

	memset(stats, 0, sizeof(*stats));
	if (rte_eth_stats_get(port->id, &s) == 0) {
		stats->packets_in = s.ipackets;
		stats->packets_out = s.opackets;
		stats->bytes_in = s.ibytes;
		stats->bytes_out = s.obytes;
		stats->missed_in = s.imissed;
		stats->errors_in = s.ierrors;
		stats->errors_out = s.oerrors;
		stats->no_mbuf = s.rx_nombuf;
	}
	if (rte_eth_link_get_nowait(port->id, &link) == 0)
		stats->link_up = link.link_status == RTE_ETH_LINK_UP;
}
