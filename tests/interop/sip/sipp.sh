#!/bin/bash
# SIPp: peers that answer MESSAGE and OPTIONS over UDP and TCP, one that sends, devices that register, strangers.
sip=yes malformed_from=198.18.0.8
. "$(dirname "$0")/../lib.sh"
. tests/interop/sip/sipp.inc
cat >"$dir/site.yaml" <<'SITE'
accounts:
  - {name: acme, password: secret1, window: 1000}
peers:
  - {name: smsc1, host: 198.18.0.2, port: 2776, password: pw, window: 500}
  - {name: udp, protocol: sip, host: 198.18.0.3, transport: udp, window: 200, reconnect: 1, response_time: 32}
  - {name: tcp, protocol: sip, host: 198.18.0.4, transport: tcp, window: 200, reconnect: 1}
routes:
  - {to: "+4670", via: [smsc1]}
  - {to: "+46721", via: [udp]}
  - {to: "+46722", via: [tcp]}
  - {to: "+4673", via: [registered]}
subscribers:
  - {address: "+46731234567", sip: "sip:alice@example.org", password: secret}
  - {address: "+46732222222", sip: "sip:bob@example.org", password: other}
SITE
appliance cpm-sipp "0, 1" "$dir/site.yaml"
answering udp 198.18.0.3 u1
answering tcp 198.18.0.4 t1
expect "SIPp answers OPTIONS over UDP, a connection over TCP is open: the links are up" wait_for 15 "up" eval "bound udp 1 && bound tcp 1"

declare -A to=([udp]="+46721######" [tcp]="+46722######")
for coding in gsm7 latin1 ucs2; do
	for transport in udp tcp; do
		expect "1,000 texts in $coding arrive over $transport once and byte for byte" texts_arrive $coding $transport "${to[$transport]}" 1000
	done
done

answering stream 198.18.0.3 t1
more=$long
expect "50 texts that are too long for a datagram arrive at the UDP peer over TCP" texts_arrive latin1 stream "${to[udp]}" 50
more=

expect "texts with markers for the way back" submit 1000 '+46721######' --markers
injection udp >"$dir/texts.csv"
for transport in u1 t1; do
	centre_begin
	expect "SIPp sends these 1,000 to a message centre ($transport)" \
		sipp uac.xml 198.18.0.3 $transport -p 5070 -inf "$dir/texts.csv" -m 1000 -r 500 -l 200
	expect "each arrives there once and unchanged" centre_has_all "$dir/texts.csv"
done


register() { # md5|sha256 PASSWORD
	local with
	with=$(authorization "$1" alice "$2" REGISTER sip:example.org) && sipp register.xml 198.18.0.5 u1 -p 5060 -s alice -key authorization "$with" -m 1
}
for algorithm in md5 sha256; do
	expect "a wrong password does not register ($algorithm)" eval '! register $algorithm wrong && registered 0'
	expect "the right one does" eval 'register $algorithm secret && registered 1'
	expect "it is removed" eval 'ctl registration remove sip:alice@example.org && registered 0'
done
expect "two passwords were wrong" test "$(refused PASSWORD)" = 2
expect "the device registers again" register sha256 secret
answering alice 198.18.0.5 u1
expect "300 texts arrive at the number of who has registered" texts_arrive ucs2 alice +46731234567 300
silence

with=$(authorization md5 bob other REGISTER sip:example.org)
start bob "$dir/bob.log" ip netns exec "$netns_name-b" sipp -sf $scenarios/register.xml -oocsf $scenarios/uas.xml 198.18.0.1:5060 -i 198.18.0.6 -bind_local -p 5060 -t t1 \
	-nostdin -s bob -key authorization "$with" -m 1 -d 60000 -trace_logs -log_file "$dir/bob.texts" -trace_err -error_file "$dir/bob.errors"
answering=$started
expect "a device registers over TCP" wait_for 5 "registration" registered 2
expect "300 texts arrive at its number over the connection that it registered on" texts_arrive latin1 bob +46732222222 300
silence

expect "a message of a stranger is challenged, over UDP" sipp stranger.xml 198.18.0.9 u1 -m 20 -r 100
expect "and over TCP" sipp stranger.xml 198.18.0.9 t1 -m 20 -r 100
expect "nothing sent to a stranger is more than one datagram for one, and thrice its bytes" in_peers timeout 30 "$(command -v perl)" $scenarios/stranger.pl
sed 's/^/   /' "$dir/expect.log"

finish
