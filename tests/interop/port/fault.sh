#!/bin/bash
# `cpmctl port fault` on an appliance at work: messages survive every fault, status warns while it lasts, and a restart ends it.
capture_wanted=no
. "$(dirname "$0")/../lib.sh"
cat >"$dir/site.yaml" <<'EOT'
accounts:
  - {name: acme, password: secret1}
peers:
  - {name: smsc1, host: 198.18.0.2, port: 2776, password: pw, connections: 2}
routes:
  - {to: "+4670", via: [smsc1]}
EOT
warned() { ctl --json status | jq -e --arg t "$1" '[.rows[] | select(.[0] == "warning" and (.[1] | contains($t)))] | length == 1'; }
calm() { ctl --json status | jq -e '[.rows[] | select(.[0] == "warning")] | length == 0'; }
refused() { ! ctl "$@" 2>"$dir/refusal" && cat "$dir/refusal"; }
counted() { [ "$(metric "$1")" -gt "$2" ]; }

appliance cpm-fault 0 "$dir/site.yaml"
start smsc "$dir/smsc.log" ip netns exec "$netns_name-b" "$build/cpm-load" smsc --listen 198.18.0.2:2776 --record "$dir/received"
expect "the links are bound" wait_for 15 "bound" bound smsc1 2
expect "nothing is warned of at first" calm
expect "a port that is not there is refused" eval 'refused port fault core7 loss=10 | grep "there is no port .core7."'
expect "a rate that cannot be is refused" eval 'refused port fault core0 loss=1001 | grep "a number of 0 to 1000"'
expect "faults are switched on" eval 'ctl port fault core0 loss=20 reorder=20 duplicate=20 corrupt=10 delay=200 | grep "loss=20 duplicate=20 reorder=20 corrupt=10 delay=200"'
expect "status warns of them" warned "core0 injects faults: loss=20"
expect "2,000 messages" in_peers timeout 60 "$build/cpm-load" esme --connect 198.18.0.1:2775 --system-id acme --password secret1 \
	--from +4611111 --to '+4670#######' --sessions 4 --window 20 --count 2000 --record "$dir/sent"
expect "faults were injected" eval 'counted faults_lost 3 && counted faults_duplicated 3 && counted faults_corrupted 1 && counted faults_delayed 100'
expect "they are switched off" eval 'ctl port fault core0 off | grep "core0 *off"'
expect "status is calm again" calm
stop "$started"
expect "no message is lost, repeated or changed" "$build/cpm-load" verify --sent "$dir/sent" --received "$dir/received"
expect "faults are on again" ctl port fault core0 loss=5
stop "$dataplane_pid"
dataplane_start
expect "control is in step with the new dataplane" wait_for 15 "in step" in_step
expect "a restart has ended them" calm
expect "the list of ports shows none" eval 'ctl --json port list | jq -e ".rows[0][-1] == \"\""'
finish
