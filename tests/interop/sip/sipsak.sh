#!/bin/bash
# sipsak: questions, messages and registrations as one tries them by hand, from a stranger's address and from a peer's. (Its own -M ends in a
# segmentation fault in Debian 12, so messages are files; it answers no challenge whose first algorithm is not MD5.)
sip=yes
. "$(dirname "$0")/../lib.sh"
cat >"$dir/site.yaml" <<'SITE'
peers:
  - {name: smsc1, host: 198.18.0.2, port: 2776, password: pw}
  - {name: gateway, protocol: sip, host: 198.18.0.3, transport: tcp}
routes:
  - {to: "+4670", via: [smsc1]}
subscribers:
  - {address: "+46731234567", sip: "sip:alice@example.org", password: secret}
SITE
appliance cpm-sipsak 0 "$dir/site.yaml"
start smsc "$dir/smsc.log" ip netns exec "$netns_name-b" "$build/cpm-load" smsc --listen 198.18.0.2:2776 --record "$dir/received"
centre=$started
expect "the link to the message centre is bound" wait_for 15 "bound" bound smsc1 1
from() { ip -n "$netns_name-b" route replace 198.18.0.0/24 dev veth-peer src "$1"; } # sipsak cannot choose
answered() { # STATUS OPTION...
	local status=$1
	shift
	in_peers timeout 20 sipsak -vvv "$@" >"$dir/answer" 2>&1 || true
	cat "$dir/answer"
	grep -q "^SIP/2.0 $status " "$dir/answer"
}
message() { # ADDRESS TEXT > FILE
	printf 'MESSAGE sip:+46701234567@198.18.0.1 SIP/2.0\nFrom: <sip:+46721111111@%s>;tag=%s\nTo: <sip:+46701234567@198.18.0.1>\nCall-ID: %s@%s\n' "$1" $RANDOM \
		"$RANDOM$RANDOM" "$1"
	printf 'CSeq: 1 MESSAGE\nMax-Forwards: 70\nContent-Type: text/plain\nContent-Length: %s\n\n%s' ${#2} "$2"
}

from 198.18.0.9
for transport in udp tcp; do
	expect "OPTIONS is answered over $transport" answered 200 -E $transport -s sip:198.18.0.1
	expect "with what is understood here" grep -q "^Allow: MESSAGE, OPTIONS, REGISTER" "$dir/answer"
	expect "OPTIONS that goes no further is answered, too" answered 200 -E $transport -m 0 -s sip:198.18.0.1
	message 198.18.0.9 hello >"$dir/message"
	expect "a message of a stranger is challenged over $transport" answered 401 -E $transport -f "$dir/message" -s sip:198.18.0.1
	expect "a registration is challenged" answered 401 -i -E $transport -U -C sip:alice@198.18.0.9:7000 -x 300 -u alice -a secret -s sip:alice@198.18.0.1
	expect "with SHA-256 first, then MD5, for the domain" test "$(sed -n 's/^WWW-Authenticate: Digest \(realm="[^"]*"\).* algorithm=\([^,]*\).*/\1 \2/p' "$dir/answer" |
		tr '\n' ' ')" = 'realm="example.org" SHA-256 realm="example.org" MD5 '
done
from 198.18.0.3
for transport in udp tcp; do
	message 198.18.0.3 "by hand over $transport" >"$dir/message"
	expect "a message of a peer is accepted over $transport" answered 202 -E $transport -f "$dir/message" -s sip:198.18.0.1
	message 198.18.0.3 "too far" >"$dir/message"
	expect "one that may go no further is refused" answered 483 -E $transport -m 0 -f "$dir/message" -s sip:198.18.0.1
done
stop "$centre"
expect "the message centre has both, and no other" test "$(grep -c '^R' "$dir/received")" = 2
finish
