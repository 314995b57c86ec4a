# What the scripts of this folder share: PDUs made by hand, answers read by Net::SMPP, the appliance's counters.
package Wire;
use strict;
use warnings;
use Exporter 'import';
use IO::Select;
use JSON::PP;
use Net::SMPP;

our @EXPORT = qw(%command %status use_appliance pdu tlv binding sm refused fail connected readable next_pdu closed spell expect_pdu bound);
my ($host, $port, @cpmctl);
sub use_appliance { my ($where, $cpmctl, $socket) = @_; ($host, $port) = split /:/, $where; @cpmctl = ($cpmctl, '--socket', $socket) }

my $wait = 5;
our %command = (
	bind_rx => 1, bind_tx => 2, query => 3, submit => 4, deliver => 5, unbind => 6, replace => 7, cancel => 8, bind_trx => 9, outbind => 11,
	enquire => 0x15, multi => 0x21, alert => 0x102, data => 0x103, nack => 0x80000000,
);
our %status = (
	ok => 0, msglen => 1, cmdlen => 2, cmdid => 3, bndsts => 4, alybnd => 5, submitfail => 0x45, prtflg => 6, srcadr => 0xa, dstadr => 0xb, paswd => 0xe, sysid => 0xf,
	cancelfail => 0x11, replacefail => 0x13, sertyp => 0x15, numdests => 0x33, destflag => 0x40, esmclass => 0x43, systyp => 0x53, repflag => 0x54,
	throttled => 0x58, sched => 0x61, expiry => 0x62, queryfail => 0x67, optparstream => 0xc0, optparnotallwd => 0xc1, parlen => 0xc2,
);

sub pdu { my ($name, $seq, $body) = @_; return pack('NNNN', 16 + length($body // ''), $command{$name} // $name, 0, $seq) . ($body // '') }
sub tlv { my ($tag, $value) = @_; return pack('nn', $tag, length $value) . $value }
sub binding { my (%f) = (id => 'bad', password => 'secret2', type => '', range => '', @_); return "$f{id}\0$f{password}\0$f{type}\0\x34\0\0$f{range}\0" }

# The body of a submit_sm or deliver_sm.
sub sm {
	my (%f) = (service => '', from => '4611111', to => '46701234567', esm => 0, pid => 0, priority => 0, schedule => '', validity => '', registered => 0,
		replace => 0, coding => 0, text => 'hello', tlvs => '', @_);
	return "$f{service}\0\1\1$f{from}\0\1\1$f{to}\0" . pack('CCC', @f{qw(esm pid priority)}) . "$f{schedule}\0$f{validity}\0" .
		pack('CCCCC', @f{qw(registered replace coding)}, 0, $f{length} // length $f{text}) . $f{text} . $f{tlvs};
}

sub refused { # how often, by reason
	my $table = decode_json(`@cpmctl --json metric refused`);
	return { map { $_->[0] =~ /reason="(\w+)"/ ? (lc $1 => $_->[1]) : () } @{$table->{rows}} };
}
sub fail { print "NOT OK: $_[0]: $_[1]\n"; exit 1 }
sub connected { return Net::SMPP->new_connect($host, port => $port, timeout => $wait) || fail('connect', $!) }
sub readable { my ($s, $seconds) = @_; return IO::Select->new($s)->can_read($seconds // $wait) }
sub next_pdu {
	my ($s) = @_;
	local $SIG{__WARN__} = sub { };
	$! = 0;
	return readable($s) ? $s->read_pdu : undef;
}
sub closed { # a session that was bound is told by an unbind
	my ($s, $seconds) = @_;
	my $bytes = '';
	while (readable($s, $seconds)) {
		$s->sysread($bytes, 64, length $bytes) or return $bytes eq '' || $bytes =~ /^\x00{3}\x10\x00{3}\x06\x00{4}....$/s;
	}
	return 0;
}
sub spell { my ($pdu) = @_; return defined $pdu ? sprintf('command %08x status %x sequence %u', @$pdu{qw(cmd status seq)}) : 'nothing' }
sub expect_pdu {
	my ($title, $s, $name, $want, $seq) = @_;
	my $pdu = next_pdu($s);
	my $cmd = $name eq 'nack' ? 0x80000000 : ($command{$name} // $name) | 0x80000000;
	fail($title, sprintf('got %s, not %s_resp %s %s', spell($pdu), $name, $want, $seq // ''))
		unless $pdu && $pdu->{cmd} == $cmd && $pdu->{status} == $status{$want} && (!defined $seq || $pdu->{seq} == $seq);
	return $pdu;
}
sub bound { # KIND ID PASSWORD
	my ($kind, @who) = @_;
	my $s = connected();
	$s->syswrite(pdu($kind, 1, binding(@who)));
	expect_pdu('bind', $s, $kind, 'ok', 1);
	return $s;
}

1;
