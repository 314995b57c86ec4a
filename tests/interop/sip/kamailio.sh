#!/bin/bash
# Kamailio as stateful proxy and registrar between the appliance and SIPp: both ways, over UDP, where it challenges the appliance, and TCP. It goes away
# and comes back: links follow, and messages go to another target meanwhile.
sip=yes
. "$(dirname "$0")/../lib.sh"
. tests/interop/sip/sipp.inc
cat >"$dir/site.yaml" <<'SITE'
accounts:
  - {name: acme, password: secret1, window: 1000}
peers:
  - {name: smsc1, host: 198.18.0.2, port: 2776, password: pw, window: 500, reconnect: 1}
  - {name: kam-udp, protocol: sip, host: 198.18.0.5, transport: udp, password: kampw, reconnect: 1, enquire_link: 1, response_time: 2}
  - {name: kam-tcp, protocol: sip, host: 198.18.0.6, transport: tcp, reconnect: 1, enquire_link: 1, response_time: 2}
  - {name: other, protocol: sip, host: 198.18.0.3, transport: udp}
routes:
  - {to: "+4670", via: [smsc1]}
  - {to: "+46721", via: [kam-udp, other]}
  - {to: "+46722", via: [kam-tcp, other]}
  - {to: "+46723", via: [kam-udp]}
SITE
cat >"$dir/kamailio.cfg" <<EOF2
log_stderror=yes
debug=1
children=2
tcp_children=2
tcp_conn_wq_max=4194304
auto_aliases=no
dns=no
rev_dns=no
listen=udp:198.18.0.5:5060
listen=tcp:198.18.0.6:5060
loadmodule "pv.so"
loadmodule "tm.so"
loadmodule "sl.so"
loadmodule "maxfwd.so"
loadmodule "usrloc.so"
loadmodule "registrar.so"
loadmodule "textops.so"
loadmodule "siputils.so"
loadmodule "auth.so"
modparam("usrloc", "db_mode", 0)
request_route {
	if (!mf_process_maxfwd_header("70")) {
		sl_send_reply("483", "Too Many Hops");
		exit;
	}
	if (is_method("OPTIONS")) {
		sl_send_reply("200", "OK");
		exit;
	}
	if (is_method("REGISTER")) {
		save("location");
		exit;
	}
	if (src_ip != 198.18.0.1) {
		if (proto == TCP) {
			\$fs = "tcp:198.18.0.6:5060";
			\$du = "sip:198.18.0.1:5060;transport=tcp";
		} else {
			\$du = "sip:198.18.0.1:5060";
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
	}
	if (\$rU =~ "^\\+46723") {
		if (!lookup("location")) {
			sl_send_reply("404", "Not Found");
			exit;
		}
	} else if (\$rU =~ "^\\+46722") {
		\$du = "sip:198.18.0.8:5060;transport=tcp";
	} else {
		\$du = "sip:198.18.0.7:5060";
	}
	t_relay();
}
EOF2
kamailio() {
	start kamailio "$dir/kamailio.log" ip netns exec "$netns_name-b" kamailio -f "$dir/kamailio.cfg" -DD -E -m 64 -M 8 -Y "$dir" -w "$dir"
	kamailio=$started
}
up() { bound kam-udp 1 && bound kam-tcp 1; }
down() { ! bound kam-udp 1 && ! bound kam-tcp 1; }
declare -A to=([udp]='+46721######' [tcp]='+46722######')

appliance cpm-kamailio "0, 1" "$dir/site.yaml"
answering udp 198.18.0.7 u1
answering tcp 198.18.0.8 t1
answering other 198.18.0.3 u1
kamailio
expect "Kamailio answers OPTIONS: the links are up" wait_for 15 "up" eval "up && bound other 1"
for transport in udp tcp; do
	expect "500 texts arrive through it over $transport once and byte for byte" texts_arrive ucs2 $transport "${to[$transport]}" 500
done
expect "500 texts with markers for the way back" submit 500 '+46721######' --markers
injection udp >"$dir/texts.csv"
for transport in u1:5 t1:6; do
	centre_begin
	remote=198.18.0.${transport#*:}:5060
	expect "SIPp sends these through Kamailio to a message centre (${transport%:*})" \
		sipp uac.xml 198.18.0.9 ${transport%:*} -p 5070 -inf "$dir/texts.csv" -m 500 -r 500 -l 200
	expect "each arrives there once and unchanged" centre_has_all "$dir/texts.csv"
done


expect "a number that nobody has registered at Kamailio is refused" eval '! texts_arrive gsm7 udp +46723000001 1 && [ "$(refused PEER_UNKNOWN)" -gt 0 ]'
remote=198.18.0.5:5060
expect "a device registers at Kamailio" sipp register.xml 198.18.0.9 u1 -p 5060 -s '+46723000001' -key authorization 'Digest username="none"' -m 1
answering device 198.18.0.9 u1
expect "300 texts arrive at it through Kamailio" texts_arrive latin1 device +46723000001 300

stop "$kamailio"
expect "Kamailio is gone: both links go down" wait_for 20 "down" down
for transport in udp tcp; do
	expect "200 texts for $transport go to the other target meanwhile" texts_arrive ucs2 other "${to[$transport]}" 200
done
kamailio
expect "Kamailio is back: both links come up" wait_for 20 "up" up
for transport in udp tcp; do
	expect "500 texts arrive through it over $transport again" texts_arrive gsm7 $transport "${to[$transport]}" 500
done
silence
finish
