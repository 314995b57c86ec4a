#!/bin/bash
# linphone as a device, over UDP and TCP: registers with digest by SHA-256, gets what an ESME sends to its number, says in a compressed notification that it
# has it, and sends what a message centre gets.
sip=yes
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
appliance cpm-linphone "0, 1" "$dir/site.yaml"
ip -n "$netns_name-b" route replace 198.18.0.0/24 dev veth-peer src 198.18.0.5

device() { # TRANSPORT PASSWORD
	rm -rf "$dir/home" "$dir/commands" "$dir/wire"
	mkdir "$dir/home"
	mkfifo "$dir/commands"
	cat >"$dir/home/linphonerc" <<END
[sip]
sip_port=5060
sip_tcp_port=5060
default_proxy=0
register_only_when_network_is_up=0
[net]
enable_ipv6=0
[proxy_0]
reg_proxy=<sip:198.18.0.1;transport=$1>
reg_route=<sip:198.18.0.1;transport=$1;lr>
reg_identity=sip:alice@example.org
reg_expires=600
reg_sendregister=1
[auth_info_0]
username=alice
passwd=$2
realm=example.org
algorithm=SHA-256
[storage]
uri=$dir/home/linphone.db
END
	ip netns exec "$netns_name-b" env HOME="$dir/home" XDG_DATA_HOME="$dir/home" linphonec -c "$dir/home/linphonerc" -d 6 -l "$dir/wire" \
		<"$dir/commands" >"$dir/linphone.log" 2>&1 &
	answering=$!
	pids="$pids $answering"
	exec 4>"$dir/commands"
}
text() { sed -n 's/.*Message received from [^ ]*: \(CPM[0-9a-f]\{20\} .*\)/\1/p' "$dir/linphone.log"; }

notifications() { [ "$(metric sip_bodies_compressed)" = "$1" ] && [ "$(metric receipts_in)" = "$1" ]; }
notified=0

for transport in udp tcp; do
	device $transport wrong
	expect "a wrong password is refused ($transport)" wait_for 20 "refusal" eval '[ "$(grep -c "^SIP/2.0 401" "$dir/wire")" -ge 2 ]'
	expect "and does not register" registered 0
	silence
	device $transport secret
	expect "the right one registers" wait_for 20 "registration" registered 1
	expect "by SHA-256" grep -q "^Authorization:.*algorithm=SHA-256" "$dir/wire"
	expect "an ESME sends to its number" submit 1 +46731234567 --coding ucs2 --text 'Smörgås 漢字 {n}' --markers
	expect "the text is shown" wait_for 5 "text" eval 'test -n "$(text)"'
	notified=$((notified + 1))
	expect "its notification, which is compressed, is read" wait_for 5 "notification" notifications $notified
	expect "and not refused for that" eval '! grep -q "^SIP/2.0 415" "$dir/wire"'
	centre_begin
	printf '1;%s\n' "$(text)" >"$dir/texts.csv"
	echo "chat sip:+46701234567@example.org $(text)" >&4
	expect "it sends the same text to a number of the message centre, and is told that it was accepted" wait_for 10 "202" grep -q "^SIP/2.0 202 " "$dir/wire"
	expect "the text has arrived there unchanged" centre_has_all "$dir/texts.csv"
	expect "from its number" grep -q "^R [0-9a-f]* [0-9]* 46701234567 46731234567 " "$dir/received"
	exec 4>&-
	silence
	expect "it is forgotten" forgotten $transport sip:alice@example.org
done
finish
