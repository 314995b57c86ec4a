#!/bin/bash
# What bites, over the wire: rates, windows, full queues, senders, destinations, rules, weights, fail-over, and changes of an account while it is bound.
# What reached an SMSC is read from the SMSCs' own records, when they have ended.
. "$(dirname "$0")/../lib.sh"
cat >"$dir/site.yaml" <<'SITE'
accounts:
  - {name: acme, password: secret1, window: 1000}
  - {name: rated, password: secret1, window: 1000, rate: 500}
  - {name: narrow, password: secret1, window: 5}
  - {name: named, password: secret1, window: 1000, sender: ["+4611", "=ACME"]}
  - {name: gone, password: secret1, window: 10}
peers:
  - {name: smsc1, host: 198.18.0.2, port: 2776, password: pw, window: 500, reconnect: 1}
  - {name: smsc2, host: 198.18.0.3, port: 2776, password: pw, window: 500, reconnect: 1}
  - {name: small, host: 198.18.0.4, port: 2776, password: pw, window: 1, queue: 10, reconnect: 1}
  - {name: slow, host: 198.18.0.4, port: 2776, password: pw, window: 100, reconnect: 1}
routes:
  - {to: "+4670", via: [smsc1]}
  - {to: "+4671", via: {smsc1: 30, smsc2: 70}}
  - {to: "+4672", via: [smsc1, smsc2]}
  - {to: "+4673", via: [small]}
  - {to: "+4674", via: [slow]}
  - {to: "+4675", via: [smsc2]}
rules:
  - {name: spam-url, when: {text: 'bit\.ly/[a-z0-9]+'}, then: {reject: spam}}
  - {name: silence, when: {text: 'throw me away'}, then: {drop: true}}
  - {name: few, when: {to: '^\+46709'}, then: {limit: 200/s}}
  - {name: elsewhere, when: {text: 'to another number'}, then: {rewrite_to: "+46750000001"}}
  - {name: named, when: {text: 'in another name'}, then: {rewrite_from: "ACME"}}
  - {name: other-way, when: {text: 'by another way'}, then: {route: smsc2}}
SITE
appliance cpm-limits 0 "$dir/site.yaml"

smsc() { # NUMBER RECORD OPTIONS...
	local number=$1 record=$2
	shift 2
	start "$record" "$dir/$record.log" ip netns exec "$netns_name-b" "$build/cpm-load" smsc --listen "198.18.0.$((number + 1)):2776" \
		--record "$dir/$record" "$@"
	smsc[number]=$started
}
send() { # ACCOUNT RUN OPTIONS... : the totals are in $dir/totals
	local account=$1 run=$2
	shift 2
	in_peers timeout 30 "$build/cpm-load" esme --connect 198.18.0.1:2775 --system-id "$account" --password secret1 --from +4611111 --window 100 \
		--run "$run" --record "$dir/sent$run" --json "$@" >"$dir/esme.log" 2>&1 || return
	tail -1 "$dir/esme.log" >"$dir/totals"
	cat "$dir/totals"
}
total() { jq -r "$1 // 0" "$dir/totals"; }
refused() { ctl --json metric refused | jq -r --arg n "refused{reason=\"${1^^}\"}" '[.rows[] | select(.[0] == $n) | .[1] | tonumber] | add // 0'; }
all_ok() { test "$(total .ok)" = "$1" -a "$(total .failed)" = 0 -a "$(total .unanswered)" = 0; }
all_get() { test "$(total .ok)" = 0 -a "$(total ".statuses.$1")" = "$2"; }          # STATUS COUNT
near() { awk -v a="$1" -v b="$2" -v percent="$3" 'BEGIN { exit !(a >= b * (1 - percent / 100) && a <= b * (1 + percent / 100)) }'; }
moved() { # REASON BEFORE AT-LEAST
	test "$(($(refused "$1") - $2))" -ge "$3"
}
arrived() { # RUN RECORD... : so many of this run
	local run=$1
	shift
	(cd "$dir" && cat "$@") | grep -c "^R $(printf %04x "$run")" || true
}
sessions_of() { ctl --json session list account "$1" | jq -r '. as $t | .rows[] | select(.[$t.columns | index("state")] == "bound") | .[$t.columns | index("id")]'; }

smsc 1 received1
smsc 2 received2
smsc 3 received3 --fault slow:300ms
expect "the links are bound" wait_for 15 "bound" eval "bound smsc1 1 && bound smsc2 1 && bound small 1 && bound slow 1"

before=$(refused rate)
expect "an account of 500 a second sends 1,000 a second for four seconds" send rated 1 --to '+46701######' --rate 1000 --count 4000
expect "the delivered rate is 500 within 5 %" near "$(total '.ok / .seconds')" 500 5
expect "all beyond it gets ESME_RTHROTTLED, and is counted" test "$(total .statuses.ESME_RTHROTTLED)" = "$(total .failed)" -a "$(refused rate)" = "$((before + $(total .failed)))"

before=$(refused window)
expect "50 at once into an account window of 5" send narrow 2 --to '+4674#######' --window 50 --count 50
taken=$(total .ok)              # a slow machine may see an answer of the SMSC, after 300 ms, before it has sent them all
expect "5 are taken, all others get ESME_RTHROTTLED" test "$taken" -ge 5 -a "$taken" -le 10 -a "$(total .statuses.ESME_RTHROTTLED)" = $((50 - taken))
expect "they are counted" moved window "$before" $((50 - taken))

before=$(refused queue_full)
expect "100 at once to a link with window 1 and a queue of 10" send acme 3 --to '+4673#######' --window 100 --count 100
taken=$(total .ok)
expect "the link takes 11, all others get ESME_RMSGQFUL" test "$taken" -ge 11 -a "$taken" -le 14 -a "$(total .statuses.ESME_RMSGQFUL)" = $((100 - taken))
expect "they are counted" moved queue_full "$before" $((100 - taken))

before=$(refused sender)
expect "a sender that the account may not use" send named 4 --to '+46701######' --from +4622222 --count 20
expect "gets ESME_RINVSRCADR" all_get ESME_RINVSRCADR 20
expect "and is counted" moved sender "$before" 20
expect "senders that it may use" send named 5 --to '+46701######' --from +4611222,ACME --count 20
expect "are accepted" all_ok 20

before=$(refused no_route)
expect "a destination without a route" send acme 6 --to '+4799#######' --count 20
expect "gets ESME_RINVDSTADR" all_get ESME_RINVDSTADR 20
expect "and is counted" moved no_route "$before" 20

before=$(refused spam)
expect "a text that a rule takes for spam" send acme 7 --to '+46701######' --text 'win at bit.ly/abc now' --count 20
expect "is refused as prohibited" test "$(total .ok)" = 0 -a "$(total .failed)" = 20
expect "and is counted" moved spam "$before" 20
before=$(metric messages_dropped_by_rule)
expect "a text that a rule drops" send acme 8 --to '+46701######' --text 'please throw me away' --count 20
expect "is answered as delivered" all_ok 20
expect "and is counted" test "$(metric messages_dropped_by_rule)" = $((before + 20))
before=$(refused rule_limit)
expect "messages to a rule's limit of 200 a second, 500 a second for three seconds" send acme 9 --to '+46709######' --rate 500 --count 1500
expect "pass it at 200 a second within 5 %" near "$(total '.ok / .seconds')" 200 5
expect "the others get ESME_RTHROTTLED" test "$(total .statuses.ESME_RTHROTTLED)" = "$(total .failed)" -a "$(total .failed)" -gt 0
expect "and are counted" moved rule_limit "$before" "$(total .failed)"
expect "a text for another number" send acme 10 --to '+46701######' --text 'to another number' --count 20
expect "a text in another name" send acme 11 --to '+46701######' --text 'in another name' --count 20
expect "a text by another way" send acme 12 --to '+46701######' --text 'by another way' --count 20
expect "are accepted" all_ok 20

expect "4,000 messages by weights of 30 and 70" send acme 13 --to '+4671#######' --count 4000
expect "are accepted" all_ok 4000

begin() {
	in_peers timeout 40 "$build/cpm-load" esme --connect 198.18.0.1:2775 --system-id acme --password secret1 --from +4611111 --to '+4672#######' \
		--rate 1000 --count 4000 --run 14 --record "$dir/sent14" --json >"$dir/failover.log" 2>&1 &
	load=$!
}
delivered=$(metric messages_delivered)
begin
expect "4,000 messages flow to the first of two targets" wait_for 10 "flow" eval '[ "$(metric messages_delivered)" -gt $((delivered + 300)) ]'
stop "${smsc[1]}"
expect "the first target is stopped meanwhile" wait_for 5 "down" eval '! bound smsc1 1'
expect "all are answered" wait "$load"
expect "all but what was open at that moment positively" eval 'tail -1 "$dir/failover.log" | jq -e ".ok + .failed == 4000 and .failed <= 100 and .failed == (.statuses.ESME_RSUBMITFAIL // 0)"'
expect "while it is down, messages are accepted" send acme 15 --to '+4672#######' --count 100
expect "all of them" all_ok 100
smsc 1 received1b
expect "it is back" wait_for 15 "bound" bound smsc1 1
expect "then, messages are accepted" send acme 16 --to '+4672#######' --count 100
expect "all of them too" all_ok 100

expect "an account's rate is changed" ctl account set acme rate=100
expect "600 in three seconds" send acme 17 --to '+46701######' --rate 200 --count 600
expect "are delivered at 100 a second within 5 %" near "$(total '.ok / .seconds')" 100 5
expect "and back" ctl account set acme rate=0
expect "the change is in force at once" send acme 18 --to '+46701######' --count 500
expect "all are accepted" all_ok 500

hold() { start "$1" "$dir/$1.log" ip netns exec "$netns_name-b" "$build/cpm-load" esme --connect 198.18.0.1:2775 --system-id gone --password secret1 --bind rx --sessions 2 --time 60; }
hold holder
expect "an account holds two sessions" wait_for 10 "bound" eval '[ "$(sessions_of gone | wc -l)" = 2 ]'
victim=$(sessions_of gone | head -1)
expect "an operator closes one of them" ctl session close "$victim"
expect "it is gone" wait_for 10 "gone" eval '! sessions_of gone | grep -qx "$victim"'
expect "its client comes back" wait_for 10 "bound" eval '[ "$(sessions_of gone | wc -l)" = 2 ]'
expect "the account is removed while it is bound" ctl account remove gone
expect "its sessions part" wait_for 5 "parted" eval '[ -z "$(sessions_of gone)" ]'
logins=$(refused system_id)
expect "and its client is refused from then on" wait_for 10 "refused" moved system_id "$logins" 1
expect "another account is not disturbed" send acme 19 --to '+46701######' --count 100
expect "all are accepted" all_ok 100

unbinds() { tshark -r "$dir/capture.pcapng" -Y "smpp.command_id == 6 && ip.src == 198.18.0.1 && tcp.srcport == 2775" 2>/dev/null | wc -l; }
stop "$capture"
expect "all three sessions were ended in order, by unbind" test "$(unbinds)" = 3
for n in 1 2 3; do stop "${smsc[n]}"; done
everywhere="received1 received1b received2 received3"
expect "nothing refused for its rate, sender, destination or text reached an SMSC" \
	test "$(arrived 4 $everywhere)$(arrived 6 $everywhere)$(arrived 7 $everywhere)$(arrived 8 $everywhere)" = 0000
expect "what was accepted of senders did" test "$(arrived 5 received1)" = 20
expect "what was to go to another number did, by that number's route" test "$(grep "^R 000a" "$dir/received2" | grep -c ' +\?46750000001 ')" = 20
expect "what was to go in another name did" test "$(grep "^R 000b" "$dir/received1" | grep -c ' ACME ')" = 20
expect "what was to go by another way did" test "$(arrived 12 received2)" = 20
expect "weights: 30 to 70 within 3 of 100" near "$(arrived 13 received1)" 1200 10
expect "and the rest by the other" test "$(($(arrived 13 received1) + $(arrived 13 received2)))" = 4000
expect "while the first target was down, all went to the second" test "$(arrived 15 received2)" = 100
expect "when it was back, all went to it" test "$(arrived 16 received1b)" = 100
(cd "$dir" && grep -hv '^R 000[ab]' $everywhere >received; cat sent1 sent2 sent3 sent5 sent9 sent1[2-9] >sent)
expect "no accepted message is missing, none is there twice" "$build/cpm-load" verify --any-order --sent "$dir/sent" --received "$dir/received"
finish
