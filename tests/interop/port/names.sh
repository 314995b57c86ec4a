#!/bin/bash
# Peers by name, with a DNS server in the network: an SMPP peer by its address, a SIP peer by NAPTR and SRV; both move when DNS says so, and stay
# where they are when it is killed, through a restart of either program; a name that is gone is told.
capture_wanted=no
. "$(dirname "$0")/../lib.sh"
. tests/interop/port/dns.inc
cat >"$dir/site.yaml" <<'EOT'
accounts:
  - {name: acme, password: secret1}
peers:
  - {name: smsc1, host: smsc.example, port: 2776, password: pw, connections: 2, enquire_link: 1, response_time: 2, reconnect: 1}
routes:
  - {to: "+4670", via: [smsc1]}
EOT
address() { ctl --json peer list | jq -e -r --arg p "$1" '. as $t | .rows[] | select(.[0] == $p) | .[$t.columns | index("address")]'; }
is_at() { [ "$(address "$1")" = "$2" ]; }
says() { address "$1" | grep -q "$2"; }
warned() { ctl --json status | jq -e --arg t "$1" '[.rows[] | select(.[0] == "warning" and (.[1] | contains($t)))] | length >= 1'; }
calm() { ctl --json status | jq -e '[.rows[] | select(.[0] == "warning")] | length == 0'; }
counts() { [ "$(metric "$1")" = "$2" ]; }
refused_by() { ctl --json metric refused | jq -r --arg n "refused{reason=\"$1\"}" '[.rows[] | select(.[0] == $n) | .[1] | tonumber] | add // "none"'; }
version() { ctl --json status | jq -r '.rows[] | select(.[0] == "version in force") | .[1]'; }
smsc() { start smsc "$dir/smsc.$1.log" ip netns exec "$netns_name-b" "$build/cpm-load" smsc --listen "$1" --record "$dir/received.$1"; }

zone "smsc.example A 5 198.18.0.2"
appliance cpm-names 0 "$dir/site.yaml"
smsc 198.18.0.2:2776
first=$started
smsc 198.18.0.3:2776
second=$started
expect "without a DNS server the peer has no address, and status says why" wait_for 15 "warned" warned "peer smsc1: host smsc.example has no address"
expect "the list of peers says so, too" says smsc1 "^none: "
dns_start
expect "with one, the links are bound" wait_for 40 "bound" bound smsc1 2
expect "at the address of the name" is_at smsc1 198.18.0.2:2776
expect "status is calm" wait_for 5 "calm" calm
before=$(version)
moved=$(date +%s%N)
zone "smsc.example A 5 198.18.0.3"
expect "the name leads elsewhere: the sessions move" wait_for 15 "moved" is_at smsc1 198.18.0.3:2776
echo "   ($((($(date +%s%N) - moved) / 1000000)) ms after the zone has changed, whose time to live is 5 s)"
expect "both of them" wait_for 5 "bound" bound smsc1 2
expect "in order" eval '[ "$(refused_by UNBOUND)" = 2 ] && [ "$(refused_by CONNECTION_RESET)" = 0 ] && [ "$(refused_by LINK_DEAD)" = 0 ]'
expect "no version was made for it" [ "$(version)" = "$before" ]
expect "1,000 messages go there" in_peers timeout 60 "$build/cpm-load" esme --connect 198.18.0.1:2775 --system-id acme --password secret1 \
	--from +4611111 --to '+4670#######' --sessions 2 --window 20 --count 1000 --record "$dir/sent"
stop "$first"

stop "$dns"
expect "the DNS server is killed: status warns" wait_for 30 "warned" warned "peer smsc1: no DNS server answers for host smsc.example"
expect "the answer expires and is used on" wait_for 20 "stale" warned "which has expired"
expect "it is counted" wait_for 2 "counted" counts dns_names_stale 1 # within a tenth of a second of each other
expect "the sessions stay" is_at smsc1 198.18.0.3:2776
stop "$control_pid"
stop "$dataplane_pid"
dataplane_start
expect "a dataplane that starts alone knows the address" wait_for 15 "connected" in_peers sh -c "ss -Htn state established src 198.18.0.3 | grep -c 198.18.0.1 | grep -qx 2"
control_start
expect "control is back, and DNS is not: the sessions stay" wait_for 15 "bound" bound smsc1 2
expect "at that address" is_at smsc1 198.18.0.3:2776

zone "ims.example NAPTR 5 10 10 s SIP+D2T _sip._tcp.ims.example" "ims.example NAPTR 5 20 10 s SIP+D2U _x._udp.ims.example" \
	"_x._udp.ims.example SRV 5 10 0 5077 a.ims.example" "a.ims.example A 5 198.18.0.4" "smsc.example A 5 198.18.0.3" "smsc.example A 5 198.18.0.2"
dns_start
expect "DNS is back: status is calm" wait_for 40 "calm" calm
expect "and what still holds stays" is_at smsc1 198.18.0.3:2776
expect "a SIP peer is found by NAPTR and SRV" eval 'ctl peer add ims protocol=sip host=ims.example transport=tcp && ctl peer set ims transport=udp && wait_for 10 "found" says ims 198.18.0.4:5077'
zone "smsc.example A 5 198.18.0.3"
expect "a name that is gone is told" wait_for 15 "warned" warned "peer ims: host ims.example has no address: there is no such name"
stop "$second"
expect "the 1,000 messages arrived once each" "$build/cpm-load" verify --sent "$dir/sent" --received "$dir/received.198.18.0.3:2776"
finish
