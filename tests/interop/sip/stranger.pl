#!/usr/bin/perl
# Sends datagrams from 198.18.0.8 to the appliance's port 5060, one at a time, and reads what comes back: never more than one datagram, nor more than three
# times as many bytes. Says "sent N, M bytes; got N, M bytes".
use strict;
use warnings;
use IO::Select;
use IO::Socket::INET;

my $socket = IO::Socket::INET->new(Proto => 'udp', LocalAddr => '198.18.0.8', LocalPort => 5060, PeerAddr => '198.18.0.1', PeerPort => 5060) or die "socket: $!";
my $select = IO::Select->new($socket);
my $n = 0;

sub request {
	my ($method, $uri, $more, $body) = @_;
	$n++;
	return "$method $uri SIP/2.0\r\nv:SIP/2.0/UDP 198.18.0.8;branch=z9hG4bK$n\r\nf:<sip:a\@example.org>;tag=$n\r\nt:<$uri>\r\ni:$n\r\nCSeq:1 $method\r\n"
		. ($more // '') . "l:" . length($body // '') . "\r\n\r\n" . ($body // '');
}

my $bad_credentials = "Authorization: Digest username=\"alice\",realm=\"example.org\",nonce=\"x\",uri=\"sip:example.org\",response=\"" . '0' x 32 . "\"\r\n";
my @datagrams = (
	map({ request($_, 'sip:example.org') } qw(OPTIONS REGISTER MESSAGE INVITE SUBSCRIBE PUBLISH BYE CANCEL ACK FOO)),
	request('MESSAGE', 'sip:+46701234567@example.org', "c:text/plain\r\n", 'hello'),
	request('MESSAGE', 'sip:a@b', "Max-Forwards:0\r\n"),
	request('OPTIONS', 'sip:example.org', "Max-Forwards:0\r\n"),
	request('OPTIONS', 'sip:example.org', "Require:foo\r\n"),
	request('OPTIONS', 'sip:example.org', "Require:" . join(',', ('a') x 500) . "\r\n"),
	request('REGISTER', 'sip:example.org', $bad_credentials),
	request('REGISTER', 'sip:example.org', "m:<sip:a\@198.18.0.8>;expires=1\r\n"),
	request('MESSAGE', 'sip:+46701234567@example.org', $bad_credentials . "c:application/x\r\n", 'hello'),
	request('MESSAGE', 'sip:+46701234567@example.org', "P-Asserted-Identity:<sip:+46721111111\@example.org>\r\n", 'hello'),
	map({ my $r = request('OPTIONS', 'sip:example.org'); substr($r, 0, $_) } 1, 10, 40, 60, 80, 100, 120),
	"SIP/2.0 200 OK\r\nv:SIP/2.0/UDP 198.18.0.1;branch=z9hG4bKx\r\nf:<sip:a>;tag=1\r\nt:<sip:b>\r\ni:1\r\nCSeq:1 OPTIONS\r\nl:0\r\n\r\n",
	"\r\n\r\n", "\r\n", "\0", "GET / HTTP/1.1\r\n\r\n", 'x' x 1400,
);

my ($sent, $out, $got, $in, $bad) = (0, 0, 0, 0, 0);
for my $d (@datagrams, @datagrams) {    # the second time as retransmissions
	my ($answers, $bytes) = (0, 0);
	$socket->send($d) or die "send: $!";
	$sent++;
	$out += length $d;
	while ($select->can_read($answers ? 0.02 : 0.1)) {
		$socket->recv(my $answer, 65535) // die "recv: $!";
		$answers++;
		$bytes += length $answer;
	}
	$got += $answers;
	$in += $bytes;
	next if $answers <= 1 && $bytes <= 3 * length $d;
	$bad++;
	print "$answers datagrams with $bytes bytes answered these " . length($d) . ":\n$d\n";
}
print "sent $sent, $out bytes; got $got, $in bytes\n";
exit($bad > 0 || $got < 20);
