#!/bin/bash
# Messages of cpm-load through the appliance over AF_XDP, with receipts: every message arrives once and unchanged, every receipt comes home.
. "$(dirname "$0")/../lib.sh"
cat >"$dir/site.yaml" <<'EOF'
accounts:
  - {name: acme, password: secret1, window: 1000, sender: ["+46", "=ACME"]}
peers:
  - {name: smsc1, host: 198.18.0.2, port: 2776, system_id: cpm, password: pw, connections: 2, window: 500}
routes:
  - {to: "+4670", via: [smsc1]}
rules:
  - {name: spam-url, when: {text: 'bit\.ly/[a-z0-9]+'}, then: {reject: spam}}
EOF
appliance cpm-smoke 0 "$dir/site.yaml"
start smsc "$dir/smsc.log" ip netns exec "$netns_name-b" "$build/cpm-load" smsc --listen 198.18.0.2:2776 --system-id cpm --password pw \
	--receipts --record "$dir/received"
expect "both sessions to the SMSC are bound" wait_for 15 "bound" bound smsc1 2
send() {
	in_peers "$build/cpm-load" esme --connect 198.18.0.1:2775 --system-id acme --password secret1 --from +4611111 --to '+4670#######' \
		--sessions 4 --window 50 --count 20000 --receipts --markers --record "$dir/sent"
}
expect "20,000 messages are submitted and answered" send
stop "$started"
expect "none is lost, repeated or changed" "$build/cpm-load" verify --sent "$dir/sent" --received "$dir/received"
finish
