#!/bin/bash
# Copies for a second client of an account (XEP-0280); then slixmpp whose connection is reset, or left alone, goes on where it was (XEP-0198): what is sent to
# it meanwhile comes once, and its sender gets each receipt.
xmpp=yes
. "$(dirname "$0")/../lib.sh"
. tests/interop/sip/sipp.inc
. tests/interop/xmpp/chat.inc
cat >"$dir/site.yaml" <<'SITE'
accounts:
  - {name: acme, password: secret1}
routes:
  - {to: "+4673", via: [registered]}
subscribers:
  - {address: "+46731234567", xmpp: "xmpp:alice@example.org", password: secret}
  - {address: "+46732222222", xmpp: "xmpp:bob@example.org", password: secret}
SITE
appliance cpm-resume "0, 1" "$dir/site.yaml"

slixmpp alice alice secret phone
slixmpp bob bob secret desk
expect "a client acknowledges" says alice acknowledges
expect "and another" says bob "started bob@example.org/desk"
slixmpp tablet alice secret tablet
expect "a second client of the account" says tablet "started alice@example.org/tablet"
tell tablet copies
expect "asks for copies" says tablet copies
tell bob send c1 alice@example.org/phone 'only to the phone'
expect "what the first gets" says alice "message bob@example.org/desk only to the phone"
expect "the second sees" says tablet "copy got bob@example.org/desk alice@example.org/phone only to the phone"
tell alice send c2 bob@example.org 'from the phone'
expect "what the first sends, too" says tablet "copy sent alice@example.org/phone bob@example.org from the phone"
expect "and its receipt is the first's" says alice "receipt c2"
tell alice copies
expect "the first asks for copies, too" says alice copies
expect "an ESME sends to the number" submit 1 +46731234567 --coding latin1 --text 'to all {n}'
copied() { cat "$dir/alice.said" "$dir/tablet.said" | grep -c "to all"; }
expect "and both see it" wait_for 10 "copy" eval '[ "$(copied)" = 2 ]'
tell tablet quit
expect "the second client leaves" says tablet disconnected

sent=0
sends() { # COUNT: by bob, numbered
	for _ in $(seq "$1"); do
		tell bob send "m$sent" alice@example.org "number $sent"
		sent=$((sent + 1))
	done
}
texts() { sed -n 's/^message bob@example.org.desk number //p' "$dir/alice.said"; }
all_came() { [ "$(texts | wc -l)" -ge "$sent" ] && [ "$(sed -n 's/^receipt m//p' "$dir/bob.said" | wc -l)" -ge "$sent" ]; }
once() { [ "$(texts | sort -n)" = "$(seq 0 $((sent - 1)))" ] && [ "$(sed -n 's/^receipt m//p' "$dir/bob.said" | sort -n)" = "$(seq 0 $((sent - 1)))" ]; }
resumed() { [ "$(metric xmpp_resumed)" = "$1" ]; }
detached() { [ "$(ctl --json session list | jq '. as $t | [.rows[] | select(.[$t.columns | index("state")] == "detached")] | length')" = 1 ]; }
for round in 1 2 3 4; do
	sends 20
	tell alice cut
	sends 20
	expect "round $round: a session has lost its connection" wait_for 5 "session" detached
	tell alice again
	expect "and the client goes on" wait_for 10 "resumption" resumed "$round"
	sends 10
	expect "and all that was sent comes, and its receipts" wait_for 15 "texts" all_came
	expect "once" once
done
expect "in order where no connection was cut" eval '[ "$(texts | tail -5)" = "$(seq $((sent - 5)) $((sent - 1)))" ]'
tell alice lose
sends 10
tell alice again
expect "the client goes on while its last stream is still open here" wait_for 10 "resumption" resumed 5
expect "and all that was sent comes, and its receipts" wait_for 15 "texts" all_came
expect "once" once
expect "nobody is told of a failure" eval '! grep -q "^error" "$dir/bob.said"'
finish
