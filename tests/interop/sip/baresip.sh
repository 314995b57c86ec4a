#!/bin/bash
# baresip as a device, over UDP and TCP: registers with digest, gets what an ESME sends to its number, and sends what a message centre gets. It and SIPp
# know MD5 alone and do not register where another algorithm is offered.
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
  - {address: "+46732222222", sip: "sip:bob@example.org", password: other}
SITE
appliance cpm-baresip "0, 1" "$dir/site.yaml"
mkdir "$dir/baresip"
cat >"$dir/baresip/config" <<'END'
sip_listen 198.18.0.5:5060
module_path /usr/lib/baresip/modules
module_tmp account.so
module_app menu.so
module_app contact.so
module_app ctrl_tcp.so
ctrl_tcp_listen 198.18.0.5:4444
END
echo '"Centre" <sip:+46701234567@example.org>' >"$dir/baresip/contacts"

device() { # TRANSPORT PASSWORD
	echo "<sip:alice@example.org;transport=$1>;auth_user=alice;auth_pass=$2;outbound=\"sip:198.18.0.1;transport=$1\";regint=600" >"$dir/baresip/accounts"
	start baresip "$dir/baresip.log" ip netns exec "$netns_name-b" baresip -f "$dir/baresip" -s
	answering=$started
}
say() { # COMMAND PARAMETERS: a netstring of JSON
	local LC_ALL=C text="{\"command\":\"$1\",\"params\":\"$2\",\"token\":\"t\"}"
	in_peers timeout 5 bash -c 'exec 3<>/dev/tcp/198.18.0.5/4444; printf "%s" "$1" >&3; head -c 20 <&3' - "${#text}:$text," | grep -a '"response":true'
}
text() { sed -n 's/^\(CPM[0-9a-f]\{20\} [^\x1b]*\).*/\1/p' "$dir/baresip.log" | head -1; }

for transport in udp tcp; do
	device $transport wrong
	expect "a wrong password is refused ($transport)" wait_for 10 "refusal" eval '[ "$(grep -c "SIP/2.0 401" "$dir/baresip.log")" -ge 2 ]'
	expect "and does not register" registered 0
	silence
	device $transport secret
	expect "the right one registers" wait_for 10 "registration" registered 1
	expect "an ESME sends to its number" submit 1 +46731234567 --coding latin1 --text 'Smörgås {n}' --markers
	expect "the text is there" test -n "$(text)"
	centre_begin
	printf '1;%s\n' "$(text)" >"$dir/texts.csv"
	expect "it sends the same text to a number of the message centre" eval 'say contact_next "" && say message "$(text)"'
	expect "and is told that it was accepted" wait_for 5 "202" grep -q "^SIP/2.0 202 " "$dir/baresip.log"
	expect "the text has arrived there unchanged" centre_has_all "$dir/texts.csv"
	expect "from its number" grep -q "^R [0-9a-f]* [0-9]* 46701234567 46731234567 " "$dir/received"
	silence
	expect "it is forgotten" forgotten $transport sip:alice@example.org
done
expect "SIPp registers with its own digest" sipp digest.xml 198.18.0.6 u1 -p 5060 -s bob -au bob -ap other -auth_uri example.org -m 1
expect "and is registered" registered 1
expect "but not with another password" eval '! sipp digest.xml 198.18.0.6 u1 -p 5060 -s bob -au bob -ap wrong -auth_uri example.org -m 1'
finish
