#!/bin/bash
# One million messages through two workers, ingress binds and egress links on both, so that messages cross in both directions. The verdict
# comes from the peers' records. MESSAGES=N for another number.
capture_wanted=no
. "$(dirname "$0")/../lib.sh"
messages=${MESSAGES:-1000000}
cat >"$dir/site.yaml" <<'EOF'
accounts:
  - {name: acme, password: secret1, window: 1000}
peers:
  - {name: smsc1, host: 198.18.0.2, port: 2776, password: pw, connections: 1, window: 500, queue: 100000}
  - {name: smsc2, host: 198.18.0.3, port: 2776, password: pw, connections: 1, window: 500, queue: 100000}
routes:
  - {to: "+4670", via: [smsc1]}
  - {to: "+4673", via: [smsc2]}
rules:
  - {name: spam-url, when: {text: 'bit\.ly/[a-z0-9]+'}, then: {reject: spam}}
EOF
appliance cpm-million "0, 1" "$dir/site.yaml"
for n in 1 2; do
	start "smsc$n" "$dir/smsc$n.log" ip netns exec "$netns_name-b" "$build/cpm-load" smsc --listen "198.18.0.$((n + 1)):2776" --record "$dir/received$n"
	smsc[n]=$started
done
expect "each worker has a link" wait_for 15 "bound" eval "bound smsc1 1 && bound smsc2 1"
worker_of() { ctl --json session list | jq -r --arg p "$1" '. as $t | .rows[] | select(.[$t.columns | index("party")] == $p) | .[$t.columns | index("worker")]' | sort -u | tr '\n' ' '; }
send() {
	in_peers "$build/cpm-load" esme --connect 198.18.0.1:2775 --system-id acme --password secret1 --from +4611111 --to '+4670#######,+4673#######' \
		--sessions 16 --window 50 --count "$messages" --record "$dir/sent"
}
send >"$dir/esme.log" 2>&1 &
esme=$!
expect "the links are on different workers" test "$(worker_of smsc1)" != "$(worker_of smsc2)"
expect "binds of the submitter are on both workers" wait_for 10 "both" eval '[ "$(worker_of acme)" = "0 1 " ]'
expect "$messages messages are submitted and answered" wait $esme
tail -3 "$dir/esme.log"
stop "${smsc[1]}"
stop "${smsc[2]}"
expect "none is lost, repeated, changed or out of order, by the peers' records" \
	"$build/cpm-load" verify --sent "$dir/sent" --received "$dir/received1" "$dir/received2"
out=$(metric hops_out) in=$(metric hops_in)
echo "   hops: $out out, $in in; packets forwarded: $(metric packets_forwarded)"
expect "messages crossed between the workers, and each that left arrived" test "$out" -gt $((messages / 4)) -a "$out" = "$in"
finish
