#!/bin/bash
# SIPp over UDP on a link that loses one packet in ten each way: each message arrives once, by the peers' counts.
sip=yes capture_wanted=no
. "$(dirname "$0")/../lib.sh"
. tests/interop/sip/sipp.inc
cat >"$dir/site.yaml" <<'SITE'
accounts:
  - {name: acme, password: secret1, window: 1000}
peers:
  - {name: smsc1, host: 198.18.0.2, port: 2776, password: pw, window: 500}
  - {name: udp, protocol: sip, host: 198.18.0.3, transport: udp, window: 200, reconnect: 1, response_time: 32}
routes:
  - {to: "+4670", via: [smsc1]}
  - {to: "+46721", via: [udp]}
SITE
appliance cpm-sipp-loss "0, 1" "$dir/site.yaml"
answering udp 198.18.0.3 u1
expect "the link is up" wait_for 15 "up" bound udp 1
expect "1,000 texts with markers for the way back" submit 1000 '+46721######' --markers
injection udp >"$dir/texts.csv"
expect "a port that loses one packet in ten, each way" ctl port fault core0 loss=100
for coding in latin1 ucs2; do
	expect "1,000 texts in $coding arrive over UDP once and byte for byte" texts_arrive $coding udp '+46721######' 1000
done
centre_begin
expect "SIPp sends these over UDP" sipp uac.xml 198.18.0.3 u1 -p 5070 -inf "$dir/texts.csv" -m 1000 -r 1000 -l 1000
expect "the port loses nothing more" ctl port fault core0 off
expect "each of these has arrived at the message centre once and unchanged" centre_has_all "$dir/texts.csv"
resent=$(metric sip_requests_resent) again=$(metric sip_requests_again)
echo "   $resent requests were sent again, $again came again; $(metric faults_lost) packets were lost"
expect "there were retransmissions both ways" test "$resent" -gt 50 -a "$again" -gt 20
silence
finish
