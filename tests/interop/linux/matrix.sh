#!/bin/bash
# Our TCP against the kernel's: congestion controls, SACK, timestamps, window scaling, ECN, SYN cookies, RACK, MTU 576 to 9,000, small buffers, who
# connects, and what is done; every two values of every two of these meet in at least one run.
. "$(dirname "$0")/runs"
runs_begin cpm-matrix
python3 tests/interop/linux/pairs.py test=bulk,pingpong,churn,half,reset role=connect,listen device=xdp,tap,pcap mtu=576,1280,1500,3000,9000 \
	cc=cubic,$second sack=0,1 ts=0,1 ws=0,1 ecn=0,1,2 cookies=1,2 recovery=0,1 mem=small,default >"$dir/pairs"
while read -r row; do run $row; done <"$dir/pairs"
run role=connect test=churn count=10000 parallel=100
run role=listen test=churn count=10000 parallel=100
runs_end
