#!/usr/bin/perl
# A web server for Kannel's callbacks: writes the target of each request to standard output, a line each, and answers 200 with an empty body.
# hits.pl ADDRESS:PORT
use strict;
use warnings;
use IO::Socket::INET;

my $server = IO::Socket::INET->new(LocalAddr => $ARGV[0], Listen => 128, ReuseAddr => 1) or die "hits.pl: $ARGV[0]: $!\n";
$| = 1;
while (my $client = $server->accept) {
	my $request = <$client> // next;
	while (my $line = <$client>) {
		last if $line =~ /^\r?\n/;
	}
	print "$1\n" if $request =~ /^GET (\S+)/;
	print $client "HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
	close $client;
}
