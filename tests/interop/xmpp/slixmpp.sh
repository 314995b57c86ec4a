#!/bin/bash
# slixmpp as two chat clients: SCRAM, a message with its receipt from one to the other and to a message centre, what an ESME sends to a number, typing,
# ping, disco, acknowledgements, and a second stream of the same resource.
xmpp=yes
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
  - {address: "+46732222222", xmpp: "xmpp:bob@example.org", password: Gr€ta}
SITE
appliance cpm-slixmpp "0, 1" "$dir/site.yaml"

slixmpp mallory alice wrong phone
expect "a wrong password is refused" says mallory refused
slixmpp alice alice secret phone
slixmpp bob bob 'Gr€ta' desk
expect "the right one lets in, by SCRAM" says alice "started alice@example.org/phone"
expect "and one that is not of ASCII" says bob "started bob@example.org/desk"
expect "the client counts what is acknowledged" says alice acknowledges
tell alice send m1 bob@example.org 'Smörgås & <漢字> 😀'
expect "a message arrives as it was" says bob 'message alice@example.org/phone Smörgås & <漢字> 😀'
expect "and its receipt comes back" says alice "receipt m1"
tell bob typing alice@example.org
expect "who writes is seen" says alice "state composing"
tell alice ping
expect "a ping is answered" says alice pong
tell alice disco
expect "and what we are" says alice "disco gateway/sms server/im"
expect "an ESME sends to a number" submit 1 +46731234567 --coding latin1 --text 'Smörgås {n}' --markers
text() { sed -n 's/^message +4611111@example.org \(CPM[0-9a-f]\{20\} Smörgås.*\)/\1/p' "$dir/alice.said"; }
expect "which is the client's" wait_for 10 "text" eval '[ -n "$(text)" ]'
centre_begin
printf '1;%s\n' "$(text)" >"$dir/texts.csv"
delivered=$(metric messages_delivered)
tell alice send m2 +46701234567@example.org "$(text)"
expect "a client's text is delivered to the message centre" wait_for 10 "delivery" eval '[ "$(metric messages_delivered)" -gt "$delivered" ]'
expect "unchanged" centre_has_all "$dir/texts.csv"
expect "from its number" grep -q "^R [0-9a-f]* [0-9]* 46701234567 46731234567 " "$dir/received"
tell bob send m3 +4999@example.org nowhere
expect "what has no route comes back" says bob "error m3 remote-server-not-found"
slixmpp again alice secret phone
expect "a second stream of a resource is let in" says again "started alice@example.org/phone"
expect "and the first ends" says alice disconnected
tell bob send m4 alice@example.org/phone "still there?"
expect "messages come to the second" says again "message bob@example.org/desk still there?"
finish
