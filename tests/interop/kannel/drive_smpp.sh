#!/bin/bash
# drive_smpp, the SMSC of Kannel's own checks, behind the appliance, and Kannel's bearerbox and smsbox as the customer before it: messages of the SMSC go through
# us to bearerbox and on to smsbox, and its answer to each comes back the other way. Every part counts for itself.
# drive_smpp knows separate binds only, so it is two peers; it numbers its PDUs from 0, has up to 500 messages in flight, and ends when a session ends.
. "$(dirname "$0")/../lib.sh"
drive_smpp=/usr/lib/kannel/test/drive_smpp
messages=1000
cat >"$dir/site.yaml" <<'EOF'
accounts:
  - {name: kannel, password: secret1, window: 1000}
peers:
  - {name: drive-rx, host: 198.18.0.2, port: 2345, bind: receiver, window: 1000, reconnect: 1}
  - {name: drive-tx, host: 198.18.0.2, port: 2345, bind: transmitter, window: 1000, reconnect: 1}
routes:
  - {to: "+123", via: [kannel]}
  - {to: "+456", via: [drive-tx]}
EOF
cat >"$dir/kannel.conf" <<EOF
group = core
admin-port = 13000
admin-password = admin
admin-interface = 127.0.0.1
smsbox-port = 13001
smsbox-interface = 127.0.0.1
box-allow-ip = "127.0.0.1"
log-file = $dir/bearerbox.log
log-level = 0
access-log = $dir/access.log

group = smsc
smsc = smpp
smsc-id = cpm
host = 198.18.0.1
port = 2775
transceiver-mode = true
smsc-username = kannel
smsc-password = secret1
system-type = VMA
max-pending-submits = 100
reconnect-delay = 1

group = smsbox
bearerbox-host = 127.0.0.1
sendsms-port = 13013
sendsms-interface = 127.0.0.1
global-sender = 123
log-file = $dir/smsbox.log
log-level = 0

group = sms-service
keyword = default
catch-all = true
text = "answer to %a"
EOF
appliance cpm-drive 0 "$dir/site.yaml"
expect "Kannel and its drive_smpp are installed" test -x $drive_smpp -a -x "$(command -v bearerbox)"
start bearerbox "$dir/bearerbox.out.log" ip netns exec "$netns_name-b" bearerbox -v 4 "$dir/kannel.conf"
expect "bearerbox binds to us" wait_for 20 "bound" bound kannel 1
start smsbox "$dir/smsbox.out.log" ip netns exec "$netns_name-b" smsbox -v 4 "$dir/kannel.conf"
box_connected() { grep -q "identified itself as" "$dir/bearerbox.log" || grep -q "Connected to bearerbox" "$dir/smsbox.log"; }
expect "smsbox connects to bearerbox" wait_for 20 "box" box_connected
start drive "$dir/drive.out.log" ip netns exec "$netns_name-b" $drive_smpp -v 4 -l "$dir/drive.log" -p 2345 -m $messages
drive=$started
all_sent() { grep -q "All messages sent to ESME" "$dir/drive.log"; }
expect "we bind to drive_smpp, and it sends its $messages messages" wait_for 40 "sent" all_sent
all_back() { grep -q "ESME has submitted all messages to SMSC" "$dir/drive.log"; }
expect "all reach bearerbox, and all answers come back to the SMSC" wait_for 40 "answers" all_back
expect "drive-rx and drive-tx are both bound" eval "bound drive-rx 1 && bound drive-tx 1"
delivered() { [ "$(metric messages_delivered)" = $((2 * messages)) ] && [ "$(metric messages_open)" = 0 ]; }
expect "the appliance has delivered as many, and waits for none" wait_for 10 "results" delivered
access_log() { [ "$(grep -c 'Receive SMS' "$dir/access.log")" = $messages ] && [ "$(grep -c 'Sent SMS' "$dir/access.log")" = $messages ]; }
expect "Kannel's access log counts $messages each way" wait_for 10 "access log" access_log
texts() { # each of 1 to $messages once and in order
	grep 'Receive SMS' "$dir/access.log" | sed 's/.*\[msg:[0-9]*:\([0-9]*\)\].*/\1/' | diff - <(seq $messages)
}
expect "Kannel has the SMSC's texts, each once and in order" texts
ctl peer remove drive-rx >/dev/null
ctl route remove +456 >/dev/null
ctl peer remove drive-tx >/dev/null
expect "drive_smpp sees its sessions end in order and ends itself" wait_for 15 "end" eval '! kill -0 "$drive"'
says() { grep -q "INFO: $1: $messages\$" "$dir/drive.log"; }
expect "drive_smpp counts $messages sent to the ESME" says "Number of messages sent to ESME"
expect "drive_smpp counts $messages taken back from the ESME" says "Number of messages sent to SMSC"
expect "drive_smpp understood every PDU" eval '! grep -E "WARNING|ERROR|PANIC|Unhandled" "$dir/drive.log"'
finish
