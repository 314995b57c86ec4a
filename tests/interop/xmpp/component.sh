#!/bin/bash
# slixmpp as a component of ours (XEP-0114): it logs in by an account, and writes with a chat client, a message centre and an ESME.
xmpp=yes xmpp_links=yes
. "$(dirname "$0")/../lib.sh"
. tests/interop/sip/sipp.inc
. tests/interop/xmpp/chat.inc
cat >"$dir/site.yaml" <<'SITE'
accounts:
  - {name: acme, password: secret1}
  - {name: bot, protocol: xmpp, domain: bot.example.org, password: Gr€ta}
peers:
  - {name: smsc1, host: 198.18.0.2, port: 2776, password: pw, reconnect: 1}
routes:
  - {to: "+4670", via: [smsc1]}
  - {to: "+4673", via: [registered]}
  - {to: "=72555", via: [bot]}
  - {to: "xmpp:*@bot.example.org", via: [bot]}
rules:
  - {name: bot-number, when: {from: '^xmpp:news@bot', to: '^\+4670'}, then: {rewrite_from: "72555"}}
subscribers:
  - {address: "+46731234567", xmpp: "xmpp:alice@example.org", password: secret}
SITE
appliance cpm-component "0, 1" "$dir/site.yaml"
component() { chat "$1" /usr/bin/python3 tests/interop/xmpp/component.py bot.example.org "$2" 198.18.0.1; }
centre_begin
component mallory wrong
expect "a component with another password is not let in" says mallory "stream-error not-authorized"
tell mallory quit
stop "$started"
component bot 'Gr€ta'
expect "one with the right one is, as its domain" says bot "started bot.example.org"
expect "and is shown as a session of its account" bound bot 1
slixmpp alice alice secret phone
expect "a client is there" says alice "started alice@example.org/phone"
tell alice send m1 news@bot.example.org 'Smörgås & <漢字> 😀'
expect "its message reaches the component" says bot 'message alice@example.org/phone news@bot.example.org Smörgås & <漢字> 😀'
expect "and the receipt comes back" says alice "receipt m1"
tell bot send n1 news@bot.example.org alice@example.org 'Några <nyheter> & 😀'
expect "the component's message reaches the client" says alice 'message news@bot.example.org Några <nyheter> & 😀'
expect "and the receipt comes back" says bot "receipt n1"
expect "an ESME writes to the component's number" submit 1 72555 --coding latin1 --text 'Hej {n}'
expect "which hears of it at its domain" wait_for 10 "the text" grep -q '^message +4611111@example.org 72555@bot.example.org Hej' "$dir/bot.said"
delivered=$(metric messages_delivered)
tell bot send n2 news@bot.example.org +46701234567@example.org 'to a phone'
expect "it writes to a number by its own" wait_for 10 "delivery" eval '[ "$(metric messages_delivered)" -gt "$delivered" ]'
tell bot send n3 news@bot.example.org nobody@example.org x
expect "whom nobody knows it hears of" says bot "error n3 service-unavailable"
tell bot send n4 alice@example.org alice@example.org 'in another name'
expect "in another's name it sends nothing" says bot "stream-error invalid-from"
expect "and its stream ends" says bot disconnected
finish
