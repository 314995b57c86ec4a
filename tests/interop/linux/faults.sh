#!/bin/bash
# Our TCP against the kernel's over a bad link: loss, reordering, duplication and corruption from the fault injector of our port, in both directions.
. "$(dirname "$0")/runs"
runs_begin cpm-faults
for cc in cubic $second; do
	for role in connect listen; do
		run role=$role cc=$cc test=bulk bytes=4000000 loss=1
		run role=$role cc=$cc test=bulk bytes=2000000 loss=10
		run role=$role cc=$cc test=bulk bytes=400000 loss=50
		run role=$role cc=$cc test=bulk bytes=60000 loss=200 limit=60
	done
done
for row in "family=6" "sack=0" "recovery=0" "ts=0" "mem=small" "ws=0 ecn=1"; do
	run role=connect test=bulk bytes=400000 loss=20 $row
	run role=listen test=pingpong count=300 loss=20 $row
done
run role=connect test=bulk bytes=4000000 reorder=100
run role=listen test=bulk bytes=4000000 reorder=100 sack=0
run role=connect test=bulk bytes=4000000 duplicate=100
run role=listen test=bulk bytes=4000000 corrupt=10
run role=connect test=bulk bytes=4000000 delay=5000
run role=listen test=bulk bytes=1000000 delay=2000 loss=5 reorder=20 duplicate=20 corrupt=5
run role=connect test=bulk bytes=1000000 delay=2000 loss=5 reorder=20 duplicate=20 corrupt=5 cc=$second
run role=connect test=churn count=500 loss=20 reorder=20 duplicate=20 corrupt=10 limit=60
run role=listen test=churn count=500 loss=20 reorder=20 duplicate=20 corrupt=10 limit=60
run role=connect test=half bytes=400000 loss=20 reorder=20
run role=listen test=half bytes=400000 loss=20 reorder=20
runs_end
