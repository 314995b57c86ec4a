#!/bin/bash
# Path MTU discovery by a real router: appliance, Linux router, Linux peer, and the link behind the router carries less than the first. First the router says
# so (RFC 1191, RFC 8201); then what it says is lost, as where somebody filters all of ICMP, and only the black-hole search is left (RFC 4821).
. "$(dirname "$0")/runs"
runs_begin cpm-router
router=cpm-router-b far=cpm-router-c narrow=1300

ip -n $router link add veth-far type veth peer name veth-end netns $far
for end in $router:veth-far $far:veth-end; do
	ip netns exec "${end%:*}" ethtool -K "${end#*:}" tx off rx off tso off gso off gro off >/dev/null 2>&1
	ip -n "${end%:*}" link set "${end#*:}" mtu $narrow up
done
ip -n $router address add 198.18.1.1/24 dev veth-far
ip -n $router address add 2001:2:0:1::1/64 dev veth-far nodad
ip -n $router address add 2001:2::2/64 dev veth-peer nodad
ip -n $far address add 198.18.1.2/24 dev veth-end
ip -n $far address add 2001:2:0:1::2/64 dev veth-end nodad
# The peer knows nothing of the narrow link: it offers what Ethernet carries.
ip -n $far route add 198.18.0.0/24 via 198.18.1.1 advmss 1460
ip -n $far route add 2001:2::/64 via 2001:2:0:1::1 advmss 1440
ip netns exec $router sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1

said() { # FAMILY: messages of the router that a packet was too big
	case $1 in
	4) ip netns exec $router nft --json list counter inet router needed4 ;;
	6) ip netns exec $router nft --json list counter inet router needed6 ;;
	esac | jq '[.nftables[] | .counter? | select(. != null) | .packets] | add'
}

counters() { # VERDICT of what the router says about sizes
	ip netns exec $router nft -f - <<NFT
table inet router
delete table inet router
table inet router {
	counter needed4 { }
	counter needed6 { }
	chain says {
		type filter hook output priority 0
		icmp type destination-unreachable icmp code frag-needed counter name needed4 $1
		icmpv6 type packet-too-big counter name needed6 $1
	}
}
NFT
}

transfers() {
	for family in 4 6; do
		before=$(said $family)
		run device=routed family=$family role=connect gateway=198.18.0.2 gateway=2001:2::2 "$@"
		run device=routed family=$family role=listen gateway=198.18.0.2 gateway=2001:2::2 "$@"
		run device=routed family=$family role=connect test=half gateway=198.18.0.2 gateway=2001:2::2 "$@"
		after=$(said $family)
		[ "$after" -gt "$before" ] || { echo "NOT OK: the router had nothing to say about sizes" >&2; exit 1; }
		echo "IPv$family: the router said $((after - before)) times that packets are too big"
	done
}

counters accept
transfers
counters drop
transfers limit=60
runs_end
