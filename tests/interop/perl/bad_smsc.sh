#!/bin/bash
# We bind to an SMSC, written with Perl's Net::SMPP, that answers wrongly, late, twice, or nonsense: each submission has one true answer, and the link lives on
# or is opened again.
capture_wanted=no
. "$(dirname "$0")/../lib.sh"
cat >"$dir/site.yaml" <<'EOF'
accounts:
  - {name: good, password: secret1}
peers:
  - {name: smsc1, host: 198.18.0.2, port: 2776, password: pw}
  - {name: perl, host: 198.18.0.3, port: 2776, password: pw, reconnect: 1, response_time: 1}
routes:
  - {to: "+4670", via: [smsc1]}
  - {to: "+4672", via: [perl]}
EOF
appliance cpm-perl2 0 "$dir/site.yaml"
start smsc1 "$dir/smsc1.log" ip netns exec "$netns_name-b" "$build/cpm-load" smsc --listen 198.18.0.2:2776
expect "the other SMSC is bound" wait_for 15 "bound" bound smsc1 1
expect "every submission has one true answer" in_peers timeout 50 perl tests/interop/perl/bad_smsc.pl 198.18.0.1:2775 "$build/cpmctl" "$dir/run/control.sock" 198.18.0.3 2776
sed 's/^/   /' "$dir/expect.log"
expect "no message is left open" wait_for 5 "open messages" eval '[ "$(metric messages_open)" = 0 ]'
kill -0 "$dataplane_pid" && kill -0 "$control_pid"
echo "passed: $(basename "$0")"
