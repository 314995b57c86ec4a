#!/bin/bash
# Our TCP against the kernel's: IPv4 and IPv6, congestion controls, SACK, timestamps, window scaling, ECN, SYN cookies, RACK, MTU 576 to 9,000, small buffers, who
# connects, and what is done; every two values of every two of these meet in at least one run.
. "$(dirname "$0")/runs"
runs_begin cpm-matrix
python3 tests/interop/linux/pairs.py test=bulk,pingpong,churn,half,reset role=connect,listen family=4,6 device=xdp,tap,pcap mtu=576,1280,1500,3000,9000 \
	cc=cubic,$second sack=0,1 ts=0,1 ws=0,1 ecn=0,1,2 cookies=1,2 recovery=0,1 mem=small,default half=0,1 >"$dir/pairs"
while read -r row; do run $row; done <"$dir/pairs"
# Some of each, with everything that crosses the wire judged by tshark.
ip -n "$netns_name-b" link set veth-peer mtu 1500
start capture "$dir/capture" ip netns exec "$netns_name-b" dumpcap -q -i veth-peer -f "tcp or arp or icmp or icmp6" -w "$dir/capture.pcapng"
capture=$started
wait_for 10 "the capture runs" test -s "$dir/capture.pcapng"
run role=connect test=reset
run role=listen test=reset
for test in bulk pingpong churn half; do # a reset that is lost is not sent again
	run role=connect test=$test bytes=500000 count=100 loss=10 reorder=10 ecn=1
	run role=listen test=$test bytes=500000 count=100 loss=10 reorder=10 direction=rx cookies=2 family=6
done
stop "$capture"
# A checksum of 0xffff stands for 0 as well (RFC 1624).
malformed=$(tshark -r "$dir/capture.pcapng" -o tcp.check_checksum:TRUE -o ip.check_checksum:TRUE -T fields -e frame.number -e ip.src -e _ws.expert.message \
	-Y "_ws.malformed || (tcp.checksum.status == 0 && !(tcp.checksum == 0xffff && tcp.checksum_calculated == 0)) || ip.checksum.status == 0 || icmpv6.checksum.status == 0" 2>/dev/null | head -5)
frames=$(capinfos -cMT "$dir/capture.pcapng" | tail -1 | cut -f2)
[ -z "$malformed" ] && [ "$frames" -gt 2000 ] || { echo "NOT OK: of $frames frames are malformed for tshark: $malformed" >&2; exit 1; }
echo "tshark finds none of $frames frames malformed"
run role=connect test=churn count=10000 parallel=100
run role=listen test=churn count=10000 parallel=100
runs_end
