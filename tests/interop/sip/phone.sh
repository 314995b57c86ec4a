#!/bin/bash
# `cpm-load phone`, a SIP device over the kernel's UDP: it registers with its password, gets what an ESME sends to its subscriber's number, and reaches
# a message centre; with another password it does not.
. "$(dirname "$0")/../lib.sh"
cat >"$dir/site.yaml" <<'SITE'
accounts:
  - {name: acme, password: secret1}
peers:
  - {name: centre, host: 198.18.0.2, port: 2776, system_id: cpm, password: pw, reconnect: 1}
routes:
  - {to: "+4670", via: [centre]}
  - {to: "+4672", via: [registered]}
subscribers:
  - {address: "+46721234567", sip: "sip:alice@example.org", password: secret2}
SITE
sip=yes appliance cpm-phone 0 "$dir/site.yaml"
phone() { in_peers timeout 20 "$build/cpm-load" phone --connect 198.18.0.1:5060 --user sip:alice@example.org "$@"; }
esme() { in_peers timeout 20 "$build/cpm-load" esme --connect 198.18.0.1:2775 --system-id acme --password secret1 --from +4611111 "$@"; }
start centre "$dir/centre.log" ip netns exec "$netns_name-b" "$build/cpm-load" smsc --listen 198.18.0.2:2776 --record "$dir/centre.records"
centre=$started
wait_for 10 "the message centre is bound" bound centre 1

wrong_password() { ! phone --password wrong --time 5 >"$dir/wrong.log" 2>&1 && ! grep -q "REGISTER 200" "$dir/wrong.log"; }
expect "a phone with another password does not register" wrong_password
nobody() { esme --to +46721234567 --text "too early" --count 1 | grep -q "ESME_RINVDSTADR *1"; }
expect "a message to nobody is refused" nobody

start phone "$dir/phone.log" ip netns exec "$netns_name-b" "$build/cpm-load" phone --connect 198.18.0.1:5060 --user sip:alice@example.org --password secret2 \
	--count 2 --time 30
phone=$started
wait_for 10 "the phone is registered" grep -q "REGISTER 200" "$dir/phone.log"
registered() { [ "$(ctl --json registration list | jq -r '.rows[0][0]')" = sip:alice@example.org ]; }
expect "the registration is listed" registered
explained() { ctl route explain +4611111 +46721234567 | grep -q "registered sip:alice@example.org"; }
expect "the route to it is explained" explained
taken() { esme --to +46721234567 --text "$1" --count 1 | grep -q "ok *1"; }
expect "what is sent to her number is answered positively" taken "Hej Alice"
expect "and a second" taken "Hello again"
came() { wait "$phone" && grep -q "message from sip:+4611111@example.org;user=phone: Hej Alice" "$dir/phone.log" && grep -q "Hello again" "$dir/phone.log"; }
expect "both came to the phone as they were" came

accepted() { phone "$@" >"$dir/sender.log" && grep -q "MESSAGE 202" "$dir/sender.log"; }
expect "the phone's own message is accepted" accepted --password secret2 --to +46701234567 --text "Hello from Alice"
at_centre() { stop "$centre" && grep -q 46721234567 "$dir/centre.records"; }
expect "and came to the message centre from her number" at_centre
removed() { ctl registration remove sip:alice@example.org && [ "$(ctl --json registration list | jq '.rows | length')" = 0 ]; }
expect "an operator removes the registration" removed
finish
