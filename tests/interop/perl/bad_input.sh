#!/bin/bash
# Hand-made PDUs, read by Perl's Net::SMPP: what a peer may get wrong is answered as the standard says, counted by its reason, and disturbs nobody else.
capture_wanted=no
. "$(dirname "$0")/../lib.sh"
cat >"$dir/site.yaml" <<'EOF'
accounts:
  - {name: good, password: secret1}
  - {name: bad, password: secret2, window: 4, sender: ["+46"]}
peers:
  - {name: smsc1, host: 198.18.0.2, port: 2776, password: pw}
  - {name: smsc2, host: 198.18.0.3, port: 2776, password: pw}
routes:
  - {to: "+4670", via: [smsc1]}
  - {to: "+4671", via: [smsc2]}
EOF
appliance cpm-perl 0 "$dir/site.yaml"
start smsc1 "$dir/smsc1.log" ip netns exec "$netns_name-b" "$build/cpm-load" smsc --listen 198.18.0.2:2776
start smsc2 "$dir/smsc2.log" ip netns exec "$netns_name-b" "$build/cpm-load" smsc --listen 198.18.0.3:2776 --fault slow:500ms
expect "the SMSCs are bound" wait_for 15 "bound" eval "bound smsc1 1 && bound smsc2 1"
expect "Net::SMPP is installed" perl -MNet::SMPP -e 1
expect "every case has the standard's answer" in_peers timeout 50 perl tests/interop/perl/bad_input.pl 198.18.0.1:2775 "$build/cpmctl" "$dir/run/control.sock"
sed 's/^/   /' "$dir/expect.log"
expect "no message is left open" wait_for 5 "open messages" eval '[ "$(metric messages_open)" = 0 ]'
expect "no session is left but the links" wait_for 5 "sessions" eval '[ "$(metric sessions_open)" = 2 ]'
kill -0 "$dataplane_pid" && kill -0 "$control_pid"
echo "passed: $(basename "$0")"
