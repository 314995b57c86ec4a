#!/bin/bash
# Prosody and ejabberd, of which nothing is configured: found by DNS, proven by dialback both ways; beside domains that are nowhere, that are
# refused, and whose server comes later.
xmpp=yes xmpp_links=yes
. "$(dirname "$0")/../lib.sh"
. tests/interop/sip/sipp.inc
. tests/interop/xmpp/chat.inc
. tests/interop/port/dns.inc
. tests/interop/xmpp/servers.inc
cat >"$dir/site.yaml" <<'SITE'
accounts:
  - {name: acme, password: secret1}
peers:
  - {name: smsc1, host: 198.18.0.2, port: 2776, password: pw, reconnect: 1}
  - {name: world, protocol: xmpp, link: server, domain: "*", except: [shut.example], inactivity: 20}
subscribers:
  - {address: "+46731234567", xmpp: "xmpp:alice@example.org", password: secret}
SITE
appliance cpm-federation "0, 1" "$dir/site.yaml"
names
dns_start
slixmpp alice alice secret phone
expect "a client of ours is there" says alice "started alice@example.org/phone"

domain_is() { ctl domain list | grep -E "^$1 +$2 "; }
with() { # SERVER ADDRESS
	local domain=$1.example here=$1
	slixmpp "$here" "carol@$domain" secret desk "$2"
	expect "a client of $1 is there" says "$here" "started carol@$domain/desk"
	tell alice send "to-$1" "carol@$domain" 'Smörgås & <漢字> 😀'
	expect "a message of ours reaches a client of $1, which DNS alone knows" says "$here" 'message alice@example.org/phone Smörgås & <漢字> 😀'
	expect "and its receipt comes back, by a stream of theirs" says alice "receipt to-$1"
	tell "$here" send "from-$1" alice@example.org 'Hej & <é> 😀'
	expect "a message of that client reaches ours" says alice "message carol@$domain/desk Hej & <é> 😀"
	expect "and its receipt returns" says "$here" "receipt from-$1"
	tell alice send "no-$1" "nobody@$domain" x
	expect "nobody of that name is there: we hear of it" says alice "error no-$1 service-unavailable"
	tell alice pings "carol@$domain/desk"
	expect "a request to their client is answered" says alice "pong carol@$domain/desk"
	expect "the domain is seen to be up" domain_is "$domain" up
}

centre_begin
tell alice send none carol@none.example x
expect "a domain that DNS does not know is said not to be there" says alice "error none remote-server-not-found"
tell alice send shut carol@shut.example x
expect "and so is one that is refused" says alice "error shut remote-server-not-found"
printf 'closed.example A 60 198.18.0.3\n_xmpp-server._tcp.closed.example SRV 60 0 0 0 .\n' >>"$dir/zone"
tell alice send closed carol@closed.example x
expect "and one whose SRV says that it has no such service" says alice "error closed remote-server-not-found"
name prosody.example 198.18.0.3
tell alice send early carol@prosody.example x
expect "a domain whose server is not there is said to be late" says alice "error early remote-server-timeout"
expect "and is left alone" domain_is prosody.example failed
prosody prosody.example 198.18.0.3
expect "an operator has it tried again" ctl domain retry prosody.example
with prosody 198.18.0.3
ejabberd ejabberd.example 198.18.0.4
with ejabberd 198.18.0.4
expect "a stream that is idle is closed" wait_for 40 "the end" domain_is prosody.example idle
tell alice send again carol@prosody.example 'once more'
expect "and opened again" says prosody 'message alice@example.org/phone once more'
finish
