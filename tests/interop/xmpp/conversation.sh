#!/bin/bash
# One text goes round: from a chat client by SMPP to a handset, from there to a SIP device, and from there to the chat client. At each step the one who
# sent it is told, in the form of its own protocol, that it was delivered: XEP-0184, a receipt of SMPP, an IMDN.
sip=yes xmpp=yes sip_authentication=digest-md5
. "$(dirname "$0")/../lib.sh"
. tests/interop/xmpp/chat.inc
cat >"$dir/site.yaml" <<'SITE'
accounts:
  - {name: acme, password: secret1, sender: ["+46701234567"]}
peers:
  - {name: smsc1, host: 198.18.0.2, port: 2776, password: pw, connections: 1, reconnect: 1}
routes:
  - {to: "+4670", via: [smsc1]}
  - {to: "+4673", via: [registered]}
subscribers:
  - {address: "+46731234567", xmpp: "xmpp:alice@example.org", password: secret}
  - {address: "+46732222222", sip: "sip:carol@example.org", password: secret}
SITE
appliance cpm-talk "0, 1" "$dir/site.yaml"
expect "npm's smpp and sip are installed" test -f tests/interop/node_modules/smpp/package.json -a -f tests/interop/node_modules/sip/package.json
start handset "$dir/handset.said" ip netns exec "$netns_name-b" node tests/interop/xmpp/handset.js 46732222222
start device "$dir/device.said" ip netns exec "$netns_name-b" node tests/interop/xmpp/device.js sip:alice@example.org
slixmpp alice alice secret desk
comes() { wait_for 10 "$1: $2" grep -qx -- "$2" "$dir/$1.said"; }
expect "a chat client is there" says alice "started alice@example.org/desk"
expect "a SIP device is there" comes device "registered 200"
expect "a handset is there" comes handset "ok: the centre and the ESME are bound"

text="Smörgås to go round"
tell alice send a1 +46701234567@example.org "$text"
expect "the text comes to the handset, from the number of who sent it" comes handset "text from 46731234567: $text"
expect "the chat client is told that it was delivered" says alice "receipt a1"
expect "the text comes to the SIP device" comes device "text from sip:+46701234567@example.org[^ ]* $text"
expect "which notifies" comes device "notification 20[02]"
expect "and the handset is told that it was delivered" comes handset "receipt of that: 2"
expect "the device sends it on, and it is accepted" comes device "sent 20[02]"
expect "the text comes to the chat client" says alice "message +46732222222@example.org $text"
expect "and the device is told that it was delivered" comes device "notified of c1 delivered"
finish
