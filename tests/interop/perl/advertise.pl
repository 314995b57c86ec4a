#!/usr/bin/perl
# A router of IPv6 for tests: one advertisement (RFC 4861, 4.2) from an interface of this network namespace to all nodes.
#   advertise.pl INTERFACE LIFETIME_SECONDS MTU
use strict;
use warnings;
use Socket qw(:DEFAULT inet_pton IPPROTO_IPV6);

use constant {IPPROTO_ICMPV6 => 58, IPV6_MULTICAST_IF => 17, IPV6_MULTICAST_HOPS => 18};

my ($interface, $lifetime, $mtu) = @ARGV;
open(my $index_file, '<', "/sys/class/net/$interface/ifindex") or die "no interface $interface\n";
my $index = <$index_file> + 0;
open(my $mac_file, '<', "/sys/class/net/$interface/address") or die;
chomp(my $mac = <$mac_file>);

socket(my $socket, AF_INET6, SOCK_RAW, IPPROTO_ICMPV6) or die "socket: $!\n";
setsockopt($socket, IPPROTO_IPV6, IPV6_MULTICAST_IF, pack('i', $index)) or die "interface: $!\n";
setsockopt($socket, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, pack('i', 255)) or die "hops: $!\n";
# type, code, checksum (the kernel's), hop limit, flags, lifetime, reachable and retransmission time; our hardware address; MTU
my $message = pack('C2 n C2 n N2', 134, 0, 0, 64, 0, $lifetime, 0, 0) . pack('C2 H12', 1, 1, $mac =~ s/://gr) . pack('C2 n N', 5, 1, 0, $mtu);
defined send($socket, $message, 0, pack_sockaddr_in6(0, inet_pton(AF_INET6, 'ff02::1'), $index)) or die "send: $!\n";
