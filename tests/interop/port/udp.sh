#!/bin/bash
# UDP over AF_XDP against the kernel, both families: datagrams of every kind of size come back unchanged, in fragments where they are large, the
# kernel's smaller ones too; large pings are answered; a closed port is unreachable.
set -euo pipefail
cd "$(dirname "$0")/../../.."
build=${BUILD:-build}
. tools/dev/netns.sh
dir=$(mktemp -d /tmp/cpm-udp.XXXXXX)
on_exit() {
	local status=$?
	set +e
	[ "$status" = 0 ] || tail -n 30 "$dir"/*.log >&2
	netns_down
	rm -rf "$dir"
	exit "$status"
}
trap on_exit EXIT
trap 'exit 1' INT TERM
expect() {
	local title=$1
	shift
	"$@" >"$dir/expect.log" 2>&1 || { cat "$dir/expect.log" >&2; echo "NOT OK: $title" >&2; return 1; }
	echo "ok: $title"
}

cat >"$dir/ask.py" <<'PY'
import hashlib, random, socket, sys
address, sizes = sys.argv[1], [int(n) for n in sys.argv[2:]]
s = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(2)
s.connect((address, 7))
for n in sizes:
    sent = random.Random(n).randbytes(n)
    for attempt in range(3):        # the first may be lost while the neighbour is unknown
        s.send(sent)
        try:
            got = s.recv(65535)
            break
        except socket.timeout:
            got = None
    assert got == sent, f"{n} bytes: {'nothing' if got is None else len(got)}"
print(f"{len(sizes)} datagrams, {sum(sizes)} bytes")
PY
cat >"$dir/closed.py" <<'PY'
import socket, sys
s = socket.socket(socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(2)
s.connect((sys.argv[1], 9))
try:
    s.send(b"x"); s.recv(10)
except ConnectionRefusedError:
    sys.exit(0)
sys.exit(1)
PY

ip6=yes
netns_up cpm-udp
start echo "$dir/echo.log" ip netns exec cpm-udp-a "$build/udp-echo" net_af_xdp0,iface=veth-cpm 198.18.0.1/24 2001:2::1/64
echo=$started
wait_for 30 "the port is open" grep -q ready "$dir/echo.log"
for address in 198.18.0.1 2001:2::1; do
	expect "$address: small datagrams" in_peers python3 "$dir/ask.py" "$address" 1 2 3 100 512 1000 1400 1452 1453 1472 1473
	expect "$address: large datagrams, in fragments both ways" in_peers python3 "$dir/ask.py" "$address" 1480 2000 3000 4096 8192 9000 20000 32768 65000
	expect "$address: a ping of 4,000 bytes" in_peers ping -c 3 -W 2 -s 4000 "$address"
	expect "$address: a closed port" in_peers python3 "$dir/closed.py" "$address"
done
ip -n cpm-udp-b route replace 198.18.0.0/24 dev veth-peer src 198.18.0.2 mtu 1300
expect "the kernel's smaller fragments" in_peers python3 "$dir/ask.py" 198.18.0.1 1200 1400 5000 30000
stop "$echo"
expect "nothing was refused or lost in fragments" sh -c "! grep -E 'ip_reasm_fails|fragments_dropped|udp_dropped' '$dir/echo.log'"
expect "fragments were put together and sent" grep -q 'ip_frag_oks [1-9]' "$dir/echo.log"
echo "passed: $(basename "$0")"
