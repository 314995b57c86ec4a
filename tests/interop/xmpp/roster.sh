#!/bin/bash
# Rosters, subscriptions and block lists of slixmpp clients on two workers, kept by control: who may see whom, what waits for who is not there, what is
# refused to whom, a crash of control, and what an operator sees and takes away.
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
  - {to: "+4673", via: [registered]}
subscribers:
  - {address: "+46731234567", xmpp: "xmpp:alice@example.org", password: secret}
  - {address: "+46732222222", xmpp: "xmpp:bob@example.org", password: secret}
  - {address: "+46733333333", xmpp: "xmpp:carol@example.org", password: secret}
SITE
appliance cpm-roster "0, 1" "$dir/site.yaml"
alice="alice@example.org/desk" bob="bob@example.org/phone"
slixmpp alice alice secret desk
slixmpp bob bob secret phone
slixmpp second alice secret sofa
expect "three clients of two users are there" eval 'says alice "started $alice" && says bob "started $bob" && says second "started alice@example.org/sofa"'
tell alice roster
expect "a roster begins empty" eval 'says alice roster && ! grep -q ^item "$dir/alice.said"'
tell second roster
expect "and both ask for theirs" says second roster

tell alice item bob@example.org Bob Friends
expect "a contact is added" says alice "item bob@example.org none Bob Friends"
expect "which the other client of the user is told" says second "item bob@example.org none Bob Friends"
tell alice presence subscribe bob@example.org
expect "asked to be seen, the contact is told who asks" says bob "presence alice@example.org subscribe"
expect "and the roster says that it was asked" says second "item bob@example.org none subscribe Bob Friends"
tell bob presence subscribed alice@example.org
expect "its consent arrives" says alice "presence bob@example.org subscribed"
expect "the roster says so" says second "item bob@example.org to Bob Friends"
expect "and its presence is seen" says alice "presence $bob available"
tell bob show away "i skogen"
expect "also what it becomes" says alice "presence $bob away i skogen"
expect "by both clients" says second "presence $bob away i skogen"
tell bob quit
expect "and that it is gone" says second "presence $bob unavailable"

slixmpp carol carol secret laptop
expect "a third user is there" says carol "started carol@example.org/laptop"
tell carol presence subscribe bob@example.org
listed() { ctl --json roster list "$1" | jq -r ".rows[][0]" | grep -qx "$2"; }
expect "who asks somebody who is not there waits with control" wait_for 5 "request" listed +46732222222 carol@example.org
expect "an operator sees the roster of a subscriber" listed +46731234567 "bob@example.org"
kill -KILL "$control_pid"
tell alice roster
expect "after a crash of control a roster is refused for now" says alice "failed roster resource-constraint"
tell carol send c1 alice@example.org/desk "control is down"
expect "and messages go on" says alice "message carol@example.org/laptop control is down"
control_start
slixmpp again bob secret phone
expect "with control back, the one who was asked comes" says again "started $bob"
expect "and is told who asked meanwhile" says again "presence carol@example.org subscribe"
expect "who sees it, sees it come" wait_for 10 "second presence" eval '[ "$(grep -c "^presence $bob available$" "$dir/alice.said")" -ge 2 ]'
tell again presence unsubscribed carol@example.org
expect "a refusal arrives" says carol "presence bob@example.org unsubscribed"

tell alice block carol@example.org
expect "somebody is blocked" says alice "blocks carol@example.org"
tell carol send c2 alice@example.org/desk "am I blocked?"
expect "and is told that nobody is there" says carol "error c2 service-unavailable"
tell alice send a2 carol@example.org "are you?"
expect "who blocks cannot write, either" says alice "error a2 not-acceptable"
tell alice blocked
expect "the list has it" says alice "blocked carol@example.org"
blocks() { ctl --json block list "$1" | jq -r '.rows[][0]' | grep -qx "$2"; }
expect "which an operator sees, too" blocks +46731234567 carol@example.org
tell alice block +4611111@example.org
expect "a number is blocked" says alice "blocks +4611111@example.org"
not_taken() { submit 1 +46731234567 --text 'Hello {n}' | grep -q "ESME_" && ! grep -q "^message +4611111" "$dir/alice.said" "$dir/second.said"; }
expect "and its short message reaches nobody" not_taken
tell alice unblock carol@example.org
expect "it is unblocked" says alice "unblocks carol@example.org"
tell carol send c3 alice@example.org/desk "and now?"
expect "and is heard again" says alice "message carol@example.org/laptop and now?"

tell alice drop bob@example.org
expect "a contact is removed" says second "item bob@example.org remove"
expect "and is told that it is not looked at any more" says again "presence alice@example.org unsubscribe"
ctl subscriber remove +46731234567 >/dev/null
expect "a subscriber is erased: its streams end" says alice disconnected
erased() { ! ctl roster list +46731234567 2>/dev/null | grep -q bob && ! listed +46732222222 alice; }
expect "and nobody's roster names it" erased
finish
