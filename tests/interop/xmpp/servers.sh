#!/bin/bash
# Prosody and ejabberd as other servers, by dialback, and as the servers of which we are a component: chat clients of theirs and of ours, and numbers.
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
  - {name: prosody, protocol: xmpp, link: server, domain: prosody.example, host: prosody.example, reconnect: 1}
  - {name: ejabberd, protocol: xmpp, link: server, domain: ejabberd.example, host: 198.18.0.4, reconnect: 1}
  - {name: rooms, protocol: xmpp, link: server, domain: conference.prosody.example, host: 198.18.0.3, reconnect: 1}
  - {name: in-prosody, protocol: xmpp, link: component, domain: sms.prosody.example, password: pw, host: 198.18.0.3, reconnect: 1}
  - {name: in-ejabberd, protocol: xmpp, link: component, domain: sms.ejabberd.example, password: pw, host: 198.18.0.4, reconnect: 1}
routes:
  - {to: "+4670", via: [smsc1]}
  - {to: "+4673", via: [registered]}
  - {to: "xmpp:*@prosody.example", via: [prosody]}
  - {to: "xmpp:*@conference.prosody.example", via: [rooms]}
  - {to: "xmpp:*@ejabberd.example", via: [ejabberd]}
  - {to: "=xmpp:dora@prosody.example", via: [in-prosody]}
  - {to: "=xmpp:dora@ejabberd.example", via: [in-ejabberd]}
rules:
  - {name: chat-sender, when: {from: '^xmpp:', to: '^\+4670'}, then: {rewrite_from: CHAT}}
subscribers:
  - {address: "+46731234567", xmpp: "xmpp:alice@example.org", password: secret}
SITE
appliance cpm-servers "0, 1" "$dir/site.yaml"
names
dns_start
prosody prosody.example 198.18.0.3
ejabberd ejabberd.example 198.18.0.4
slixmpp alice alice secret phone
expect "a client of ours is there" says alice "started alice@example.org/phone"

with() { # SERVER ADDRESS
	local domain=$1.example here=$1
	expect "a stream of ours to $1 is up, our domain proven" wait_for 30 "the link" bound "$1" 1
	expect "and we are a component of it" wait_for 30 "the link" bound "in-$1" 1
	slixmpp "$here" "carol@$domain" secret desk "$2"
	expect "a client of $1 is there" says "$here" "started carol@$domain/desk"
	tell alice send "to-$1" "carol@$domain" 'Smörgås & <漢字> 😀'
	expect "a message of ours reaches a client of $1" says "$here" 'message alice@example.org/phone Smörgås & <漢字> 😀'
	expect "and its receipt comes back" says alice "receipt to-$1"
	tell "$here" send "from-$1" alice@example.org 'Hej & <é> 😀'
	expect "a message of that client reaches ours, its domain proven" says alice "message carol@$domain/desk Hej & <é> 😀"
	expect "and its receipt returns" says "$here" "receipt from-$1"
	tell alice send "no-$1" "nobody@$domain" x
	expect "nobody of that name is there: we hear of it" says alice "error no-$1 service-unavailable"
	tell "$here" send "none-$1" nobody@example.org x
	expect "and so do they of us" says "$here" "error none-$1 service-unavailable"
	tell "$here" pings alice@example.org/phone
	expect "a request to a client of ours is answered by it" says "$here" "pong alice@example.org/phone"
	tell alice pings "carol@$domain/desk"
	expect "and one to theirs" says alice "pong carol@$domain/desk"
	tell "$here" pings example.org
	expect "and one to us, over another stream" says "$here" "pong example.org"
	delivered=$(metric messages_delivered)
	tell "$here" send "sms-$1" "+46701234567@sms.$domain" "$1 to a phone"
	expect "a user of $1 writes to a number by our component" wait_for 10 "delivery" eval '[ "$(metric messages_delivered)" -gt "$delivered" ]'
	tell "$here" send "wrong-$1" "+4999@sms.$domain" "nowhere"
	expect "what has no route comes back from there" says "$here" "error wrong-$1 remote-server-not-found"
	tell "$here" send "gate-$1" 'alice\40example.org'"@sms.$domain" "by the gateway"
	expect "and one to a client of ours, whose address is escaped" says alice "message carol@$domain/desk by the gateway"
	slixmpp "dora-$1" "dora@$domain" secret desk "$2"
	expect "another client is there" says "dora-$1" "started dora@$domain/desk"
	tell alice send "comp-$1" "dora@$domain" "as a component"
	expect "what is routed to the component comes from its domain" says "dora-$1" "message +46731234567@sms.$domain as a component"
	expect "and its receipt comes back there" says alice "receipt comp-$1"
}

# Whoever asks is seen, and sees; what is said of it before a restart of the server holds after it.
count() { grep -cxF -- "$2" "$dir/$1.said"; }
again() { [ "$(count "$1" "$2")" -ge "$3" ]; } # NAME LINE TIMES
friends() { # SERVER ADDRESS
	local domain=$1.example here="friend-$1" carol="carol@$1.example"
	slixmpp "$here" "$carol" secret sofa "$2"
	expect "a client of $1 is there once more" says "$here" "started $carol/sofa"
	tell alice roster
	tell "$here" roster
	expect "both ask for their rosters" eval 'says alice roster && says "$here" roster'
	tell alice show away "near $1"
	tell alice presence subscribe "$carol"
	expect "asked to be seen by ours, a user of $1 is told who asks" says "$here" "presence alice@example.org subscribe"
	expect "and our roster says that it was asked" says alice "item $carol none subscribe"
	tell "$here" presence subscribed alice@example.org
	expect "the consent arrives" says alice "presence $carol subscribed"
	expect "our roster says so" says alice "item $carol to"
	expect "and who is there is seen" says alice "presence $carol/sofa available"
	tell "$here" presence subscribe alice@example.org
	expect "the other way round ours is asked" says alice "presence $carol subscribe"
	tell alice presence subscribed "$carol"
	expect "its consent arrives" says "$here" "presence alice@example.org subscribed"
	expect "both rosters say so" eval 'says "$here" "item alice@example.org both" && says alice "item $carol both"'
	expect "and ours is seen" says "$here" "presence alice@example.org/phone away near $1"
	tell "$here" show away "by $1"
	expect "what theirs becomes is seen" says alice "presence $carol/sofa away by $1"
	tell alice show away "for $1"
	expect "and what ours becomes" says "$here" "presence alice@example.org/phone away for $1"
	tell "$here" quit
	expect "and that theirs goes" says alice "presence $carol/sofa unavailable"
	slixmpp "$here-2" "$carol" secret car "$2"
	expect "it comes back, and is seen" says alice "presence $carol/car available"
	expect "and sees, for its server asks (probe)" says "$here-2" "presence alice@example.org/phone away for $1"
}
restarted() { # SERVER ADDRESS
	local domain=$1.example here="late-$1" carol="carol@$1.example"
	tell "friend-$1-2" quit
	expect "who goes before $1 stops is seen to go" says alice "presence $carol/car unavailable"
	stop "${server[$1]}"
	if [ "$1" = prosody ]; then prosody_start "$2"; else ejabberd_start "$domain" "$2"; fi
	expect "it is back, and linked" wait_for 30 "the link" bound "$1" 1
	slixmpp "$here" "$carol" secret boat "$2"
	expect "who comes then is seen" says alice "presence $carol/boat available"
	expect "and sees" says "$here" "presence alice@example.org/phone away for ejabberd"
	tell "$here" roster
	expect "its roster is what it was" says "$here" "item alice@example.org both"
	tell "$here" presence unsubscribe alice@example.org
	expect "it does not want to see any more: ours is told" says alice "presence $carol unsubscribe"
	expect "and is not seen" says "$here" "presence alice@example.org/phone unavailable"
	expect "our roster says so" wait_for 10 "the item" again alice "item $carol to" 2
	tell alice presence unsubscribe "$carol"
	expect "ours, neither: theirs is told" says "$here" "presence alice@example.org unsubscribe"
	[ "$1" = prosody ] || # which does not say so (RFC 6121, 3.3.3)
		expect "and is not seen" says alice "presence $carol/boat unavailable"
	expect "and nothing is left" says alice "item $carol none"
	tell "$here" show away "unseen"
	tell alice pings example.org
	expect "what it becomes is its own" eval 'says alice "pong example.org" && ! said alice "presence $carol/boat away unseen"'
}
of_party() { ctl --json session list | jq -r --arg p "$1" '. as $t | .rows[] | select(.[$t.columns | index("party")] == $p) | .[$t.columns | index("link")]' | sort -u; }
centre_begin
with prosody 198.18.0.3
expect "where the server is DNS said (SRV)" eval 'ctl peer list | grep "^prosody .* server .*prosody.example" | grep -q "198.18.0.3:5269"'
room=talk@conference.prosody.example
expect "a stream of ours to the rooms of Prosody is up" wait_for 30 "the link" bound rooms 1
tell alice what conference.prosody.example
expect "a client of ours asks what they are" says alice "what conference.prosody.example conference/text"
tell prosody join "$room/caz"
expect "a client of Prosody is in a room" says prosody "presence $room/caz available"
tell alice what "$room"
expect "which a client of ours asks about" says alice "what $room conference/text"
tell alice join "$room/al"
expect "and enters" says alice "presence $room/al available"
expect "who is there sees it" says prosody "presence $room/al available"
tell alice speak "$room" 'Smörgås an alle'
expect "what it says is heard there" says prosody "room $room/al Smörgås an alle"
expect "and by itself, from the room" says alice "room $room/al Smörgås an alle"
tell prosody speak "$room" 'Hej <alla> & 😀'
expect "and what is answered is heard here" says alice "room $room/caz Hej <alla> & 😀"
with ejabberd 198.18.0.4
expect "an operator sees whom streams are with" test "$(of_party prosody.example) $(of_party ejabberd) $(of_party in-prosody) $(of_party alice@example.org/phone)" = "server server component client"
friends prosody 198.18.0.3
friends ejabberd 198.18.0.4
restarted prosody 198.18.0.3
restarted ejabberd 198.18.0.4
finish
