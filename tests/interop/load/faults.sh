#!/bin/bash
# An SMSC that throttles, stays silent, disconnects at random and answers early, a million messages: each submission is answered once, truthfully;
# nothing comes twice but what is counted as sent again.
capture_wanted=no
. "$(dirname "$0")/../lib.sh"
messages=${MESSAGES:-500000} # by each of two accounts
cat >"$dir/site.yaml" <<'EOF'
accounts:
  - {name: acme, password: secret1, window: 1000}
  - {name: again, password: secret2, window: 1000, resend_unknown: true}
peers:
  - {name: smsc1, host: 198.18.0.2, port: 2776, password: pw, connections: 4, window: 200, reconnect: 1, response_time: 2}
  - {name: smsc2, host: 198.18.0.3, port: 2776, password: pw, connections: 2, window: 200, reconnect: 1, response_time: 2}
routes:
  - {to: "+4670", via: [smsc1, smsc2]}
EOF
appliance cpm-faults "0, 1" "$dir/site.yaml"
start smsc1 "$dir/smsc1.log" ip netns exec "$netns_name-b" "$build/cpm-load" smsc --listen 198.18.0.2:2776 --record "$dir/received1" \
	--fault 'throttle:0.004%,silent:0.01%,disconnect:0.002%,error:0x45:0.5%'
smsc1=$started
start smsc2 "$dir/smsc2.log" ip netns exec "$netns_name-b" "$build/cpm-load" smsc --listen 198.18.0.3:2776 --record "$dir/received2" \
	--fault 'slow:20ms:1%,error:0x0b:0.5%'
smsc2=$started
expect "the links are bound" wait_for 15 "bound" eval "bound smsc1 4 && bound smsc2 2"
send() { # ACCOUNT PASSWORD RUN
	in_peers timeout 240 "$build/cpm-load" esme --connect 198.18.0.1:2775 --system-id "$1" --password "$2" --from +4611111 --to '+4670#######' \
		--sessions 8 --window 50 --count "$messages" --run "$3" --record "$dir/sent$3"
}
expect "$messages submissions are answered, each once" send acme secret1 1
tail -2 "$dir/expect.log"
resent=$(metric messages_resent)
expect "without resend_unknown nothing is sent again" test "$resent" = 0
expect "$messages more of an account with resend_unknown" send again secret2 2
stop "$smsc1"
stop "$smsc2"
resent=$(metric messages_resent)
echo "   requeued $(metric messages_requeued), failed over $(metric messages_failed_over), unknown $(metric messages_unknown), sent again $resent"
expect "positive answers are true; duplicates are no more than those counted as sent again" \
	"$build/cpm-load" verify --any-order --sent "$dir/sent1" "$dir/sent2" --received "$dir/received1" "$dir/received2" --expect-duplicates "$resent"
finish
