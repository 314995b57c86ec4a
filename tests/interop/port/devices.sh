#!/bin/bash
# The same messages over other devices of DPDK: AF_PACKET with one and with two queues, TAP, and libpcap; and bytes between two of our stacks over memif.
# (All other tests run over AF_XDP; rings and null devices are in tests/sim/port_test.c.)
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
messages_go pcap net_pcap0,rx_iface_in=veth-cpm,tx_iface=veth-cpm 0

hash_of() { sed -n "s/.*[ ]$2=\([^ ]*\).*/\1/p" "$1"; }
memif() { # ROLE listen|connect PEER PORT OWN: 198.18.0.1 is the server of the memory and listens
	start "$1" "$dir/memif-$1.log" "$build/linux-endpoint" "$2" "$3" "$4" bulk "$5" bytes=20000000 \
		"device=net_memif0,role=$1,socket=$dir/memif.sock,socket-abstract=no,mac=02:00:00:00:00:0$([ "$1" = server ] && echo 1 || echo 2)"
}
memif server listen 198.18.0.2 5000 address=198.18.0.1/24
server=$started
expect "memif: the server is ready" wait_for 10 ready grep -q ^ready "$dir/memif-server.log"
memif client connect 198.18.0.1 5000 address=198.18.0.2/24
expect "memif: 20 MB each way" wait_for 30 "done" eval 'grep -q ^done "$dir/memif-client.log" && grep -q ^done "$dir/memif-server.log"'
expect "memif: the same bytes at both ends" eval '[ "$(hash_of "$dir/memif-client.log" sent)" = "$(hash_of "$dir/memif-server.log" received)" ] &&
	[ "$(hash_of "$dir/memif-server.log" sent)" = "$(hash_of "$dir/memif-client.log" received)" ]'
stop "$started"
stop "$server"
echo "passed: $(basename "$0")"
