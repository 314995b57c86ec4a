#!/bin/bash
# Our TCP in a VLAN against the kernel's in the same one, over AF_XDP, where the tag is in the frame, and over AF_PACKET, where the kernel takes it off.
. "$(dirname "$0")/runs"
runs_begin cpm-vlan
vlan=100
ip netns exec cpm-vlan-b ethtool -K veth-peer txvlan off >/dev/null
clang -O2 -g -target bpf -DVLAN=$vlan -I"/usr/include/$(uname -m)-linux-gnu" -c tests/interop/linux/vlan.bpf.c -o "$dir/vlan.o"
ip netns exec cpm-vlan-b tc qdisc add dev veth-peer clsact
ip netns exec cpm-vlan-b tc filter add dev veth-peer egress bpf direct-action object-file "$dir/vlan.o" section tag
ip netns exec cpm-vlan-b tc filter add dev veth-peer ingress bpf direct-action object-file "$dir/vlan.o" section untag
start capture "$dir/capture" ip netns exec cpm-vlan-b dumpcap -q -i veth-peer -w "$dir/capture.pcapng"
capture=$started
wait_for 10 "the capture runs" test -s "$dir/capture.pcapng"
for device in xdp packet; do
	for family in 4 6; do
		for role in connect listen; do
			run role=$role test=bulk family=$family device=$device vlan=$vlan
		done
		run role=connect test=pingpong count=500 family=$family device=$device vlan=$vlan
	done
	run role=connect test=churn count=500 parallel=20 device=$device vlan=$vlan loss=10 corrupt=10
done
stop "$capture"
frames=$(tshark -r "$dir/capture.pcapng" -Y "ip.src == 198.18.0.1 || ipv6.src == 2001:2::1" 2>/dev/null | wc -l)
others=$(tshark -r "$dir/capture.pcapng" -Y "(ip.src == 198.18.0.1 || ipv6.src == 2001:2::1 || arp.src.proto_ipv4 == 198.18.0.1) && vlan.id != $vlan" 2>/dev/null | wc -l)
untagged=$(tshark -r "$dir/capture.pcapng" -Y "(ip.src == 198.18.0.1 || ipv6.src == 2001:2::1 || arp.src.proto_ipv4 == 198.18.0.1) && !vlan" 2>/dev/null | wc -l)
[ "$frames" -gt 1000 ] && [ "$others" = 0 ] && [ "$untagged" = 0 ] || {
	echo "NOT OK: of $frames frames of ours $others have another tag, $untagged none" >&2
	exit 1
}
echo "all $frames frames of ours have the tag"
runs_end
