#!/bin/bash
# Signed identities (RFC 8224, RFC 9475) between the appliance and a peer that signs and verifies with what node has; keys and certificates are made by
# openssl. What the appliance signs holds there, what the peer signs holds here, and what is wrong with it has the answer that the standard gives it.
sip=yes
. "$(dirname "$0")/../lib.sh"
signer() { # NAME: its key and a certificate of ours for it
	openssl ecparam -name prime256v1 -genkey -noout -out "$dir/$1.sec1"
	openssl pkcs8 -topk8 -nocrypt -in "$dir/$1.sec1" -out "$dir/$1.key"
	openssl req -new -key "$dir/$1.key" -subj "/CN=$1" -out "$dir/$1.csr"
	openssl x509 -req -in "$dir/$1.csr" -CA "$dir/anchor.pem" -CAkey "$dir/anchor.key" -CAcreateserial -days 2 -out "$dir/$1.pem"
	chmod 600 "$dir/$1.key"
}
keys() {
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout "$dir/anchor.key" -subj "/CN=anchor" -days 2 -out "$dir/anchor.pem" &&
		signer cpm && signer peer
}
expect "openssl makes an authority and two signers" keys
config_more="stir:
  key: $dir/cpm.key
  certificate: $dir/cpm.pem
  url: \"https://cpm.example/cpm.pem\"
  anchors: $dir/anchor.pem
  certificates:
    - {url: \"https://peer.example/peer.pem\", file: $dir/peer.pem}
"
cat >"$dir/site.yaml" <<'SITE'
accounts:
  - {name: acme, password: secret1, window: 100}
peers:
  - {name: smsc1, host: 198.18.0.2, port: 2776, password: pw, reconnect: 1}
  - {name: carrier, protocol: sip, host: 198.18.0.3, port: 5070, transport: udp, identity: [sign, require]}
routes:
  - {to: "+4670", via: [smsc1]}
  - {to: "+4674", via: [carrier]}
SITE
appliance cpm-identity 0 "$dir/site.yaml"
start smsc "$dir/smsc.log" ip netns exec "$netns_name-b" "$build/cpm-load" smsc --listen 198.18.0.2:2776 --record "$dir/received"
centre=$started
expect "the link to the message centre is bound" wait_for 15 "bound" bound smsc1 1
start peer "$dir/peer.log" ip netns exec "$netns_name-b" node tests/interop/sip/identity.js 500 "$dir/cpm.pem" "$dir/peer.key" https://peer.example/peer.pem
peer=$started
expect "the peer is up" wait_for 15 "its link" bound carrier 1
expect "an ESME sends 500 messages to it" in_peers timeout 60 "$build/cpm-load" esme --connect 198.18.0.1:2775 --system-id acme --password secret1 --wait 10 \
	--from +4611111 --to +4674######* --text "Smörgås {n}" --coding ucs2 --count 500
expect "node verifies each, and sends messages of its own" wait "$peer"
says() { grep -qxF -- "$1" "$dir/peer.log" || { cat "$dir/peer.log"; return 1; }; }
while IFS= read -r line; do
	expect "node: $line" says "$line"
done <<'LINES'
verified 500
as it is: 202
with white space in its JSON: 202
with another text: 438
by another sender: 438
for another recipient: 438
of two minutes ago: 403
by a certificate that is not known: 436
with a signature of another: 438
without an Identity: 428
LINES
stop "$centre"
expect "the two that hold have come to the message centre" eval '[ "$(grep -c "^R" "$dir/received")" = 2 ]'
finish
