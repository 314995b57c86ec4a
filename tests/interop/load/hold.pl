#!/usr/bin/perl
# Holds many kernel connections to the appliance and says what became of them.
#   hold.pl COUNT SECONDS ADDRESS...   COUNT connections from these addresses in turn to 198.18.0.1:2775
# Says "open N" when all are open; "now" on its standard input makes it begin to count time. Ends when all have ended or after SECONDS, and says
# "reset R closed C open O first F last L": how many ended by a reset or in order, how many did not, and when, in milliseconds since "now".
use strict;
use warnings;
use Errno qw(EINPROGRESS ECONNRESET EAGAIN);
use IO::Poll qw(POLLIN POLLHUP POLLERR POLLOUT);
use IO::Socket::INET;
use Socket;
use Time::HiRes qw(time);

my ($count, $seconds, @from) = @ARGV;
my $poll = IO::Poll->new;
my ($to, @connecting) = (pack_sockaddr_in(2775, inet_aton('198.18.0.1')));
my ($reset, $closed, $open, $first, $last, $begun) = (0, 0, 0, 0, 0, time);
$| = 1;

# A few hundred at a time: the appliance's ring of one queue is not endless.
for my $i (0 .. $count - 1) {
	socket(my $s, PF_INET, SOCK_STREAM, 0) or die "socket: $!";
	setsockopt($s, 0, 24, 1);    # IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT: ports are shared between destinations
	bind($s, pack_sockaddr_in(0, inet_aton($from[$i % @from]))) or die "bind: $!";
	$s->blocking(0);
	connect($s, $to) or $!{EINPROGRESS} or die "connect: $!";
	push @connecting, $s;
	settle() if @connecting == 256;
}
settle();
print "open $open\n";

# Waits until those that were begun are open.
sub settle {
	my $until = time + 10;
	while (@connecting && time < $until) {
		my $bits = '';
		vec($bits, fileno $_, 1) = 1 for @connecting;
		select(undef, $bits, undef, 0.05);
		my @later;
		for my $s (@connecting) {
			if (getpeername $s) {
				$open++;
				$poll->mask($s => POLLIN);
			} else {
				push @later, $s;
			}
		}
		@connecting = @later;
	}
	@connecting = ();
}

$poll->mask(\*STDIN => POLLIN);
my $until = time + $seconds;
while ($open > 0 && time < $until) {
	$poll->poll(0.1);
	for my $s ($poll->handles(POLLIN | POLLHUP | POLLERR)) {
		my $got = sysread $s, my $bytes, 4096;
		if (fileno $s == 0) {
			$begun = time;
			$poll->remove($s);
			next;
		}
		next if $got || (!defined $got && $!{EAGAIN});
		$last = time;
		$first ||= $last;
		defined $got ? $closed++ : $reset++;
		$open--;
		$poll->remove($s);
		close $s;
	}
}
printf "reset %d closed %d open %d first %d last %d\n", $reset, $closed, $open, map { $_ ? ($_ - $begun) * 1000 : -1 } $first, $last;
