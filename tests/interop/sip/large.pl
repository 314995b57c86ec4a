#!/usr/bin/perl
# A device with SIP over UDP (INVITE, ACK, BYE) and MSRP over TCP, of its own making:
#   large.pl send ADDRESS COUNT MIN MAX SEED FILE [cut]   COUNT messages of MIN to MAX bytes of text to +46701234567, one after the other; offers as
#                                                         actpass, passive and without setup in turn; cut: the connection ends in the middle of each
#   large.pl take ADDRESS COUNT FILE                      takes COUNT messages that come by INVITE; answers as active, passive and without setup in turn
# FILE gets the SHA-256 of each text. RELAY=HOST:PORT in the environment: TCP goes there, whatever the path says (the first URI of it is this relay's).
use strict;
use warnings;
use Digest::SHA qw(sha256_hex);
use IO::Select;
use IO::Socket::INET;
use Time::HiRes qw(time);

my ($mode, $address, $count, @rest) = @ARGV;
my $appliance = '198.18.0.1';
my ($own_port, $next) = (7654, 0);
my $sip = IO::Socket::INET->new(Proto => 'udp', LocalAddr => $address, LocalPort => 5060) or die "SIP socket: $!";
my $listener = IO::Socket::INET->new(Proto => 'tcp', LocalAddr => $address, LocalPort => $own_port, Listen => 64, ReuseAddr => 1) or die "MSRP socket: $!";
$| = 1;

sub fail { print "@_\n"; exit 1 }
sub token { return join '', map { ('a' .. 'z', 0 .. 9)[rand 36] } 1 .. 16 }

# ---- SIP ----

my ($last, $resend_at, $resend_in);

sub sip_send {
	my ($text, $again) = @_;
	$sip->send($text, 0, pack_sockaddr_in(5060, inet_aton($appliance))) or die "send: $!";
	($last, $resend_in) = ($again ? $text : undef, 0.5);
	$resend_at = time + $resend_in;
}

sub sip_receive {
	my ($until) = @_;
	my $select = IO::Select->new($sip);
	while (1) {
		my $wait = $until - time;
		return if $wait <= 0;
		$wait = $resend_at - time if defined $last && $resend_at - time < $wait;
		if ($select->can_read($wait > 0 ? $wait : 0)) {
			$sip->recv(my $text, 65535);
			next if $text !~ /^(?:SIP\/2\.0|[A-Z]+ \S+ SIP\/2\.0)/;
			if ($text =~ /^OPTIONS /) { sip_answer($text, '200 OK'); next }
			return $text;
		}
		if (defined $last && time >= $resend_at) {
			$sip->send($last, 0, pack_sockaddr_in(5060, inet_aton($appliance)));
			$resend_in = $resend_in * 2 > 4 ? 4 : $resend_in * 2;
			$resend_at = time + $resend_in;
		}
	}
}

sub field { my ($text, $name) = @_; return $text =~ /^\Q$name\E\s*:\s*(.*?)\r$/mi ? $1 : '' }
sub fields { my ($text, $name) = @_; return join '', map { "$name: $_\r\n" } $text =~ /^\Q$name\E\s*:\s*(.*?)\r$/mgi }

sub sip_answer {
	my ($request, $status, $more, $body) = @_;
	my $to = field($request, 'To');
	$to .= ';tag=' . substr(sha256_hex(field($request, 'Call-ID')), 0, 10) unless $to =~ /;tag=/;
	$sip->send("SIP/2.0 $status\r\n" . fields($request, 'Via') . 'From: ' . field($request, 'From') . "\r\nTo: $to\r\nCall-ID: "
		. field($request, 'Call-ID') . "\r\nCSeq: " . field($request, 'CSeq') . "\r\n" . ($more // '') . 'Content-Length: ' . length($body // '')
		. "\r\n\r\n" . ($body // ''), 0, pack_sockaddr_in(5060, inet_aton($appliance)));
}

sub sdp {
	my (%p) = @_;
	my $path = "msrp://$address:$own_port/$p{id};tcp";
	return "v=0\r\no=- 1 1 IN IP4 $address\r\ns=-\r\nc=IN IP4 $address\r\nt=0 0\r\nm=message $own_port TCP/MSRP *\r\na=accept-types:message/cpim\r\n"
		. "a=accept-wrapped-types:*\r\na=path:" . ($ENV{RELAY} ? "msrp://$ENV{RELAY};tcp $path" : $path) . "\r\n"
		. ($p{setup} ? "a=setup:$p{setup}\r\n" : '') . "a=$p{direction}\r\n"
		. ($p{size} ? "a=file-selector:type:message/cpim size:$p{size}\r\n" : '');
}

sub path_of { my ($text) = @_; return $text =~ /^a=path:(.*?)\r?$/m ? $1 : fail("no path in:\n$text") }
sub setup_of { my ($text) = @_; return $text =~ /^a=setup:(\w+)/m ? $1 : '' }

sub connect_to {
	my ($path) = @_;
	my ($host, $port) = ($ENV{RELAY} // $path) =~ /^(?:msrp:\/\/)?([\d.]+):(\d+)/ or fail("path $path");
	return IO::Socket::INET->new(Proto => 'tcp', LocalAddr => $address, PeerAddr => $host, PeerPort => $port, Timeout => 10) || fail("no stream to $path: $!");
}

# ---- MSRP ----

# The next chunk of a buffer, taken out of it; undef: not there yet.
sub msrp_take {
	my ($buffer) = @_;
	return if $$buffer !~ /^MSRP (\S+) (\S+)[^\r]*\r\n/;
	my ($transaction, $what) = ($1, $2);
	return if $$buffer !~ /^(.*?\r\n)-------\Q$transaction\E([\$+#])\r\n/s;
	my ($text, $flag, $size) = ($1, $2, $+[0]);
	substr($$buffer, 0, $size) = '';
	my ($head, $body) = $text =~ /^(.*?\r\n)\r\n(.*)\r\n$/s ? ($1, $2) : ($text, undef);
	return {transaction => $transaction, what => $what, head => $head, body => $body, flag => $flag};
}

sub msrp_receive {
	my ($stream, $buffer, $seconds) = @_;
	my $until = time + $seconds;
	while (1) {
		my $chunk = msrp_take($buffer);
		return $chunk if $chunk;
		IO::Select->new($stream)->can_read($until - time > 0 ? $until - time : 0) or return;
		sysread($stream, $$buffer, 65536, length $$buffer) or return;
	}
}

sub msrp_send { my ($stream, $text) = @_; while (length $text) { my $n = syswrite($stream, $text) // return 0; substr($text, 0, $n) = '' } return 1 }

sub msrp_answer {
	my ($stream, $chunk, $status) = @_;
	my ($to) = field($chunk->{head}, 'To-Path') =~ /^(\S+)/;
	my ($from) = field($chunk->{head}, 'From-Path') =~ /^(\S+)/;
	msrp_send($stream, "MSRP $chunk->{transaction} $status\r\nTo-Path: $from\r\nFrom-Path: $to\r\n-------$chunk->{transaction}\$\r\n");
}

sub msrp_hello {
	my ($stream, $path, $id) = @_;
	my $t = token();
	msrp_send($stream, "MSRP $t SEND\r\nTo-Path: $path\r\nFrom-Path: msrp://$address:$own_port/$id;tcp\r\nMessage-ID: " . token() . "\r\n-------$t\$\r\n");
}

# ---- sending ----

# Letters of GSM 03.38, so that a message centre gets as many octets; lines that look like ends of chunks among them.
sub text_of {
	my ($size) = @_;
	my $text = '';
	$text .= rand() < 0.01 ? "\r\n-------" . token() . "+\r\n" : join('', map { ('a' .. 'z', 'A' .. 'Z', 0 .. 9, ' ', '.', "\n")[rand 65] } 1 .. 40) while length $text < $size;
	return substr($text, 0, $size);
}

sub send_one {
	my ($text, $setup, $cut) = @_;
	my ($call, $tag, $id, $branch) = map { token() } 1 .. 4;
	my $content = "From: <sip:+46705559999\@example.org>\r\nTo: <tel:+46701234567>\r\nDateTime: 2026-11-27T10:00:00Z\r\n\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n$text";
	my $body = sdp(id => $id, setup => $setup, direction => 'sendonly', size => length $content);
	my $uri = 'sip:+46701234567@example.org;user=phone';
	my $head = sub {
		my ($method, $target, $cseq, $to, $b) = @_;
		return "$method $target SIP/2.0\r\nVia: SIP/2.0/UDP $address:5060;branch=z9hG4bK$b;rport\r\nMax-Forwards: 70\r\nFrom: <sip:+46705559999\@example.org>;tag=$tag\r\n"
			. "To: $to\r\nCall-ID: $call\r\nCSeq: $cseq $method\r\nContact: <sip:alice\@$address:5060>\r\n";
	};
	sip_send($head->('INVITE', $uri, 1, "<$uri>", $branch) . "Conversation-ID: " . token() . "\r\nContribution-ID: " . token()
		. "\r\nAccept-Contact: *;+g.3gpp.icsi-ref=\"urn%3Aurn-7%3A3gpp-service.ims.icsi.oma.cpm.largemsg\"\r\nContent-Type: application/sdp\r\nContent-Length: "
		. length($body) . "\r\n\r\n$body", 1);
	my $answer;
	do { $answer = sip_receive(time + 20) // fail('no answer to INVITE') } while $answer !~ /^SIP\/2\.0 [2-6]/;
	fail("INVITE was answered:\n$answer") unless $answer =~ /^SIP\/2\.0 200/;
	my ($target) = field($answer, 'Contact') =~ /<([^>]+)>/;
	my $to = field($answer, 'To');
	sip_send($head->('ACK', $target, 1, $to, token()) . "Content-Length: 0\r\n\r\n");
	my $path = path_of($answer);
	my $theirs = setup_of($answer);
	fail("an offer of '$setup' was answered by '$theirs'") if $theirs eq ($setup eq 'passive' ? 'passive' : 'active');
	my ($stream, $buffer) = (undef, '');
	if ($setup eq 'passive') {
		IO::Select->new($listener)->can_read(10) or fail('nobody connects');
		$stream = $listener->accept;
		my $hello = msrp_receive($stream, \$buffer, 10) // fail('no SEND from who connects');
		fail("hello: $hello->{head}") unless $hello->{what} eq 'SEND' && field($hello->{head}, 'To-Path') =~ /\/\Q$id\E;tcp$/;
		msrp_answer($stream, $hello, '200 OK');
	} else {
		$stream = connect_to($path);
	}
	my ($at, $message, %open) = (0, token());
	while ($at < length $content) {
		my $size = 1 + int rand(rand() < 0.1 ? 9000 : 3000);
		$size = length($content) - $at if $size > length($content) - $at;
		my ($t, $end) = (token(), $at + $size == length $content ? '$' : '+');
		if ($cut && $at > length($content) / 2) {
			msrp_send($stream, "MSRP $t SEND\r\nTo-Path: $path\r\n");
			close $stream;
			return bye_comes($call);
		}
		msrp_send($stream, "MSRP $t SEND\r\nTo-Path: $path\r\nFrom-Path: msrp://$address:$own_port/$id;tcp\r\nMessage-ID: $message\r\nByte-Range: "
			. ($at + 1) . '-' . ($at + $size) . '/' . length($content) . "\r\nContent-Type: message/cpim\r\n\r\n" . substr($content, $at, $size)
			. "\r\n-------$t$end\r\n") or fail("stream: $!");
		$open{$t} = 1;
		$at += $size;
	}
	while (%open) {
		my $chunk = msrp_receive($stream, \$buffer, 20) // fail(scalar(keys %open) . ' chunks are not answered');
		fail("answer: $chunk->{head}") unless $chunk->{what} eq '200' && delete $open{$chunk->{transaction}};
	}
	sip_send($head->('BYE', $target, 2, $to, token()) . "Content-Length: 0\r\n\r\n", 1);
	while (1) {
		$answer = sip_receive(time + 10) // fail('no answer to BYE');
		last if field($answer, 'CSeq') eq '2 BYE' && field($answer, 'Call-ID') eq $call;
	}
	fail("BYE was answered:\n$answer") unless $answer =~ /^SIP\/2\.0 200/;
	$last = undef;
	close $stream;
}

# Of the appliance, as the stream is gone.
sub bye_comes {
	my ($call) = @_;
	while (1) {
		my $request = sip_receive(time + 20) // fail('no BYE after the cut');
		next unless $request =~ /^BYE / && field($request, 'Call-ID') eq $call;
		sip_answer($request, '200 OK');
		return;
	}
}

# ---- taking ----

my (%calls, %by_id, %streams, $done);

sub taken {
	my ($call, $chunk) = @_;
	my ($first, $end, $total) = field($chunk->{head}, 'Byte-Range') =~ /^(\d+)-(\d+|\*)\/(\d+|\*)$/ or fail("no range: $chunk->{head}");
	fail("chunk at $first where " . (length($call->{content}) + 1) . ' comes') if $first != length($call->{content}) + 1;
	fail('a chunk of ' . length($chunk->{body}) . ' bytes') if length $chunk->{body} > 2048;
	$call->{content} .= $chunk->{body};
	return if $chunk->{flag} ne '$';
	fail("total $total, got " . length $call->{content}) if $total ne '*' && $total != length $call->{content};
	fail('content of type ' . field($chunk->{head}, 'Content-Type')) if field($chunk->{head}, 'Content-Type') !~ /^message\/cpim/i;
	my ($headers, $mime, $text) = $call->{content} =~ /^(.*?)\r\n\r\n(.*?)\r\n\r\n(.*)$/s or fail("no CPIM: $call->{content}");
	fail("headers $headers") if $headers !~ /^From: /m || $headers !~ /^To: /m || $mime !~ /^Content-Type: text\/plain/mi;
	print {$call->{file}} sha256_hex($text) . "\n";
	$call->{whole} = 1;
}

sub on_invite {
	my ($request, $file) = @_;
	my $id = field($request, 'Call-ID');
	if ($calls{$id}) { sip_answer(@{$calls{$id}{answer}}); return }
	my $setup = ('passive', 'active', '')[$next++ % 3];
	my $own = token();
	my $call = $calls{$id} = {content => '', path => path_of($request), id => $own, file => $file, setup => $setup};
	$by_id{$own} = $call;
	fail("the offer says:\n$request") unless setup_of($request) eq 'actpass' && $request =~ /^a=sendonly\r$/m && $request =~ /^m=message \d+ TCP\/MSRP \*\r$/m;
	fail("no feature of large messages:\n$request") unless $request =~ /oma\.cpm\.largemsg/;
	$call->{answer} = [$request, '200 OK', "Contact: <sip:bob\@$address:5060>\r\nContent-Type: application/sdp\r\n", sdp(id => $own, setup => $setup, direction => 'recvonly')];
	sip_answer(@{$call->{answer}});
	if ($setup eq 'active') {
		my $stream = connect_to($call->{path});
		$streams{$stream} = {socket => $stream, buffer => ''};
		msrp_hello($stream, $call->{path}, $own);
	}
}

sub on_stream {
	my ($s) = @_;
	my $n = sysread($s->{socket}, $s->{buffer}, 65536, length $s->{buffer});
	while (my $chunk = msrp_take(\$s->{buffer})) {
		next if $chunk->{what} eq '200';
		fail("stream: $chunk->{head}") unless $chunk->{what} eq 'SEND' && field($chunk->{head}, 'To-Path') =~ /\/(\w+);tcp$/ && $by_id{$1};
		taken($by_id{$1}, $chunk) if defined $chunk->{body};
		msrp_answer($s->{socket}, $chunk, '200 OK');
	}
	return if $n;
	fail('the stream ended within a chunk') if length $s->{buffer};
	delete $streams{$s->{socket}};
	close $s->{socket};
}

sub register {
	my $tag = token();
	sip_send("REGISTER sip:example.org SIP/2.0\r\nVia: SIP/2.0/UDP $address:5060;branch=z9hG4bK$tag;rport\r\nMax-Forwards: 70\r\nFrom: <sip:bob\@example.org>;tag=$tag\r\n"
		. "To: <sip:bob\@example.org>\r\nCall-ID: $tag\r\nCSeq: 1 REGISTER\r\nContact: <sip:bob\@$address:5060>"
		. ";+g.3gpp.icsi-ref=\"urn%3Aurn-7%3A3gpp-service.ims.icsi.oma.cpm.msg,urn%3Aurn-7%3A3gpp-service.ims.icsi.oma.cpm.largemsg\"\r\n"
		. "Expires: 600\r\nContent-Length: 0\r\n\r\n", 1);
	my $answer = sip_receive(time + 10) // fail('no answer to REGISTER');
	fail("REGISTER was answered:\n$answer") unless $answer =~ /^SIP\/2\.0 200/;
	$last = undef;
}

sub take {
	my ($file) = @_;
	my $until = time + 120;
	while (($done // 0) < $count) {
		fail(($done // 0) . " of $count messages came") if time > $until;
		my $select = IO::Select->new($sip, $listener, map { $_->{socket} } values %streams);
		for my $socket ($select->can_read(1)) {
			if ($socket == $listener) {
				my $stream = $listener->accept;
				$streams{$stream} = {socket => $stream, buffer => ''};
			} elsif ($socket != $sip) {
				on_stream($streams{$socket});
			} else {
				$sip->recv(my $text, 65535);
				if ($text =~ /^INVITE /) {
					on_invite($text, $file);
				} elsif ($text =~ /^BYE /) {
					my $call = $calls{field($text, 'Call-ID')};
					sip_answer($text, $call ? '200 OK' : '481 Call/Transaction Does Not Exist');
					fail('BYE before the message was whole') if $call && !$call->{whole};
					$done++ if $call && !$call->{ended}++;
				} elsif ($text =~ /^(OPTIONS|MESSAGE) /) {
					sip_answer($text, '200 OK');
				}
			}
		}
	}
}

if ($mode eq 'send') {
	my ($min, $max, $seed, $name, $cut) = @rest;
	srand $seed;
	open my $file, '>', $name or die "$name: $!";
	for my $n (0 .. $count - 1) {
		my $text = text_of($min + int(($max - $min) * $n / ($count > 1 ? $count - 1 : 1)));
		print $file sha256_hex($text) . "\n";
		send_one($text, ('actpass', 'passive', '')[$n % 3], $cut);
	}
	close $file;
	print "sent $count\n";
} else {
	open my $file, '>', $rest[0] or die "$rest[0]: $!";
	register();
	print "ready\n";
	take($file);
	close $file;
	print "took $count\n";
}
