# Sourced by each interop test: an appliance on a network of its own (tools/dev/netns.sh), everything that crosses the wire captured, and a verdict
# that no frame of it is malformed in the eyes of tshark.
#   appliance NAME CORES SITE   starts dataplane and control and applies the site file
#   ctl WORDS...                cpmctl at this appliance
#   expect TITLE CMD...         a behaviour, named; the first that fails ends the test
#   finish                      the capture's verdict; last
set -euo pipefail
cd "$(dirname "$0")/../../.."
build=${BUILD:-build}
. tools/dev/netns.sh
dir=$(mktemp -d /tmp/cpm-interop.XXXXXX)
failed_at=
on_exit() {
	local status=$?
	set +e # whatever fails here, what was started is stopped
	if [ "$status" != 0 ]; then
		echo "--- test ends with status $status${failed_at:+ at: $failed_at}; the last words of each log:" >&2
		for log in "$dir"/*.log; do
			echo "--- $(basename "$log")" >&2
			tail -n 8 "$log" >&2
		done
	fi
	netns_down
	rm -rf "$dir"
	exit "$status"
}
trap on_exit EXIT
trap 'exit 1' INT TERM

dataplane_start() {
	rm -f "$dir/run/dataplane.sock"
	start dataplane "$dir/dataplane.log" ip netns exec "$netns_name-a" "$build/cpm-dataplane" --config "$dir/cpm.yaml"
	dataplane_pid=$started
	wait_for 30 "the dataplane opens its socket" test -S "$dir/run/dataplane.sock"
}

control_start() {
	start control "$dir/control.log" "$build/cpm-control" --config "$dir/cpm.yaml"
	control_pid=$started
	wait_for 30 "control answers and is in step" in_step
}

ctl() { "$build/cpmctl" --socket "$dir/run/control.sock" "$@"; }
in_step() { [ "$(ctl --json status | jq -r '.rows[] | select(.[0] == "in step") | .[1]')" = true ]; }
metric() { ctl --json metric "$1" | jq -r --arg n "$1" '[.rows[] | select(.[0] == $n) | .[1] | tonumber] | add // 0'; }
bound() { # PARTY COUNT: so many sessions of an account or peer are bound
	[ "$(ctl --json session list | jq --arg p "$1" '. as $t | [.rows[] | select(.[$t.columns | index("party")] == $p and .[$t.columns | index("state")] == "bound")] | length')" -ge "$2" ]
}

appliance() {
	netns_up "$1"
	appliance_config "$dir" "$2" >"$dir/cpm.yaml"
	capture=
	if [ "${capture_wanted:-yes}" = yes ]; then
		start capture "$dir/capture.log" ip netns exec "$netns_name-b" dumpcap -q -i veth-peer -f "ip or arp or ip6" -w "$dir/capture.pcapng"
		capture=$started
		wait_for 10 "the capture runs" test -s "$dir/capture.pcapng"
	fi
	dataplane_start
	control_start
	ctl apply -f "$3" | tail -1
}

expect() {
	failed_at=$1
	shift
	if "$@" >"$dir/expect.log" 2>&1; then
		echo "ok: $failed_at"
		failed_at=
	else
		cat "$dir/expect.log" >&2
		echo "NOT OK: $failed_at" >&2
		return 1
	fi
}

# A TCP checksum of 0xffff stands for 0 as well (RFC 1624): one frame in 65,536 of Linux has it where it sums in software.
# $malformed_from: an address that sends malformed frames on purpose. $not_dissected: options of tshark, for protocols that the test judges itself.
# What an ICMP error quotes is cut (RFC 1812, 4.3.2.3), and so malformed to who reads it as a message.
# The end tag of a stream of XMPP is one without a start to tshark, which looks at each frame's XML by itself.
nothing_malformed() {
	local found
	found=$(tshark -r "$dir/capture.pcapng" ${not_dissected:-} -d tcp.port==2775,smpp -d tcp.port==2776,smpp -d tcp.port==2345,smpp \
		-Y "(_ws.malformed && !(xmpp && _ws.expert.message contains \"unopened tag\") && !(icmp.type == 3 || icmpv6.type == 1)${malformed_from:+ && !(ip.src == $malformed_from)}) || (tcp.checksum.status == 0 && !(tcp.checksum == 0xffff && tcp.checksum_calculated == 0)) || udp.checksum.status == 0 || ip.checksum.status == 0 || icmpv6.checksum.status == 0" \
		-o tcp.check_checksum:TRUE -o udp.check_checksum:TRUE -o ip.check_checksum:TRUE -T fields -e frame.number -e ip.src -e tcp.dstport -e tcp.len \
		-e tcp.checksum.status -e tcp.analysis.flags -e tcp.payload -e _ws.expert.message -e _ws.col.Info 2>/dev/null)
	[ -z "$found" ] || { echo "$found" | head -20; return 1; }
	tshark -r "$dir/capture.pcapng" -d tcp.port==2775,smpp -d tcp.port==2776,smpp -d tcp.port==2345,smpp -Y "smpp || sip" -T fields -e smpp.command_id -e sip.CSeq 2>/dev/null |
		tr ',' '\n' | grep -c . >"$dir/pdus"
	[ "$(cat "$dir/pdus")" -gt 0 ]
}

finish() {
	if [ -n "$capture" ]; then
		stop "$capture"
		expect "tshark finds no malformed frame and no wrong checksum in the capture" nothing_malformed
		echo "   ($(cat "$dir/pdus") PDUs looked at)"
	fi
	kill -0 "$dataplane_pid" && kill -0 "$control_pid"
	echo "passed: $(basename "$0")"
}
