#!/bin/bash
# SIP over WebSocket (RFC 7118): SIP.js and JsSIP, which speak nothing else, register with digest, and send what they get back to a message centre; what
# they do not try of frames, npm ws does. Both libraries know MD5 alone. What breaks the framing on purpose comes from an address of its own.
sip=yes sip_authentication=digest-md5 ws_port=8080 malformed_from=198.18.0.7
. "$(dirname "$0")/../lib.sh"
. tests/interop/sip/sipp.inc
cat >"$dir/site.yaml" <<'SITE'
accounts:
  - {name: acme, password: secret1}
peers:
  - {name: smsc1, host: 198.18.0.2, port: 2776, password: pw, reconnect: 1}
  - {name: frames, protocol: sip, host: 198.18.0.7, port: 5060, transport: tcp}
routes:
  - {to: "+4670", via: [smsc1]}
  - {to: "+4673", via: [registered]}
subscribers:
  - {address: "+46731234567", sip: "sip:alice@example.org", password: secret}
SITE
appliance cpm-websocket "0, 1" "$dir/site.yaml"
runs_on_ws() { [ "$(ctl --json session list | jq '. as $t | [.rows[] | select(.[$t.columns | index("transport")] == "ws")] | length')" = "$1" ]; }
for library in sipjs jssip; do
	start stranger "$dir/stranger.log" ip netns exec "$netns_name-b" node tests/interop/sip/websocket.js $library wrong
	expect "$library with another password does not register" wait_for 10 "refusal" grep -Eq '^registered 40[13]' "$dir/stranger.log"
	stop "$started"
	expect "its connection is gone" wait_for 5 "no session" runs_on_ws 0
	: >"$dir/$library.log"
	start "$library" "$dir/$library.log" ip netns exec "$netns_name-b" node tests/interop/sip/websocket.js $library secret
	device=$started
	expect "$library registers with digest" wait_for 10 "registration" grep -q "^registered 200" "$dir/$library.log"
	expect "its session is listed as one of WebSocket" wait_for 5 "the only one" runs_on_ws 1
	centre_begin
	expect "an ESME sends 60 messages to its number" submit 60 +46731234567 --coding ucs2 --text 'Smörgås 漢字 {n}' --markers --record "$dir/sent"
	expect "it sends them to a number of the message centre" wait_for 20 "202" eval '[ "$(grep -c "^sent 202" "$dir/'$library'.log")" = 60 ]'
	sed -n 's/^S \([0-9a-f]*\) .*/1;CPM\1/p' "$dir/sent" >"$dir/texts.csv"
	expect "all have arrived there, each once and unchanged" centre_has_all "$dir/texts.csv"
	kill "$device"
	expect "it leaves" wait_for 10 "the end of its registration" grep -q "^unregistered" "$dir/$library.log"
	expect "and is forgotten with its connection" eval 'wait_for 5 "no session" runs_on_ws 0 && registered 0'
	wait "$device" || true
done

centre_begin
expect "npm ws has said what it tries" eval 'in_peers timeout 60 node tests/interop/sip/frames.js 198.18.0.7 >"$dir/frames.log" 2>&1'
says() { grep -qxF -- "$1" "$dir/frames.log" || { cat "$dir/frames.log"; return 1; }; }
while IFS= read -r line; do
	expect "npm ws: $line" says "$line"
done <<'LINES'
the server speaks: sip
extensions: ""
one frame: text SIP/2.0 202 Accepted
a binary frame: text SIP/2.0 202 Accepted
fragments of 40 bytes with pings: text SIP/2.0 202 Accepted
fragments of 1000 bytes: text SIP/2.0 202 Accepted
a ping: are you there
a hundred at once: 100
a close: closed 1000
a close without a code: closed 1005
more than 65536 bytes: closed 1009
a message without an end: closed 1009
text that is not UTF-8: closed 1007
a frame without a mask: closed 1002
LINES
expect "another subprotocol is refused with the word that is missing" grep -q "^another subprotocol: 400 .*sip" "$dir/frames.log"
expect "an old version is told the new one" grep -q "^an old version: 426 .*13" "$dir/frames.log"
expect "each refusal is counted" eval '[ "$(refused WS_SIZE)" = 2 ] && [ "$(refused WS_TEXT)" = 1 ] && [ "$(refused WS_UNMASKED)" = 1 ] && [ "$(refused WS_SUBPROTOCOL)" = 1 ] && [ "$(refused WS_VERSION)" = 1 ]'
stop "$centre"
finish
