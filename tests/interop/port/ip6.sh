#!/bin/bash
# IPv6 beside the kernel over AF_XDP, two workers on one queue: neighbours find each other, echo of both sizes comes back, messages go in and out over
# IPv6, an address that another has is not used, and a router that advertises itself is the way to what is not on the link.
ip6=yes ip6_more=', "2001:2::3/64"' # the second one is the peers' already
hosts='far.example: "2001:2:0:1::9"'
. "$(dirname "$0")/../lib.sh"
cat >"$dir/site.yaml" <<'EOS'
accounts:
  - {name: acme, password: secret1}
peers:
  - {name: smsc1, host: "2001:2::2", port: 2776, password: pw, connections: 2}
  - {name: far, host: far.example, port: 2776, password: pw, connections: 1, reconnect: 1}
routes:
  - {to: "+4670", via: [smsc1]}
EOS
appliance cpm-ip6 "0, 1" "$dir/site.yaml"
mac=$(ip netns exec "$netns_name-a" cat /sys/class/net/veth-cpm/address)
link_local=$(printf 'fe80::%02x%s:%sff:fe%s:%s%s' $((0x${mac:0:2} ^ 2)) "${mac:3:2}" "${mac:6:2}" "${mac:9:2}" "${mac:12:2}" "${mac:15:2}")

start smsc "$dir/smsc.log" ip netns exec "$netns_name-b" "$build/cpm-load" smsc --listen '[2001:2::2]:2776' --record "$dir/received"
smsc=$started
expect "the links to an SMSC at an IPv6 address are bound" wait_for 15 "bound" bound smsc1 2
expect "small echoes come back" in_peers ping -6 -q -c 5 -i 0.05 -W 2 2001:2::1
expect "echoes of 1,400 bytes come back" in_peers ping -6 -q -c 5 -i 0.05 -W 2 -s 1400 2001:2::1
expect "our link-local address is that of the hardware address, and answers" in_peers ping -6 -q -c 2 -i 0.05 -W 2 "$link_local%veth-peer"
neighbour_known() { ip -n "$netns_name-b" -6 neigh show 2001:2::1 dev veth-peer | grep -q "lladdr $mac"; }
expect "the kernel has us in its neighbour table" neighbour_known
expect "10,000 messages over IPv6" in_peers timeout 60 "$build/cpm-load" esme --connect '[2001:2::1]:2775' --system-id acme --password secret1 \
	--from +4611111 --to '+4670#######' --sessions 8 --window 20 --count 10000 --record "$dir/sent"
stop "$smsc"
expect "none is lost, repeated or changed" "$build/cpm-load" verify --sent "$dir/sent" --received "$dir/received"

duplicate_told() { [ "$(metric addresses_duplicate)" -ge 1 ]; }
expect "the address that the kernel had before us is not used" wait_for 5 "counted" duplicate_told
expect "which is logged, with its owner" grep -q "address.duplicate port=core0 address=2001:2::3 mac=$(in_peers cat /sys/class/net/veth-peer/address)" "$dir/dataplane.log"
expect "both workers saw packets of the other's" test "$(metric packets_forwarded)" -gt 0

ip -n "$netns_name-b" address add 2001:2:0:1::9/128 dev lo nodad
start far "$dir/far.log" ip netns exec "$netns_name-b" "$build/cpm-load" smsc --listen '[2001:2:0:1::9]:2776' --record "$dir/received-far"
sleep 2
expect "without a router there is no way off the link" test "$(ctl --json session list | jq '[.rows[] | select(.[] == "far")] | length')" = 0
in_peers tests/interop/perl/advertise.pl veth-peer 1800 1400
expect "an advertised router is the way" wait_for 15 "bound" bound far 1
finish
