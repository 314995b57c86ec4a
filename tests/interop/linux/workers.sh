#!/bin/bash
# Our TCP on two workers against the kernel's: over a device with one queue, where the first worker receives and sends for both; over one with a queue
# for each, where the kernel chooses; and with every packet passed on as if it had come to the wrong worker.
. "$(dirname "$0")/runs"
veth_queues=1
runs_begin cpm-workers
for role in connect listen; do
	run role=$role test=bulk parallel=4 bytes=2000000 workers=2
	run role=$role test=bulk parallel=4 bytes=2000000 workers=2 forward=1 mtu=576 sack=0
	run role=$role test=churn count=1000 parallel=20 workers=2 forward=1 cookies=2
done
veth_queues=2
runs_begin cpm-workers
for role in connect listen; do
	run role=$role test=bulk parallel=4 bytes=2000000 workers=2 device=packet2
	run role=$role test=bulk parallel=4 bytes=200000 workers=2 forward=1 device=packet2 loss=20 reorder=20 duplicate=20 corrupt=10 cc=$second
	run role=$role test=pingpong parallel=4 count=500 workers=2 forward=1 device=packet2 ts=0
	run role=$role test=half parallel=4 bytes=400000 workers=2 forward=1 device=packet2 ws=0
	run role=$role test=reset count=100 workers=2 forward=1 device=packet2
done
runs_end
