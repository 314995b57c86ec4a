#!/usr/bin/perl
# An SMSC that answers what it should not: bad_smsc.pl HOST:PORT CPMCTL SOCKET LISTEN-ADDRESS LISTEN-PORT
# The appliance binds to it. Each case is a submit_sm of an ESME, what the SMSC makes of it, and the one answer that the ESME must get; after each, a message
# to another SMSC must get through, and, unless the case ends it, the link must still answer.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use Wire;

use_appliance(@ARGV[0 .. 2]);
my $listener = Net::SMPP->new_listen($ARGV[3], port => $ARGV[4]) or fail('listen', $!);
my $link;
sub link_up { # the appliance connects and binds
	my ($title) = @_;
	fail($title, 'the appliance does not connect') unless readable($listener, 10);
	$link = $listener->accept;
	my $bind = next_pdu($link);
	fail($title, 'no bind_transceiver but ' . spell($bind)) unless $bind && $bind->{cmd} == $command{bind_trx} && $bind->{system_id} eq 'cpm';
	$link->syswrite(answer('bind_trx', 0, $bind->{seq}, "perl\0"));
}
sub answer { my ($name, $status, $seq, $body) = @_; return pack('NNNN', 16 + length($body // ''), ($command{$name} // $name) | 0x80000000, $status, $seq) . ($body // '') }
sub submitted { # the next submit_sm that the SMSC gets
	my ($title) = @_;
	my $pdu = next_pdu($link);
	fail($title, 'the SMSC got ' . spell($pdu)) unless $pdu && $pdu->{cmd} == $command{submit};
	return $pdu;
}
sub link_works {
	my ($title) = @_;
	$link->syswrite(pdu('enquire', 0x7ffffff0));
	expect_pdu("$title: afterwards", $link, 'enquire', 'ok', 0x7ffffff0);
}

link_up('the first bind');
print "ok: the appliance binds\n";
my $esme = bound('bind_trx', id => 'good', password => 'secret1');
my $seq = 1;
sub submit { # TO: its sequence number
	$esme->syswrite(pdu('submit', ++$seq, sm(to => $_[0], text => "message $seq")));
	return $seq;
}

# title, SMSC => sub (title, submit_sm), status that the ESME gets, reason => how often, ends => the link is lost
sub run {
	my ($title, $smsc, $want, %c) = @_;
	my $before = refused();
	my $n = submit('46721234567');
	$smsc->($title, submitted($title));
	expect_pdu($title, $esme, 'submit', $want, $n);
	$c{ends} ? link_up("$title: again") : link_works($title);
	expect_pdu("$title: another SMSC", $esme, 'submit', 'ok', submit('46701234567'));
	my $after = refused();
	while (my ($reason, $count) = each %{$c{reason} // {}}) {
		my $moved = $after->{$reason} - $before->{$reason};
		fail($title, "refused{$reason} moved by $moved, not $count") unless $moved == $count;
	}
	print "ok: $title\n";
}
my $id = 100;
sub ok { return answer('submit', 0, $_[0]{seq}, ++$id . "\0") }

run('a response as it should be', sub { $link->syswrite(ok($_[1])) }, 'ok', reason => {pdu_response => 0});
run('a response octet by octet', sub { $link->syswrite($_) for split //, ok($_[1]) }, 'ok');
run('an error with a message_id', sub { $link->syswrite(answer('submit', 0xb, $_[1]{seq}, "00000000000\0")) }, 'dstadr', reason => {pdu_response => 0});
run('success without a body', sub { $link->syswrite(answer('submit', 0, $_[1]{seq})) }, 'ok');
run('success with an empty message_id', sub { $link->syswrite(answer('submit', 0, $_[1]{seq}, "\0")) }, 'ok');
run('a message_id of 64 octets', sub { $link->syswrite(answer('submit', 0, $_[1]{seq}, 'f' x 64 . "\0")) }, 'ok');
run('a message_id of 300 octets without NUL', sub { $link->syswrite(answer('submit', 0, $_[1]{seq}, 'f' x 300)) }, 'ok');
run('a response to nothing, then the right one', sub { $link->syswrite(answer('submit', 0, 0x7fffff00, "1\0") . ok($_[1])) }, 'ok', reason => {pdu_response => 1});
run('the response twice', sub { my $r = ok($_[1]); $link->syswrite($r . $r) }, 'ok', reason => {pdu_response => 1});
run('a data_sm_resp, then the right one', sub { $link->syswrite(answer('data', 0, $_[1]{seq}, "1\0") . ok($_[1])) }, 'ok', reason => {pdu_response => 1});
run('a deliver_sm_resp, then the right one', sub { $link->syswrite(answer('deliver', 0, $_[1]{seq}, "\0") . ok($_[1])) }, 'ok', reason => {pdu_response => 1});
run('a generic_nack', sub { $link->syswrite(answer('nack', 3, $_[1]{seq})) }, 'cmdid', reason => {pdu_response => 0});
run('an unknown request, then the response', sub { $link->syswrite(pdu(0x99, 5) . ok($_[1])); expect_pdu($_[0], $link, 'nack', 'cmdid', 5) }, 'ok', reason => {pdu_command => 1});
run('a submit_sm from the SMSC', sub { $link->syswrite(pdu('submit', 6, sm()) . ok($_[1])); expect_pdu($_[0], $link, 'submit', 'bndsts', 6) }, 'ok', reason => {bind_state => 1});
run('a bind from the SMSC', sub { $link->syswrite(pdu('bind_trx', 7, binding()) . ok($_[1])); expect_pdu($_[0], $link, 'bind_trx', 'bndsts', 7) }, 'ok', reason => {bind_state => 1});
run('a deliver_sm with sm_length one too long', sub { $link->syswrite(pdu('deliver', 8, sm(length => 6)) . ok($_[1])); expect_pdu($_[0], $link, 'deliver', 'msglen', 8) },
	'ok', reason => {pdu_field => 1});
run('a deliver_sm cut short', sub { $link->syswrite(pdu('deliver', 8, "\0\1\00146") . ok($_[1])); expect_pdu($_[0], $link, 'deliver', 'cmdlen', 8) },
	'ok', reason => {pdu_truncated => 1});
my $late;
run('no response within its time', sub { $late = $_[1] }, 'submitfail', reason => {unknown_outcome => 1});
run('the response long after its time', sub { $link->syswrite(ok($late) . ok($_[1])) }, 'ok', reason => {pdu_response => 1});
run('text instead of a response', sub { $link->syswrite("HTTP/1.1 200 OK\r\n\r\n"); expect_pdu($_[0], $link, 'nack', 'cmdlen'); closed($link) or fail($_[0], 'the link stays'); close $link },
	'submitfail', ends => 1, reason => {pdu_size => 1, unknown_outcome => 1});
run('a length of 0', sub { $link->syswrite("\0\0\0\0"); expect_pdu($_[0], $link, 'nack', 'cmdlen'); closed($link) or fail($_[0], 'the link stays'); close $link },
	'submitfail', ends => 1, reason => {pdu_size => 1, unknown_outcome => 1});
run('a connection that ends in mid-response', sub { $link->syswrite(substr ok($_[1]), 0, 18); close $link }, 'submitfail', ends => 1, reason => {unknown_outcome => 1});
