#!/bin/bash
# dpdk-dumpcap on an appliance at work. It is a second process of DPDK: it finds the first by its node's name and shares its huge pages.
capture_wanted=no
. "$(dirname "$0")/../lib.sh"
cat >"$dir/site.yaml" <<'EOT'
accounts:
  - {name: acme, password: secret1}
peers:
  - {name: smsc1, host: 198.18.0.2, port: 2776, password: pw, connections: 2}
routes:
  - {to: "+4670", via: [smsc1]}
EOT
messages() {
	in_peers timeout 60 "$build/cpm-load" esme --connect 198.18.0.1:2775 --system-id acme --password secret1 \
		--from +4611111 --to '+4670#######' --sessions 2 --window 20 --count 500 --record "$dir/sent"
}
frames() { tshark -r "$dir/live.pcapng" -d tcp.port==2775,smpp -d tcp.port==2776,smpp "$@" 2>/dev/null; }
pdus() { frames -Y "smpp.command_id == $1 && $2" -T fields -e smpp.command_id | tr ',' '\n' | grep -c .; }

pages=$(tools/dev/hugepages 256)
if [ "$(cat /sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages)" -ge 256 ] && grep -q ' hugetlbfs ' /proc/mounts; then
	hugepages=required appliance cpm-dumpcap 0 "$dir/site.yaml"
	start smsc "$dir/smsc.log" ip netns exec "$netns_name-b" "$build/cpm-load" smsc --listen 198.18.0.2:2776 --record "$dir/received"
	smsc=$started
	expect "the links are bound" wait_for 15 "bound" bound smsc1 2
	expect "dpdk-dumpcap lists the port" eval 'dpdk-dumpcap --file-prefix=cpm-dumpcap -D 2>/dev/null | grep "net_af_xdp0"'
	start dumpcap "$dir/dumpcap.log" dpdk-dumpcap --file-prefix=cpm-dumpcap -p -i net_af_xdp0 -f "tcp" -w "$dir/live.pcapng"
	dumpcap=$started
	expect "it captures" wait_for 10 "capturing" grep -q "Packets captured" "$dir/dumpcap.log"
	expect "500 messages while it captures" messages
	kill -INT "$dumpcap"
	expect "it ends at once when asked to" wait_for 5 "ended" eval '! kill -0 '"$dumpcap"
	expect "every submit_sm is in the capture, in and out" eval '[ "$(pdus 4 "ip.dst == 198.18.0.1")" = 500 ] && [ "$(pdus 4 "ip.src == 198.18.0.1")" = 500 ]'
	expect "tshark finds no malformed frame there" eval '[ -z "$(frames -Y _ws.malformed)" ]'
	stop "$smsc"
	expect "no message was lost, repeated or changed meanwhile" "$build/cpm-load" verify --sent "$dir/sent" --received "$dir/received"
	netns_down
else
	echo "this machine gives no huge pages: dpdk-dumpcap cannot be tried with them"
fi
tools/dev/hugepages -"$pages"

rm -rf "$dir/run" "$dir/state"
hugepages=off appliance cpm-dumpcap 0 "$dir/site.yaml"
expect "without huge pages dpdk-dumpcap says that it cannot, and the appliance goes on" eval \
	'! timeout 10 dpdk-dumpcap --file-prefix=cpm-dumpcap -p -i net_af_xdp0 -a duration:1 -w "$dir/none.pcapng" >"$dir/dumpcap.log" 2>&1 && in_step'
finish
