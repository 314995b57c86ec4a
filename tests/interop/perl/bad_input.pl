#!/usr/bin/perl
# Hand-made PDUs against the listener: bad_input.pl HOST:PORT CPMCTL SOCKET
# Each case is a session of its own. After each, the counter of the reason must have moved by as much as the case says, and a session that was bound before
# the first case must still get a message through.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use Wire;

use_appliance(@ARGV);
sub multi {
	my ($count, $flag) = @_;
	return "\0\1\1004611111\0" . chr($count) . (chr($flag) . "\1\00146701234567\0") x $count . "\0\0\0\0\0\0\0\0\0\5hello";
}


my $innocent = bound('bind_trx', id => 'good', password => 'secret1');
my $innocent_count = 1;
sub innocent_works {
	my ($title) = @_;
	my $seq = ++$innocent_count;
	$innocent->syswrite(pdu('submit', $seq, sm(text => "innocent $seq")));
	my $pdu = expect_pdu("$title: the other session", $innocent, 'submit', 'ok', $seq);
	fail($title, 'the other session got no message id') unless $pdu->{message_id} =~ /^[1-9][0-9]*$/;
}

# title, reason => how often, on => kind of bind or fresh, send => bytes, answer => [[command, status, sequence]...], ends => closed | open
sub run {
	my ($title, %c) = @_;
	my $before = refused();
	my $s = ($c{on} // 'bind_trx') eq 'fresh' ? connected() : bound($c{on} // 'bind_trx');
	$s->syswrite($_) for ref $c{send} ? @{$c{send}} : $c{send};
	expect_pdu($title, $s, @$_) for @{$c{answer} // []};
	if (($c{ends} // 'open') eq 'closed') {
		fail($title, 'the connection stays open') unless closed($s);
	} else {
		$s->syswrite(pdu('enquire', 0x7ffffff0));
		expect_pdu("$title: afterwards", $s, 'enquire', 'ok', 0x7ffffff0);
	}
	close $s;
	innocent_works($title);
	my $after = refused();
	while (my ($reason, $count) = each %{$c{reason} // {}}) {
		my $moved = ($after->{$reason} // 0) - ($before->{$reason} // 0);
		fail($title, "refused{$reason} moved by $moved, not $count") unless $moved == $count;
	}
	print "ok: $title\n";
}

my $silent = connected(); # looked at again at the end
my $dribbling = connected();
$dribbling->syswrite(substr pdu('bind_trx', 1, binding()), 0, 20);
my $opened = time;

for my $size (0, 1, 3, 4, 8, 15) {
	run("a length of $size", on => 'fresh', send => pack('NNNN', $size, 9, 0, 1), answer => [['nack', 'cmdlen']], ends => 'closed', reason => {pdu_size => 1});
	run("a length of $size on a bound session", send => pack('N', $size), answer => [['nack', 'cmdlen']], ends => 'closed', reason => {pdu_size => 1});
}
run("five octets 00 00 00 02 00", on => 'fresh', send => "\0\0\0\2\0", answer => [['nack', 'cmdlen']], ends => 'closed', reason => {pdu_size => 1});
run("a length of $_ is refused at once", on => 'fresh', send => pack('NNNN', $_, 9, 0, 7), answer => [['nack', 'cmdlen', 7]], ends => 'closed', reason => {pdu_size => 1})
	for 66 * 1024 + 1, 2**31, 2**32 - 1;
my %stranger = (
	HTTP => "GET / HTTP/1.1\r\nHost: example.org\r\n\r\n", SIP => "OPTIONS sip:example.org SIP/2.0\r\nVia: SIP/2.0/TCP 198.18.0.2\r\n\r\n",
	TLS => "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" . "\x55" x 506, AMQP => "AMQP\0\0\x09\x01" . "\0" x 8,
);
run("$_ on the SMPP port", on => 'fresh', send => $stranger{$_}, answer => [['nack', 'cmdlen']], ends => 'closed', reason => {pdu_size => 1}) for sort keys %stranger;
run('a length that ends before the body does: the rest is not a PDU', send => do { my $p = pdu('enquire', 5, 'GET / HTTP/1.1....'); substr($p, 0, 4) = pack('N', 16); $p },
	answer => [['enquire', 'ok', 5], ['nack', 'cmdlen']], ends => 'closed', reason => {pdu_size => 1});
my $payload = 16385 - 16 - 4 - length(sm(text => ''));
run('a submit_sm of 16,385 octets is none too long', send => pdu('submit', 5, sm(text => '', tlvs => tlv(0x424, 'x' x $payload))),
	answer => [['submit', 'ok', 5]]);
run('an unknown command before bind', on => 'fresh', send => pdu(0x99, 3, 'abc'), answer => [['nack', 'cmdid', 3]], reason => {pdu_command => 1});
run('an unknown command', send => pdu(0x10200, 3), answer => [['nack', 'cmdid', 3]], reason => {pdu_command => 1});
run("a response 0x$_ without its request", send => pdu(hex $_, 9, "id\0"), reason => {pdu_response => 1}) for qw(80000004 80000005 80000015 80000103 80000006 80000099);
run('a generic_nack for nothing', send => pack('NNNN', 16, 0x80000000, 3, 4242));
run("a sequence number of $_", send => pdu('submit', $_, sm()), answer => [['submit', 'ok', $_]]) for 0, 1, 0x7fffffff, 0x80000000, 0xffffffff;
run('the same sequence number three times', send => pdu('submit', 8, sm()) x 3, answer => [(['submit', 'ok', 8]) x 3]);
run('3,000 enquire_link at once', send => join('', map { pdu('enquire', $_) } 1 .. 3000), answer => [map { ['enquire', 'ok', $_] } 1 .. 3000]);

run('bind twice', send => pdu('bind_trx', 4, binding()), answer => [['bind_trx', 'alybnd', 4]], reason => {bind_again => 1});
run('a submit_sm before bind', on => 'fresh', send => pdu('submit', 4, sm()), answer => [['submit', 'bndsts', 4]], reason => {bind_state => 1});
run('an unbind before bind', on => 'fresh', send => pdu('unbind', 4), answer => [['unbind', 'bndsts', 4]], reason => {bind_state => 1});
run('a submit_sm on a receiver bind', on => 'bind_rx', send => pdu('submit', 4, sm()), answer => [['submit', 'bndsts', 4]], reason => {bind_state => 1});
run('a data_sm on a receiver bind', on => 'bind_rx', send => pdu('data', 4, "\0\1\0011\0\1\00146701234567\0\0\0\0"), answer => [['data', 'bndsts', 4]],
	reason => {bind_state => 1});
run('a deliver_sm from an ESME', send => pdu('deliver', 4, sm()), answer => [['deliver', 'bndsts', 4]], reason => {bind_state => 1});
run('a wrong password', on => 'fresh', send => pdu('bind_trx', 4, binding(password => 'wrong')), answer => [['bind_trx', 'paswd', 4]], ends => 'closed', reason => {password => 1});
run('an unknown system_id', on => 'fresh', send => pdu('bind_tx', 4, binding(id => 'nobody')), answer => [['bind_tx', 'sysid', 4]], ends => 'closed', reason => {system_id => 1});
run('an outbind', send => pdu('outbind', 4, "a\0b\0"), reason => {not_supported => 1});
run('an alert_notification', send => pdu('alert', 4, "\1\0011\0\1\0012\0"), reason => {not_supported => 1});

my @long = ([id => 16, 'sysid'], [password => 9, 'paswd'], [type => 13, 'systyp'], [range => 41, 'parlen']);
for (@long) {
	my ($field, $max, $want) = @$_;
	run("a bind whose $field has no NUL within $max octets", on => 'fresh', send => pdu('bind_trx', 4, binding($field => 'x' x $max)), answer => [['bind_trx', $want, 4]]);
}
run('a bind that ends in mid-field', on => 'fresh', send => pdu('bind_trx', 4, "bad\0sec"), answer => [['bind_trx', 'cmdlen', 4]], reason => {pdu_truncated => 1});
run('a bind without a body', on => 'fresh', send => pdu('bind_trx', 4), answer => [['bind_trx', 'cmdlen', 4]], reason => {pdu_truncated => 1});
run('a bind right after a bad one', on => 'fresh', send => pdu('bind_trx', 4) . pdu('bind_trx', 5, binding()), answer => [['bind_trx', 'cmdlen', 4], ['bind_trx', 'ok', 5]]);

my @fault = ( # title, submit_sm, status, reason
	['a service_type of 6 without NUL', sm(service => 'x' x 6), 'sertyp', 'pdu_field'],
	['a source_addr of 21 without NUL', sm(from => '4' x 21), 'srcadr', 'pdu_field'],
	['a destination_addr of 21 without NUL', sm(to => '4' x 21), 'dstadr', 'pdu_field'],
	['a schedule_delivery_time of 17 without NUL', sm(schedule => '0' x 17), 'sched', 'pdu_field'],
	['a validity_period of 17 without NUL', sm(validity => '0' x 17), 'expiry', 'pdu_field'],
	['a schedule in the past', sm(schedule => '200101000000000+'), 'sched', 'schedule'],
	['a validity in the past', sm(validity => '200101000000000+'), 'expiry', 'validity'],
	['a schedule that is no time', sm(schedule => '261399000000000+'), 'sched', 'schedule'],
	['a validity that is no time', sm(validity => 'tomorrow'), 'expiry', 'validity'],
	['a sm_length of 255 with 255 octets', sm(text => 'x' x 255), 'msglen', 'pdu_field'],
	['a sm_length of 255 with 5 octets', sm(length => 255), 'msglen', 'pdu_field'],
	['a sm_length one too long', sm(length => 6), 'msglen', 'pdu_field'],
	['a sm_length one too short', sm(length => 4), 'optparstream', 'pdu_tlv'],
	['a sm_length of 0 with UDHI', sm(text => '', esm => 0x40), 'esmclass', 'pdu_field'],
	['a UDH longer than the message', sm(text => "\x06\x05\x04ab", esm => 0x40), 'esmclass', 'pdu_field'],
	['a UDH of 255', sm(text => "\xff" x 254, esm => 0x40), 'esmclass', 'pdu_field'],
	['a TLV that runs past the end', sm(tlvs => pack('nna*', 0x204, 2, "\1")), 'optparstream', 'pdu_tlv'],
	['a TLV of length 65,535 with 2 octets', sm(tlvs => pack('nna*', 0x424, 65535, "ab")), 'optparstream', 'pdu_tlv'],
	['three octets after the text', sm(tlvs => "\2\4\0"), 'optparstream', 'pdu_tlv'],
	['a TLV whose length is wrong for its tag', sm(tlvs => tlv(0x20a, "\1")), 'parlen', 'pdu_tlv'],
	['two message_payload', sm(text => '', tlvs => tlv(0x424, 'a') x 2), 'optparnotallwd', 'pdu_tlv'],
	['message_payload and short_message', sm(tlvs => tlv(0x424, 'a')), 'optparnotallwd', 'pdu_tlv'],
	['a priority of 5', sm(priority => 5), 'prtflg', 'pdu_field'],
	['a replace_if_present of 2', sm(replace => 2), 'repflag', 'pdu_field'],
	['a reserved message type', sm(esm => 0x0c), 'esmclass', 'pdu_field'],
	['a receipt from an ESME', sm(esm => 0x04, text => 'id:1 stat:DELIVRD'), 'esmclass', 'pdu_field'],
	['no destination', sm(to => ''), 'dstadr', 'destination'],
	['a destination of letters', sm(to => 'abc'), 'dstadr', 'destination'],
	['a sender that the account may not use', sm(from => '4799999'), 'srcadr', 'sender'],
	['a destination without a route', sm(to => '8190123'), 'dstadr', 'no_route'],
);
run($_->[0], send => pdu('submit', 6, $_->[1]), answer => [['submit', $_->[2], 6]], reason => {$_->[3] => 1}) for @fault;
run('short_message of 254 octets', send => pdu('submit', 6, sm(text => 'x' x 254)), answer => [['submit', 'ok', 6]]);
run('a TLV of an unknown tag', send => pdu('submit', 6, sm(tlvs => tlv(0x3fff, 'x' x 300))), answer => [['submit', 'ok', 6]]);
run('submit_multi to 254', send => pdu('multi', 6, multi(254, 1)), answer => [['multi', 'cmdid', 6]], reason => {not_supported => 1});
run('submit_multi to 255', send => pdu('multi', 6, multi(255, 1)), answer => [['multi', 'numdests', 6]], reason => {pdu_field => 1});
run('submit_multi to nobody', send => pdu('multi', 6, multi(0, 1)), answer => [['multi', 'numdests', 6]], reason => {pdu_field => 1});
run('submit_multi with a dest_flag of 3', send => pdu('multi', 6, multi(1, 3)), answer => [['multi', 'destflag', 6]], reason => {pdu_field => 1});
run('query_sm', send => pdu('query', 6, "1\0\1\0011\0"), answer => [['query', 'queryfail', 6]], reason => {not_supported => 1});
run('cancel_sm', send => pdu('cancel', 6, "\0001\0\1\0011\0\1\0012\0"), answer => [['cancel', 'cancelfail', 6]], reason => {not_supported => 1});
run('replace_sm', send => pdu('replace', 6, "1\0\1\0011\0\0\0\0\0\1x"), answer => [['replace', 'replacefail', 6]], reason => {not_supported => 1});

my $whole = sm(text => 'hello');
{
	my $title = 'a submit_sm cut at each of its octets';
	my $before = refused();
	my $s = bound('bind_trx');
	for my $n (0 .. length($whole) - 1) {
		$s->syswrite(pdu('submit', $n, substr $whole, 0, $n));
		my $pdu = next_pdu($s);
		fail($title, "at $n: " . spell($pdu)) unless $pdu && $pdu->{cmd} == 0x80000004 && $pdu->{seq} == $n && ($pdu->{status} == 1 || $pdu->{status} == 2);
	}
	innocent_works($title);
	my $after = refused();
	my $moved = $after->{pdu_truncated} + $after->{pdu_field} - $before->{pdu_truncated} - $before->{pdu_field};
	fail($title, "refused moved by $moved") unless $moved == length $whole;
	print "ok: $title\n";
}
run('octet by octet', send => [split //, pdu('enquire', 7) . pdu('submit', 6, $whole)], answer => [['enquire', 'ok', 7], ['submit', 'ok', 6]]);
run('a connection that ends within a PDU', on => 'fresh', send => do { my $s = bound('bind_trx'); $s->syswrite(substr pdu('submit', 6, $whole), 0, 30); close $s; pdu('enquire', 2) },
	answer => [['enquire', 'ok', 2]]);

# The SMSC behind +4671 answers after half a second; the window of the account is 4.
my $slow = sub { pdu('submit', $_[0], sm(to => '46711234567')) };
run('more requests than the window', send => join('', map { $slow->($_) } 1 .. 6) . pdu('enquire', 7),
	answer => [['submit', 'throttled', 5], ['submit', 'throttled', 6], ['enquire', 'ok', 7], map { ['submit', 'ok', $_] } 1 .. 4], reason => {window => 2});
run('an unbind in mid-window', send => join('', map { $slow->($_) } 1 .. 4) . pdu('unbind', 5),
	answer => [(map { ['submit', 'ok', $_] } 1 .. 4), ['unbind', 'ok', 5]], ends => 'closed', reason => {window => 0});

my $before = refused();
my $left = 7 - (time - $opened);
for ([$silent, 'no bind'], [$dribbling, 'a bind of which only 20 octets come']) {
	my ($s, $title) = @$_;
	fail($title, 'the connection stays open') unless closed($s, $left > 1 ? $left : 1);
	print "ok: $title within 5 s closes the connection\n";
}
innocent_works('no bind');
fail('no bind', "refused{bind_timeout} is $before->{bind_timeout}") unless refused()->{bind_timeout} == 2;
$innocent->syswrite(pdu('unbind', ++$innocent_count));
expect_pdu('unbind', $innocent, 'unbind', 'ok', $innocent_count);
fail('unbind', 'the connection stays open') unless closed($innocent);
print "ok: the other session saw nothing of all this\n";
