#!/bin/bash
# SIPp as the S-CSCF of an IMS core that uses the appliance as its gateway: third-party REGISTER, the reg event package, messages to its users.
sip=yes
. "$(dirname "$0")/../lib.sh"
. tests/interop/sip/sipp.inc
cat >"$dir/site.yaml" <<'SITE'
accounts:
  - {name: acme, password: secret1, window: 1000}
peers:
  - {name: scscf, protocol: sip, host: 198.18.0.3, transport: udp, trusted: true, reg_event: true, window: 200, reconnect: 1}
routes:
  - {to: "+4673", via: [registered]}
SITE
appliance cpm-sipp-ims "0, 1" "$dir/site.yaml"
start scscf "$dir/scscf.log" ip netns exec "$netns_name-b" sipp -sf $scenarios/scscf.xml -i 198.18.0.3 -bind_local -p 5060 -t u1 -nostdin \
	-trace_logs -log_file "$dir/scscf.texts" -trace_err -error_file "$dir/scscf.errors"
answering=$started
expect "the S-CSCF answers OPTIONS: the link is up" wait_for 15 "up" bound scscf 1

{ echo SEQUENTIAL; seq -f '+46731000%02.0f;' 0 99; } >"$dir/users.csv"
registers() { sipp third_party.xml "$1" u1 -p 5070 -inf "$dir/users.csv" -key expires "$2" -m 100 -r 200; }
all_told() { [ "$(metric sip_watches_told)" = 100 ]; }
expect "a stranger registers nobody" eval '! registers 198.18.0.9 600 && registered 0'
expect "the S-CSCF registers 100 users, whom nobody has provisioned" eval 'registers 198.18.0.3 600000 && registered 100'
expect "it is asked about each, and what it tells is taken" wait_for 10 "100 NOTIFYs" all_told
expect "a user is explained" eval "ctl route explain +4611111 +4673100042 hello | grep -q 'by its peer at <sip:198.18.0.3:5060;lr>'"
expect "its registration says what its device takes" eval "ctl --json registration show +4673100042 | jq -e '.rows[0][-1] == \"cpm\"' >/dev/null"

: >"$dir/scscf.texts"
expect "1,000 messages go to these users" submit 1000 '+46731000##'
way='^MESSAGE sip:+46731000[0-9][0-9]@home.example <sip:198.18.0.3:5060;lr> oma.cpm.msg '
expect "each by way of the S-CSCF, to the user, as a message of CPM" test "$(grep -c "$way" "$dir/scscf.texts")" = 1000
expect "the S-CSCF is asked no more when it registers them again" eval 'registers 198.18.0.3 600000 && [ "$(metric sip_watches_asked)" = 100 ]'
expect "it ends the registrations" eval 'registers 198.18.0.3 0 && registered 0'
expect "and nothing is watched" wait_for 15 "no watch" eval '[ "$(metric sip_watches_open)" = 0 ]'
finish
