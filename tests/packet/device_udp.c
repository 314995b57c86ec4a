/* The application's datagrams: what it hears on the ports that it bound, what it sends, and what it
 * is told about that. */
#include "device.h"

#include <string.h>

#include "net/udp.h"

bool device_bind(struct device *d, uint16_t port)
{
	struct net_addr any = {.ip6 = d->hosts.address[WHO_US].ip6};

	return net_udp_bind(d->net, &any, port, NULL, port) == 0;
}

void device_unbind(struct device *d, uint16_t port)
{
	struct net_addr any = {.ip6 = d->hosts.address[WHO_US].ip6};

	net_udp_unbind(d->net, &any, port);
}

bool device_datagram(struct device *d, const struct step *step, size_t n)
{
	static uint8_t      bytes[NET_UDP_SIZE_MAX];
	struct net_udp_flow flow = {.local = {.ip6 = d->hosts.address[WHO_US].ip6},
				    .remote = d->hosts.address[WHO_PEER],
				    .local_port = step->frame.ports[0],
				    .remote_port = step->frame.ports[1]};

	for (size_t i = 0; i < n && i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)i;
	return net_udp_send(d->net, d->now, &flow, bytes, n);
}

static void datagram_take(struct device *d, const struct net_udp_datagram *got)
{
	struct device_datagram *to = &d->datagrams[d->datagram_count];
	size_t                  n = cur_left(&got->bytes);

	if (d->datagram_count == DEVICE_DATAGRAMS_MAX) {
		d->lost_count = true;
		return;
	}
	d->datagram_count++;
	*to = (struct device_datagram){.ports = {got->flow.remote_port, got->flow.local_port},
				       .size = n};
	if (got->user != got->flow.local_port)
		to->wrong = "a datagram came to another than who bound its port";
	for (size_t i = 0; i < n; i++) {
		if (got->bytes.p[i] != (uint8_t)i)
			to->wrong = "what was received is not what the peer sent";
	}
}

void device_udp_take(struct device *d)
{
	struct net_udp_datagram datagram;
	struct net_udp_error    error;

	while (net_udp_receive(d->net, &datagram, 1) == 1)
		datagram_take(d, &datagram);
	while (net_udp_errors(d->net, &error, 1) == 1) {
		if (d->udp_error_count == DEVICE_DATAGRAMS_MAX) {
			d->lost_count = true;
			return;
		}
		d->udp_errors[d->udp_error_count++] = (struct device_udp_error){
			.ports = {error.flow.local_port, error.flow.remote_port},
			.type = error.type,
			.code = error.code};
	}
}

const char *device_received(struct device *d, const struct step *step, size_t n)
{
	struct device_datagram first = d->datagrams[0];

	if (d->datagram_count == 0)
		return "no datagram came";
	memmove(d->datagrams, d->datagrams + 1, --d->datagram_count * sizeof(first));
	if (first.wrong != NULL)
		return first.wrong;
	if (memcmp(first.ports, step->frame.ports, sizeof(first.ports)) != 0)
		return "the datagram has other ports";
	return first.size == n ? NULL : "the datagram has another length";
}

/* Errors are told in the terms of ICMPv4, whatever came. */
const char *device_udp_told(struct device *d, const struct step *step)
{
	const struct icmp_name *name = &frame_icmp_names[step->frame.icmp];
	struct device_udp_error first = d->udp_errors[0];

	if (d->udp_error_count == 0)
		return "no error was told";
	memmove(d->udp_errors, d->udp_errors + 1, --d->udp_error_count * sizeof(first));
	if (memcmp(first.ports, step->frame.ports, sizeof(first.ports)) != 0)
		return "the error is about other ports";
	return first.type == name->type && first.code == name->code ? NULL
								    : "another error was told";
}
