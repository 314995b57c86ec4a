#!/bin/bash
# SIP over IPv6 beside the kernel, two workers on one queue: peers that SIPp plays over UDP and TCP, Kamailio as proxy that challenges, devices that register
# with digest, peers by names that have addresses of both families. Addresses stand in Via, Contact and URIs as RFC 5118 has them.
sip=yes ip6=yes
hosts='six.example: "2001:2::4"'
. "$(dirname "$0")/../lib.sh"
. tests/interop/sip/sipp.inc
. tests/interop/port/dns.inc
stranger=2001:2::9
cat >"$dir/site.yaml" <<'SITE'
accounts:
  - {name: acme, password: secret1, window: 1000}
peers:
  - {name: smsc1, host: 198.18.0.2, port: 2776, password: pw, window: 500, reconnect: 1}
  - {name: udp, protocol: sip, host: "2001:2::3", transport: udp, window: 200, reconnect: 1}
  - {name: tcp, protocol: sip, host: six.example, transport: tcp, window: 200, reconnect: 1}
  - {name: dual4, protocol: sip, host: dual4.example, transport: udp, reconnect: 1, enquire_link: 1, response_time: 2}
  - {name: dual6, protocol: sip, host: dual6.example, transport: tcp, reconnect: 1}
  - {name: kam-udp, protocol: sip, host: "2001:2::5", transport: udp, password: kampw, reconnect: 1}
  - {name: kam-tcp, protocol: sip, host: "2001:2::6", transport: tcp, reconnect: 1}
routes:
  - {to: "+4670", via: [smsc1]}
  - {to: "+46721", via: [udp]}
  - {to: "+46722", via: [tcp]}
  - {to: "+46723", via: [kam-udp]}
  - {to: "+46724", via: [kam-tcp]}
  - {to: "+46725", via: [dual4]}
  - {to: "+46726", via: [dual6]}
  - {to: "+4673", via: [registered]}
subscribers:
  - {address: "+46731234567", sip: "sip:alice@example.org", password: secret}
  - {address: "+46732222222", sip: "sip:bob@example.org", password: other}
SITE
cat >"$dir/kamailio.cfg" <<'END'
log_stderror=yes
debug=1
children=2
tcp_children=2
auto_aliases=no
dns=no
rev_dns=no
listen=udp:[2001:2::5]:5060
listen=tcp:[2001:2::6]:5060
loadmodule "pv.so"
loadmodule "tm.so"
loadmodule "sl.so"
loadmodule "maxfwd.so"
loadmodule "textops.so"
loadmodule "siputils.so"
loadmodule "auth.so"
request_route {
	if (!mf_process_maxfwd_header("70")) {
		sl_send_reply("483", "Too Many Hops");
		exit;
	}
	if (is_method("OPTIONS")) {
		sl_send_reply("200", "OK");
		exit;
	}
	if (src_ip != [2001:2::1]) {
		if (proto == TCP) {
			$fs = "tcp:[2001:2::6]:5060";
			$du = "sip:[2001:2::1]:5060;transport=tcp";
		} else {
			$du = "sip:[2001:2::1]:5060";
		}
		t_relay();
		exit;
	}
	if (proto == UDP) {
		if (!pv_proxy_authenticate("kam.example", "kampw", "0")) {
			proxy_challenge("kam.example", "0");
			exit;
		}
		consume_credentials();
		$du = "sip:[2001:2::7]:5060";
	} else {
		$du = "sip:[2001:2::8]:5060;transport=tcp";
	}
	t_relay();
}
END
zone "dual4.example A 5 198.18.0.4" "dual4.example AAAA 5 2001:2::9" "dual6.example SRV 5 0 0 5060 host.example" "_sip._tcp.dual6.example SRV 5 0 0 5060 host.example" \
	"host.example A 5 198.18.0.9" "host.example AAAA 5 2001:2::4"
appliance cpm-sip6 "0, 1" "$dir/site.yaml"
dns_start
answering udp 2001:2::3 u1
answering tcp 2001:2::4 t1
answering dual4 198.18.0.4 u1
answering kam-udp 2001:2::7 u1
answering kam-tcp 2001:2::8 t1
start kamailio "$dir/kamailio.log" ip netns exec "$netns_name-b" kamailio -f "$dir/kamailio.cfg" -DD -E -m 64 -M 8 -Y "$dir" -w "$dir"
kamailio=$started
up() { for peer in udp tcp kam-udp kam-tcp; do bound $peer 1 || return 1; done; }
expect "SIPp and Kamailio answer OPTIONS over UDP, connections over TCP are open: the links are up" wait_for 20 "up" up

declare -A to=([udp]="+46721######" [tcp]="+46722######" [kam-udp]="+46723######" [kam-tcp]="+46724######")
for name in udp tcp kam-udp kam-tcp; do
	expect "500 texts arrive at $name once and byte for byte" texts_arrive ucs2 $name "${to[$name]}" 500
done
answering stream 2001:2::3 t1
expect "of a name with both families the one that answers is used: IPv4" wait_for 15 "up" bound dual4 1
expect "and IPv6" wait_for 15 "up" bound dual6 1
expect "100 texts arrive at the first" texts_arrive gsm7 dual4 "+46725######" 100
expect "and at the second" texts_arrive gsm7 tcp "+46726######" 100
more=$long
expect "50 texts that are too long for a datagram arrive at the UDP peer over TCP" texts_arrive latin1 stream "${to[udp]}" 50
more=

expect "texts with markers for the way back" submit 500 "${to[udp]}" --markers
injection udp >"$dir/texts.csv"
back() { # TITLE ADDRESS u1|t1
	centre_begin
	expect "SIPp sends these 500 to a message centre ($1)" sipp uac.xml "$2" $3 -p 5070 -inf "$dir/texts.csv" -m 500 -r 500 -l 200
	expect "each arrives there once and unchanged" centre_has_all "$dir/texts.csv"
}
back "over UDP" 2001:2::3 u1
back "over TCP" 2001:2::3 t1
remote='[2001:2::5]:5060'
back "through Kamailio over UDP" 2001:2::9 u1
remote='[2001:2::6]:5060'
back "through Kamailio over TCP" 2001:2::9 t1
remote=

register() { # PASSWORD
	local with
	with=$(authorization sha256 alice "$1" REGISTER sip:example.org) && sipp register.xml 2001:2::2 u1 -p 5060 -s alice -key authorization "$with" -m 1
}
expect "a wrong password does not register" eval '! register wrong && registered 0'
expect "the right one does" eval 'register secret && registered 1'
contact() { ctl --json registration list | jq -r '. as $t | .rows[] | .[$t.columns | index("contact")]'; }
expect "its contact is what it wrote" eval '[ "$(contact)" = "sip:alice@[2001:2::2]:5060;transport=UDP" ]'
answering alice 2001:2::2 u1
expect "300 texts arrive at its number" texts_arrive gsm7 alice +46731234567 300
silence

with=$(authorization md5 bob other REGISTER sip:example.org)
start bob "$dir/bob.log" ip netns exec "$netns_name-b" sipp -sf $scenarios/register.xml -oocsf $scenarios/uas.xml '[2001:2::1]:5060' -i 2001:2::8 -bind_local -p 5060 -t t1 \
	-nostdin -s bob -key authorization "$with" -m 1 -d 60000 -trace_logs -log_file "$dir/bob.texts" -trace_err -error_file "$dir/bob.errors"
answering=$started
expect "a device registers over TCP" wait_for 5 "registration" registered 2
expect "300 texts arrive at its number over the connection that it registered on" texts_arrive latin1 bob +46732222222 300
silence
expect "one is forgotten when it is removed, the other with its connection" eval 'forgotten udp sip:alice@example.org && forgotten tcp sip:bob@example.org'

# RFC 3581 and RFC 5118, 4.5: who names itself wrongly is answered where it is, and told where that is.
options() { # SENT-BY
	in_peers perl -MIO::Socket::IP -we 'my $s = IO::Socket::IP->new(Proto => "udp", LocalHost => "2001:2::9", LocalPort => 5099, PeerHost => "2001:2::1", PeerPort => 5060);
		$s->send("OPTIONS sip:[2001:2::1] SIP/2.0\r\nVia: SIP/2.0/UDP $ARGV[0];branch=z9hG4bK$$;rport\r\nMax-Forwards: 70\r\nFrom: <sip:a@[2001:2::9]>;tag=1\r\n"
			. "To: <sip:[2001:2::1]>\r\nCall-ID: $$\@[2001:2::9]\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n"); alarm 3; $s->recv(my $a, 65535); print $a' "$1" >"$dir/options"
	grep "^SIP/2.0 200" "$dir/options" && grep -i "^Via:" "$dir/options"
}
for sent_by in '[2001:db8::99]:5060' 'device.invalid' '192.0.2.1:5060' '[2001:2::9]:5060'; do
	expect "a request by way of $sent_by is answered where it comes from" options "$sent_by"
	expect "with received and rport" grep -qiE '^Via:.*;received=2001:2::9;rport=5099|^Via:.*;rport=5099;received=2001:2::9' "$dir/options"
done

kill -0 "$kamailio"
finish
