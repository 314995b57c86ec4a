#!/bin/bash
# npm sip as a device, over UDP and TCP: registers with digest, and sends what it gets back to a message centre. It knows MD5 alone, and ends a
# connection on which 60 KB come at once.
sip=yes sip_authentication=digest-md5
. "$(dirname "$0")/../lib.sh"
. tests/interop/sip/sipp.inc
cat >"$dir/site.yaml" <<'SITE'
accounts:
  - {name: acme, password: secret1}
peers:
  - {name: smsc1, host: 198.18.0.2, port: 2776, password: pw, reconnect: 1}
routes:
  - {to: "+4670", via: [smsc1]}
  - {to: "+4673", via: [registered]}
subscribers:
  - {address: "+46731234567", sip: "sip:alice@example.org", password: secret}
SITE
appliance cpm-npm-sip "0, 1" "$dir/site.yaml"
expect "npm sip is installed" test -f tests/interop/node_modules/sip/package.json
for transport in udp tcp; do
	start "npm sip" "$dir/npm.log" ip netns exec "$netns_name-b" node tests/interop/sip/npm.js $transport
	device=$started
	expect "it registers over $transport" wait_for 10 "registration" grep -q "^registered 200" "$dir/npm.log"
	centre_begin
	expect "an ESME sends 60 messages to its number" submit 60 +46731234567 --coding ucs2 --text 'Smörgås 漢字 {n}' --markers --record "$dir/sent"
	expect "it sends them to a number of the message centre" wait_for 20 "202" eval '[ "$(grep -c "^sent 202" "$dir/npm.log")" = 60 ]'
	sed -n 's/^S \([0-9a-f]*\) .*/1;CPM\1/p' "$dir/sent" >"$dir/texts.csv"
	expect "all have arrived there, each once and unchanged" centre_has_all "$dir/texts.csv"
	stop "$device"
	expect "it is forgotten" forgotten $transport sip:alice@example.org
done
finish
