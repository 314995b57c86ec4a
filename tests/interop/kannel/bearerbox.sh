#!/bin/bash
# Kannel's bearerbox and smsbox as a customer: binds as transceiver and as separate transmitter and receiver, sends by its sendsms interface, gets its delivery
# reports and mobile-originated messages. What it sent and what went on to the SMSC are compared byte by byte as tshark reads them.
. "$(dirname "$0")/../lib.sh"
here=tests/interop/kannel
cat >"$dir/site.yaml" <<'EOF'
accounts:
  - {name: kannel1, password: secret1, window: 100}
  - {name: kannel2, password: secret2, window: 100}
peers:
  - {name: smsc1, host: 198.18.0.2, port: 2776, system_id: cpm, password: pw, window: 100, reconnect: 1}
routes:
  - {to: "+4670", via: [smsc1]}
  - {to: "+46811", via: [kannel1]}
  - {to: "+46822", via: [kannel2]}
EOF
cat >"$dir/kannel.conf" <<EOF
group = core
admin-port = 13000
admin-password = admin
status-password = status
admin-interface = 127.0.0.1
smsbox-port = 13001
smsbox-interface = 127.0.0.1
box-allow-ip = "127.0.0.1"
log-file = $dir/bearerbox.log
log-level = 0
access-log = $dir/access.log
dlr-storage = internal

group = smsc
smsc = smpp
smsc-id = both
allowed-smsc-id = both
host = 198.18.0.1
port = 2775
transceiver-mode = true
smsc-username = kannel1
smsc-password = secret1
system-type = VMA
source-addr-ton = 1
source-addr-npi = 1
dest-addr-ton = 1
dest-addr-npi = 1
enquire-link-interval = 1
reconnect-delay = 1

group = smsc
smsc = smpp
smsc-id = apart
allowed-smsc-id = apart
host = 198.18.0.1
port = 2775
smsc-username = kannel2
smsc-password = secret2
system-type = VMA
source-addr-ton = 1
source-addr-npi = 1
dest-addr-ton = 1
dest-addr-npi = 1
reconnect-delay = 1

group = smsc
smsc = smpp
smsc-id = apart
allowed-smsc-id = apart
host = 198.18.0.1
receive-port = 2775
smsc-username = kannel2
smsc-password = secret2
system-type = VMA
reconnect-delay = 1

group = smsbox
bearerbox-host = 127.0.0.1
sendsms-port = 13013
sendsms-interface = 127.0.0.1
sendsms-chars = "0123456789+ "
global-sender = 46822000
log-file = $dir/smsbox.log
log-level = 0

group = sendsms-user
username = tester
password = tester
max-messages = 10
concatenation = true

group = sms-service
keyword = default
get-url = "http://127.0.0.1:8888/mo?smsc=%i&from=%p&text=%a"
max-messages = 0
catch-all = true
EOF
appliance cpm-kannel 0 "$dir/site.yaml"
smsc() { # ARGS...: the SMSC behind the appliance, until stopped
	start smsc "$dir/smsc.log" ip netns exec "$netns_name-b" "$build/cpm-load" smsc --listen 198.18.0.2:2776 --system-id cpm --password pw "$@"
	smsc=$started
	wait_for 20 "the SMSC is bound" bound smsc1 1
}
# Kannel looks a receipt up only once: on a connection of its own it may overtake the submit_sm_resp, and is then lost.
smsc --receipts 300ms
start hits "$dir/hits.log" ip netns exec "$netns_name-b" perl "$here/hits.pl" 127.0.0.1:8888
hits=$dir/hits.log
start bearerbox "$dir/bearerbox.out.log" ip netns exec "$netns_name-b" bearerbox -v 4 "$dir/kannel.conf"
expect "its transceiver binds" wait_for 20 "bound" bound kannel1 1
expect "its transmitter and its receiver bind" wait_for 20 "bound" bound kannel2 2
start smsbox "$dir/smsbox.out.log" ip netns exec "$netns_name-b" smsbox -v 4 "$dir/kannel.conf"
box_connected() { in_peers curl -sf "http://127.0.0.1:13000/status.txt?password=status" | grep -q "smsbox.*on-line"; }
expect "smsbox connects to bearerbox" wait_for 20 "box" box_connected

sendsms() { # SMSC TAG NAME=VALUE...: what smsbox answers with 202 it has given to bearerbox
	local smsc=$1 tag=$2
	shift 2
	in_peers curl -s -o "$dir/answer" -w '%{http_code}' --get http://127.0.0.1:13013/cgi-bin/sendsms -d username=tester -d password=tester \
		-d "smsc=$smsc" -d from=46822000 -d dlr-mask=31 --data-urlencode "dlr-url=http://127.0.0.1:8888/dlr?tag=$tag&type=%d&reply=%A" "$@" |
		grep -q 202 || { cat "$dir/answer"; return 1; }
}
text() { # SMSC TAG TO CODING TEXT
	sendsms "$1" "$1-$2" -d "to=$3" -d "coding=$4" -d charset=UTF-8 --data-urlencode "text=$5"
}
has_report() { grep -q "^/dlr?tag=$1&type=$2&" "$hits"; } # TAG TYPE: 1 delivered, 8 accepted by the SMSC, 16 refused by it
long=$(printf 'part of a long text %02d; ' $(seq 16))
long_ucs2=$(printf 'долгий текст %02d; ' $(seq 12))
send_all() { # SMSC
	text "$1" plain 46701000001 0 "Hello, world" &&
		text "$1" extension 46701000002 0 '@£$¥ÄÖÑÜ§¿ €[\]^{|}~ ΔΦΓ' &&
		text "$1" ucs2 46701000003 2 "Привет, 世界" &&
		text "$1" long 46701000004 0 "$long" &&
		text "$1" longucs2 46701000005 2 "$long_ucs2" &&
		sendsms "$1" "$1-binary" -d to=46701000006 -d coding=1 -d 'udh=%06%05%04%0B%84%23%F0' -d 'text=%00%01%FF%1B%80'
}
for bind in both apart; do
	expect "bearerbox takes messages for $bind from smsbox" send_all $bind
	for tag in plain extension ucs2 long longucs2 binary; do
		expect "a $tag message by $bind is accepted: Kannel has its submit_sm_resp" wait_for 15 "report 8" has_report $bind-$tag 8
		expect "a $tag message by $bind is delivered: Kannel knows its receipt by the message id" wait_for 15 "report 1" has_report $bind-$tag 1
	done
done
expect "bearerbox takes a message to nowhere" text both nowhere 4690111 0 "no route leads there"
expect "a message without a route is refused, and Kannel says so" wait_for 15 "report 16" has_report both-nowhere 16
expect "no message is reported as failed or buffered" eval '! grep -E "type=(2|4)&" "$hits"'

stop "$smsc"
expect "the link to the SMSC is seen to end" wait_for 10 "link down" eval '! bound smsc1 1'
smsc --mo +46811000001,+46822000001 --mo-rate 50 --mo-count 200 --text 'answer {n} @ [€]' --from '+46709#######'
mo_come() { [ "$(grep -c '^/mo?' "$hits")" -ge 200 ]; }
expect "200 mobile-originated messages reach Kannel" wait_for 20 "messages" mo_come
mo_right() {
	[ "$(grep -c '^/mo?' "$hits")" = 200 ] && [ "$(grep '^/mo?' "$hits" | grep -o 'text=answer+[0-9]*+' | sort -u | wc -l)" = 200 ] &&
		[ "$(grep -cE '^/mo\?smsc=(both|apart)&from=%2B46709[0-9]{7}&text=answer\+[0-9]+\+%40\+%5B%E2%82%AC%5D$' "$hits")" = 200 ]
}
expect "each came once, with its text and sender unchanged" mo_right
access_log_right() {
	local both apart
	both=$(grep -c 'Receive SMS \[SMSC:both\].*\[to:+46811000001\]' "$dir/access.log")
	apart=$(grep -c 'Receive SMS \[SMSC:apart\].*\[to:+46822000001\]' "$dir/access.log")
	[ "$both" -gt 0 ] && [ "$apart" -gt 0 ] && [ $((both + apart)) = 200 ] && [ "$(grep -c 'Receive SMS' "$dir/access.log")" = 200 ]
}
expect "Kannel's access log has them, each by the bind of its recipient" access_log_right
# The answer to the refused one has no body (SMPP 3.4, 4.4.2); Kannel warns of the absent message_id and takes it all the same.
kannel_content() {
	grep -E "(WARNING|ERROR|PANIC):.*(PDU|SMPP)" "$dir/bearerbox.log" | grep -v 0x0000000b >"$dir/complaints" || true
	cat "$dir/complaints"
	[ "$(wc -l <"$dir/complaints")" = 1 ] && grep -q "(message_id) has no NULL" "$dir/complaints"
}
expect "Kannel found nothing else wrong with any PDU" kannel_content

stop "$capture"
submits() { # PORT: address, coding and octets of each submit_sm that went to this port, in order
	tshark -r "$dir/capture.pcapng" -d tcp.port==2775,smpp -d tcp.port==2776,smpp -Y "smpp.command_id == 4 && tcp.dstport == $1" -T pdml 2>/dev/null |
		perl -ne 'if (/<proto name="smpp"/) { %f = () }
			elsif (/<field name="smpp\.(command_id|destination_addr|data_coding|message)".* value="([0-9a-f]*)"/) { $f{$1} = $2 }
			elsif (m{</proto>} && ($f{command_id} // "") eq "00000004") { print join(" ", map { $f{$_} // "-" } qw(destination_addr data_coding message)), "\n"; %f = () }'
}
hex() { od -An -v -tx1 | tr -d ' \n'; }
same_on_both_sides() {
	local n to
	submits 2775 >"$dir/in"
	submits 2776 >"$dir/out"
	for n in 1 2 3 4 5 6; do
		to=$(printf 4670100000$n | hex)00
		grep "^$to " "$dir/in" >"$dir/in.$n"
		grep "^$to " "$dir/out" >"$dir/out.$n"
		diff "$dir/in.$n" "$dir/out.$n" || return 1
	done
}
expect "every message leaves with the coding and octets that Kannel gave it, parts in order" same_on_both_sides
on_wire() { [ "$(grep -c " $2$" "$dir/out.$1")" = 2 ]; } # N DCS HEX
expect "the extension table is on the wire as GSM 03.38 has it" \
	on_wire 2 "00 000102035b5c5d5e5f60201b651b3c1b2f1b3e1b141b281b401b291b3d20101213"
expect "UCS-2 is on the wire big-endian" on_wire 3 "08 $(printf 'Привет, 世界' | iconv -f UTF-8 -t UTF-16BE | hex)"
expect "binary is on the wire behind its header" on_wire 6 "04 0605040b8423f00001ff1b80"
expect "the long texts went in parts" eval '[ "$(wc -l <"$dir/out.4")" -ge 6 ] && [ "$(wc -l <"$dir/out.5")" -ge 6 ]'
finish
