#!/bin/bash
# One million messages from SMPP to SIP and back: an appliance sends them to a second one over UDP and TCP, and that to message centres. The verdict comes
# from the records of the ESME and of the message centres. MESSAGES=N for another number.
sip=yes capture_wanted=no
. "$(dirname "$0")/../lib.sh"
messages=${MESSAGES:-1000000}
cat >"$dir/site.yaml" <<'SITE'
accounts:
  - {name: acme, password: secret1, window: 1000}
peers:
  - {name: udp, protocol: sip, host: 198.18.0.10, transport: udp, window: 1000, queue: 100000}
  - {name: tcp, protocol: sip, host: 198.18.0.10, transport: tcp, window: 1000, queue: 100000}
routes:
  - {to: "+4670", via: [udp]}
  - {to: "+4673", via: [tcp]}
SITE
second=$dir/second
mkdir "$second"
cat >"$second/site.yaml" <<'SITE'
peers:
  - {name: first, protocol: sip, host: 198.18.0.1, transport: udp}
  - {name: smsc1, host: 198.18.0.2, port: 2776, password: pw, window: 1000, queue: 100000, reconnect: 1}
  - {name: smsc2, host: 198.18.0.3, port: 2776, password: pw, window: 1000, queue: 100000, reconnect: 1}
routes:
  - {to: "+4670", via: [smsc1]}
  - {to: "+4673", via: [smsc2]}
SITE
of_second() { # COMMAND...: with the second appliance as the one that is spoken to
	local dir=$second netns_name=$netns_name-2
	"$@"
}

appliance cpm-sip-million 0 "$dir/site.yaml"
netns_second
appliance_config "$second" $(($(nproc) > 1)) | sed "s/198\.18\.0\.1\([,/]\)/198.18.0.10\1/; s/^node: .*/&-2/" >"$second/cpm.yaml"
start dataplane2 "$dir/dataplane2.log" ip netns exec "$netns_name-c" "$build/cpm-dataplane" --config "$second/cpm.yaml"
wait_for 30 "the second dataplane opens its socket" test -S "$second/run/dataplane.sock"
start control2 "$dir/control2.log" "$build/cpm-control" --config "$second/cpm.yaml"
wait_for 30 "its control answers and is in step" of_second in_step
of_second ctl apply -f "$second/site.yaml" | tail -1
for n in 1 2; do
	start "smsc$n" "$dir/smsc$n.log" ip netns exec "$netns_name-b" "$build/cpm-load" smsc --listen "198.18.0.$((n + 1)):2776" --record "$dir/received$n"
	smsc[n]=$started
done
expect "all links are up" wait_for 30 "up" eval "bound udp 1 && bound tcp 1 && of_second bound smsc1 1 && of_second bound smsc2 1"
expect "$messages messages are submitted and answered" in_peers timeout 300 "$build/cpm-load" esme --connect 198.18.0.1:2775 --system-id acme --password secret1 \
	--from +4611111 --to '+4670#######,+4673#######' --sessions 8 --window 100 --count "$messages" --record "$dir/sent"
head -6 "$dir/expect.log"
stop "${smsc[1]}"
stop "${smsc[2]}"
expect "none is lost, repeated or changed, by the peers' records" \
	"$build/cpm-load" verify --any-order --sent "$dir/sent" --received "$dir/received1" "$dir/received2"
echo "   requests sent again over UDP: $(metric sip_requests_resent), that came again: $(of_second metric sip_requests_again), answers forgotten before their time: $(of_second metric sip_answers_forgotten)"
expect "each went out and came in as one request" test "$(of_second metric messages_in)" = "$messages"
finish
