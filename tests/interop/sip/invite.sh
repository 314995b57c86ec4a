#!/bin/bash
# SIPp as the peer that offers large messages by INVITE, over UDP and TCP and on a link that loses packets.
sip=yes msrp_port=20000
. "$(dirname "$0")/../lib.sh"
. tests/interop/sip/sipp.inc
cat >"$dir/site.yaml" <<'SITE'
peers:
  - {name: udp, protocol: sip, host: 198.18.0.3, transport: udp, window: 1000, reconnect: 1}
routes:
  - {to: "+4670", via: [udp]}
SITE
appliance cpm-sipp-invite "0, 1" "$dir/site.yaml"
open_now() { [ "$(metric sip_large_open)" = 0 ]; }
for transport in u1 t1; do
	expect "100 offers are answered, confirmed again, not changed, and ended once ($transport)" sipp invite_dialog.xml 198.18.0.3 $transport -p 5070 -m 100 -r 100
	expect "100 session timers are agreed on, refreshed by UPDATE and INVITE, and none is too short ($transport)" sipp invite_timer.xml 198.18.0.3 $transport -p 5070 -m 100 -r 100
	expect "an offer without a medium for messages is refused ($transport)" sipp invite_refused.xml 198.18.0.3 $transport -p 5070 -m 10 -r 10
done
expect "CANCEL comes too late for an INVITE that is answered" sipp invite_cancel.xml 198.18.0.3 u1 -p 5070 -m 20 -r 20
before=$(metric sip_responses_resent)
expect "an ACK that is late is waited for" sipp invite_late.xml 198.18.0.3 u1 -p 5070 -m 20 -r 20
expect "meanwhile the 200 was sent again, twice for each" test "$(($(metric sip_responses_resent) - before))" -ge 40
expect "a port that loses one packet in ten, each way" ctl port fault core0 loss=100
expect "200 offers are answered and ended though packets are lost" sipp invite_late.xml 198.18.0.3 u1 -p 5070 -m 200 -r 100
expect "the port loses nothing more" ctl port fault core0 off
expect "no dialog is left" wait_for 50 "the last BYE" open_now
echo "   $(metric sip_invites_in) INVITEs accepted; $(metric sip_responses_resent) answers and $(metric sip_requests_resent) requests were sent again; $(metric faults_lost) packets were lost"
finish
