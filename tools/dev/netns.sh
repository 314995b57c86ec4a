# Sourced by quickstart and the interop tests: a private network of two namespaces and a veth pair, an appliance in the one, peers in the other.
# Nothing of the host's network is touched. Everything started here is stopped by id, everything made is removed, when the script ends.
#   netns_up NAME            makes NAME-a (appliance, interface veth-cpm, 198.18.0.1) and NAME-b (peers, 198.18.0.2 and up);
#                            with ip6=yes also 2001:2::1, and 2001:2::2 and up
#   netns_second             after that: NAME-c for another appliance (198.18.0.10) with an interface of the same name, on a bridge with the peers
#   in_appliance / in_peers CMD...   run there
#   start TITLE LOG CMD...   in the background; stopped at the end; its pid in $started
#   wait_for SECONDS TITLE CMD...    until CMD succeeds; fails with the title
#   wait_started SECONDS TITLE LOG CMD...   the same, but fails as soon as what was started last has ended, and shows its log

pids=
cleanup_files=
netns_name=

netns_up() {
	for side in a b; do
		others=$(ip netns pids "$1-$side" 2>/dev/null | tr '\n' ' ') || true
		[ -z "$others" ] || {
			echo "the network namespace $1-$side is in use: this runs already, or was killed and left processes behind." >&2
			echo "Stop the other one (Ctrl-C there), or end what it left with: kill $others" >&2
			return 1
		}
	done
	netns_name=$1
	for side in a b; do
		ip netns del "$netns_name-$side" 2>/dev/null || true
		ip netns add "$netns_name-$side"
		ip -n "$netns_name-$side" link set lo up
	done
	ip -n "$netns_name-a" link add veth-cpm numrxqueues "${veth_queues:-1}" numtxqueues "${veth_queues:-1}" type veth \
		peer name veth-peer numrxqueues "${veth_queues:-1}" numtxqueues "${veth_queues:-1}" netns "$netns_name-b"
	for end in a:veth-cpm b:veth-peer; do
		ip netns exec "$netns_name-${end%:*}" ethtool -K "${end#*:}" tx off rx off tso off gso off gro off >/dev/null 2>&1
		ip -n "$netns_name-${end%:*}" link set "${end#*:}" up
	done
	for n in 2 3 4 5 6 7 8 9; do
		ip -n "$netns_name-b" address add "198.18.0.$n/24" dev veth-peer
	done
	# the kernel on our side must not answer for the appliance
	ip netns exec "$netns_name-a" sysctl -qw net.ipv6.conf.all.disable_ipv6=1
	ip netns exec "$netns_name-b" sysctl -qw net.ipv6.conf.all.disable_ipv6=1
	[ -z "${ip6:-}" ] || {
		ip netns exec "$netns_name-b" sysctl -qw net.ipv6.conf.veth-peer.disable_ipv6=0 net.ipv6.conf.lo.disable_ipv6=0
		for n in 2 3 4 5 6 7 8 9; do
			ip -n "$netns_name-b" address add "2001:2::$n/64" dev veth-peer nodad
		done
	}
}

netns_second() {
	local links="veth-peer veth-peer2" end
	ip netns add "$netns_name-c"
	ip -n "$netns_name-c" link set lo up
	ip netns exec "$netns_name-c" sysctl -qw net.ipv6.conf.all.disable_ipv6=1
	ip -n "$netns_name-c" link add veth-cpm type veth peer name veth-peer2 netns "$netns_name-b"
	ip -n "$netns_name-b" address flush dev veth-peer
	ip -n "$netns_name-b" link add bridge type bridge
	for end in c:veth-cpm b:veth-peer2 b:bridge; do
		ip netns exec "$netns_name-${end%:*}" ethtool -K "${end#*:}" tx off rx off tso off gso off gro off >/dev/null 2>&1 || true
		ip -n "$netns_name-${end%:*}" link set "${end#*:}" up
	done
	for end in $links; do ip -n "$netns_name-b" link set "$end" master bridge; done
	for n in 2 3 4 5 6 7 8 9; do
		ip -n "$netns_name-b" address add "198.18.0.$n/24" dev bridge
	done
}

in_appliance() { ip netns exec "$netns_name-a" "$@"; }
in_peers() { ip netns exec "$netns_name-b" "$@"; }

# Takes a command, not a shell function, so that the pid is the program's own.
start() {
	title=$1 log=$2
	shift 2
	"$@" >"$log" 2>&1 &
	started=$!
	pids="$pids $started"
}

stop() { # PID: ask, wait five seconds, then kill
	kill -TERM "$1" 2>/dev/null || return 0
	for _ in $(seq 100); do
		kill -0 "$1" 2>/dev/null || return 0
		sleep 0.05
	done
	kill -KILL "$1" 2>/dev/null || true
}

wait_for() {
	seconds=$1 title=$2
	shift 2
	for _ in $(seq $((seconds * 20))); do
		"$@" >/dev/null 2>&1 && return 0
		sleep 0.05
	done
	echo "waited $seconds s in vain: $title" >&2
	return 1
}

wait_started() {
	seconds=$1 title=$2 log=$3
	shift 3
	for _ in $(seq $((seconds * 20))); do
		"$@" >/dev/null 2>&1 && return 0
		kill -0 "$started" 2>/dev/null || break
		sleep 0.05
	done
	"$@" >/dev/null 2>&1 && return 0 # it has done its work and ended meanwhile
	cat "$log" >&2
	echo "in vain: $title" >&2
	return 1
}

netns_down() {
	for pid in $pids; do stop "$pid"; done
	pids=
	[ -z "$netns_name" ] || {
		for side in a b c; do ip netns del "$netns_name-$side" 2>/dev/null || true; done
		# what DPDK keeps for a second process (dpdk-dumpcap)
		rm -rf "/run/dpdk/$netns_name" "/run/dpdk/$netns_name-2"
		for mount in $(sed -n 's/^[^ ]* \([^ ]*\) hugetlbfs .*/\1/p' /proc/mounts); do rm -f "$mount/${netns_name}map_"*; done
	}
	[ -z "$cleanup_files" ] || rm -rf $cleanup_files
}

# appliance_config DIR WORKER_CORES > cpm.yaml; with sip=yes it listens for SIP too, with $sip_authentication, $msrp_port and $ws_port, with ip6=yes at both addresses, with xmpp=yes for XMPP, with $chat_ws_port, with xmpp_links=yes for its components and servers; $config_more are further lines
appliance_config() {
	cat <<EOF
node: $netns_name
run_dir: $1/run
state_dir: $1/state
dataplane:
  main_lcore: $(($(nproc) > 1))
  worker_lcores: [$2]
  idle: sleep
  hugepages: ${hugepages:-auto}
  ports:
    - {name: core0, device: "${device:-net_af_xdp0,iface=veth-cpm}", mtu: 1500, addresses: [198.18.0.1/24${ip6:+, \"2001:2::1/64\"${ip6_more:-}}]}
listeners:
  - {name: esme, protocol: smpp, address: 198.18.0.1, port: 2775}
${ip6:+  - {name: esme6, protocol: smpp, address: "2001:2::1", port: 2775\}
}${sip:+  - {name: sip, protocol: sip, transport: [udp, tcp], address: 198.18.0.1, port: 5060, domains: [example.org], authentication: ${sip_authentication:-digest}${msrp_port:+, msrp_port: $msrp_port}${ws_port:+, ws_port: $ws_port}\}
}${sip:+${ip6:+  - {name: sip6, protocol: sip, transport: [udp, tcp], address: "2001:2::1", port: 5060, domains: [example.org], authentication: ${sip_authentication:-digest}\}
}}${xmpp:+  - {name: chat, protocol: xmpp, address: 198.18.0.1, port: 5222, domains: [example.org]${chat_ws_port:+, ws_port: $chat_ws_port}\}
}${xmpp_links:+  - {name: components, protocol: xmpp, link: component, address: 198.18.0.1\}
  - {name: servers, protocol: xmpp, link: server, address: 198.18.0.1, domains: [example.org]\}
}control:
  socket: $1/run/control.sock
${hosts:+hosts: {$hosts\}
}${config_more:-}
EOF
}
