#!/bin/bash
# Large messages (INVITE, MSRP, BYE) both ways between a message centre or ESME of npm smpp, with texts in message_payload, and a device of Perl that speaks
# SIP and MSRP of its own making: who connects, in each way that an offer and an answer may say it; texts compared by SHA-256; connections cut in the middle.
sip=yes sip_authentication=none msrp_port=9100 not_dissected="--disable-protocol msrp"
. "$(dirname "$0")/../lib.sh"
cat >"$dir/site.yaml" <<'SITE'
accounts:
  - {name: acme, password: secret1, window: 100}
peers:
  - {name: centre, host: 198.18.0.2, port: 2776, password: pw, window: 100, reconnect: 1}
routes:
  - {to: "+4670", via: [centre]}
  - {to: "+4673", via: [registered]}
subscribers:
  - {address: "+46732222222", sip: "sip:bob@example.org", password: other}
SITE
peer=tests/interop/sip/large.pl
smpp=tests/interop/sip/large.js
device() { in_peers timeout 250 "$(command -v perl)" $peer "$@"; }
same() { test -s "$1" && diff <(sort "$1") <(sort "$2") | head -5 && cmp -s <(sort "$1") <(sort "$2"); }
gone() { [ "$(metric sip_large_open)" = 0 ]; }

appliance cpm-large "0, 1" "$dir/site.yaml"
expect "npm smpp is installed" test -f tests/interop/node_modules/smpp/package.json

start centre "$dir/centre.log" ip netns exec "$netns_name-b" node $smpp centre 100 "$dir/at_centre"
centre=$started
wait_for 15 "the message centre is bound" bound centre 1
expect "a device sends 100 messages of 10,000 to 60,000 bytes; each is answered and ended in order" device send 198.18.0.3 100 10000 60000 4711 "$dir/sent"
expect "the message centre gets all of them" wait "$centre"
expect "with the texts that were sent" same "$dir/sent" "$dir/at_centre"
expect "nothing of them is left" wait_for 10 "no large message is open" gone

start centre "$dir/centre.log" ip netns exec "$netns_name-b" node $smpp centre 3 "$dir/at_centre"
centre=$started
wait_for 15 "the message centre is bound again" bound centre 1
expect "a device breaks its connection in the middle of 6 messages: each time BYE comes" device send 198.18.0.3 6 20000 40000 1 "$dir/cut" cut
expect "nothing of them is left either" wait_for 10 "no large message is open" gone
expect "three whole ones after them arrive" device send 198.18.0.3 3 20000 40000 2 "$dir/sent"
expect "and they alone" eval 'wait "$centre" && same "$dir/sent" "$dir/at_centre"'

start device "$dir/device.log" ip netns exec "$netns_name-b" perl $peer take 198.18.0.4 100 "$dir/at_device"
device=$started
expect "a device registers for large messages" wait_for 10 "registration" grep -q ready "$dir/device.log"
expect "an ESME sends it 100 messages of 10,000 to 60,000 bytes; each is accepted" \
	in_peers timeout 250 node $smpp esme 46732222222 100 10000 60000 815 "$dir/submitted"
expect "the device gets all of them, each by an INVITE of its own" wait "$device"
expect "with the texts that were sent" same "$dir/submitted" "$dir/at_device"
expect "nothing of them is left" wait_for 10 "no large message is open" gone

# tshark does not put the segments of an MSRP chunk together, and takes a part for a malformed one: frames are judged that hold a whole chunk.
whole='msrp && tcp.payload matches "(?s)^MSRP (\\S+) .*-------\\1[+$#]\\r\\n$"'
more_seen() {
	tshark -r "$dir/capture.pcapng" -Y "_ws.malformed && $whole" 2>/dev/null | grep . && return 1
	tshark -r "$dir/capture.pcapng" -Y 'sdp && sip.Method == "INVITE"' 2>/dev/null | grep -c . >"$dir/invites"
	tshark -r "$dir/capture.pcapng" -Y "$whole" 2>/dev/null | grep -c . >"$dir/chunks"
	[ "$(cat "$dir/invites")" -ge 209 ] && [ "$(cat "$dir/chunks")" -ge 209 ] || { echo "$(cat "$dir/invites") INVITEs with SDP, $(cat "$dir/chunks") whole chunks"; return 1; }
}
expect "tshark sees SIP, SDP and MSRP in it, and nothing malformed in MSRP" more_seen
echo "   ($(cat "$dir/invites") INVITEs with SDP, $(cat "$dir/chunks") frames with a whole chunk of MSRP)"
finish
