#!/bin/bash
# The same messages over other devices of DPDK: AF_PACKET with one and with two queues, and TAP. (All other tests run over AF_XDP.)
capture_wanted=no
. "$(dirname "$0")/../lib.sh"
cat >"$dir/site.yaml" <<'EOF'
accounts:
  - {name: acme, password: secret1}
peers:
  - {name: smsc1, host: 198.18.0.2, port: 2776, password: pw, connections: 2}
routes:
  - {to: "+4670", via: [smsc1]}
EOF

over_tap() { # the interface that the driver makes becomes the peers' network card
	ip -n "$netns_name-b" address flush dev veth-peer
	ip -n "$netns_name-a" link set cpm-tap netns "$netns_name-b"
	# driver and kernel begin with one hardware address for both ends
	ip -n "$netns_name-b" link set cpm-tap address 02:00:00:00:00:02
	ip -n "$netns_name-b" link set cpm-tap up
	ip -n "$netns_name-b" address add 198.18.0.2/24 dev cpm-tap
}

messages_go() { # NAME DEVICE CORES
	local name=$1
	rm -rf "$dir/run" "$dir/state"
	device=$2 appliance "cpm-$name" "$3" "$dir/site.yaml"
	case $2 in net_tap*) over_tap ;; esac
	start smsc "$dir/smsc.log" ip netns exec "$netns_name-b" "$build/cpm-load" smsc --listen 198.18.0.2:2776 --record "$dir/received-$name"
	expect "$2: the links are bound" wait_for 15 "bound" bound smsc1 2
	expect "$2: 5,000 messages" in_peers timeout 60 "$build/cpm-load" esme --connect 198.18.0.1:2775 --system-id acme --password secret1 \
		--from +4611111 --to '+4670#######' --sessions 4 --window 20 --count 5000 --record "$dir/sent-$name"
	stop "$started"
	expect "$2: none is lost, repeated or changed" "$build/cpm-load" verify --sent "$dir/sent-$name" --received "$dir/received-$name"
	netns_down
}

messages_go packet1 net_af_packet0,iface=veth-cpm 0
veth_queues=2
messages_go packet2 net_af_packet0,iface=veth-cpm,qpairs=2 "0, 1"
veth_queues=1
messages_go tap net_tap0,iface=cpm-tap 0
echo "passed: $(basename "$0")"
