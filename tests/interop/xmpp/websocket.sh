#!/bin/bash
# XMPP over WebSocket (RFC 7395): npm @xmpp/client, which speaks it as browsers do, logs in by SCRAM, exchanges messages with slixmpp, which is on a stream of
# TCP, and gets those of an ESME; it leaves by <close/>.
xmpp=yes chat_ws_port=5280
. "$(dirname "$0")/../lib.sh"
. tests/interop/sip/sipp.inc
. tests/interop/xmpp/chat.inc
cat >"$dir/site.yaml" <<'SITE'
accounts:
  - {name: acme, password: secret1}
peers:
  - {name: smsc1, host: 198.18.0.2, port: 2776, password: pw, reconnect: 1}
routes:
  - {to: "+4670", via: [smsc1]}
  - {to: "+4673", via: [registered]}
subscribers:
  - {address: "+46731234567", xmpp: "xmpp:alice@example.org", password: secret}
  - {address: "+46732222222", xmpp: "xmpp:bob@example.org", password: secret}
SITE
appliance cpm-chat-websocket "0, 1" "$dir/site.yaml"
slixmpp alice alice secret desk
expect "slixmpp is there" says alice "started alice@example.org/desk"
service=ws://198.18.0.1:5280/xmpp
chat mallory node tests/interop/xmpp/client.js bob wrong web $service
expect "npm @xmpp/client is told of a wrong password" says mallory "refused not-authorized"
chat bob node tests/interop/xmpp/client.js bob secret web $service
expect "it logs in over WebSocket" says bob "started bob@example.org/web"
on_ws() { ctl --json session list | jq -r '. as $t | .rows[] | select(.[$t.columns | index("transport")] == "ws") | .[$t.columns | index("party")]' | grep -qF "$1"; }
expect "its session is listed as one of WebSocket" on_ws bob@example.org
tell bob send bob-1 alice@example.org "Hej alice & <bob> 😀"
expect "its message arrives" says alice "message bob@example.org/web Hej alice & <bob> 😀"
expect "and the receipt comes back" says bob "receipt bob-1"
tell alice send a-bob bob@example.org "Hej bob"
expect "it gets a message" says bob "message alice@example.org/desk Hej bob"
expect "and sends its receipt" says alice "receipt a-bob"
tell bob send bob-2 +4999@example.org nowhere
expect "what has no route comes back as an error" says bob "error bob-2 remote-server-not-found"
expect "an ESME sends 100 messages to its number" submit 100 +46732222222 --coding ucs2 --text 'Smörgås 漢字 {n}' --markers
expect "all of them come" wait_for 10 "a hundred" eval '[ "$(grep -c "^message +4611111@example.org CPM[0-9a-f]* Smörgås 漢字" "$dir/bob.said")" = 100 ]'
centre_begin
before=$(metric messages_delivered)
tell bob send bob-3 +46701234567@example.org "Hej då"
delivered() { [ "$(metric messages_delivered)" -gt "$before" ]; }
expect "it writes to a number of the message centre" wait_for 10 "the answer" delivered
came() { stop "$centre" && grep -q 46732222222 "$dir/received"; }
expect "which gets it from its own" came
tell bob quit
left() { ! on_ws bob@example.org; }
expect "it leaves" wait_for 10 "no session" left
finish
