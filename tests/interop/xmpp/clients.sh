#!/bin/bash
# Other chat clients than slixmpp: npm @xmpp/client, one of libstrophe, and profanity, typed at in a terminal. Each logs in by SCRAM, and exchanges messages
# with slixmpp and with a number, receipts both ways.
xmpp=yes
. "$(dirname "$0")/../lib.sh"
. tests/interop/sip/sipp.inc
. tests/interop/xmpp/chat.inc
cat >"$dir/site.yaml" <<'SITE'
accounts:
  - {name: acme, password: secret1}
peers:
  - {name: smsc1, host: 198.18.0.2, port: 2776, password: pw, reconnect: 1}
routes:
  - {to: "+4670", via: [smsc1]}
  - {to: "+4673", via: [registered]}
subscribers:
  - {address: "+46731234567", xmpp: "xmpp:alice@example.org", password: secret}
  - {address: "+46732222222", xmpp: "xmpp:bob@example.org", password: secret}
  - {address: "+46733333333", xmpp: "xmpp:carol@example.org", password: secret}
  - {address: "+46734444444", xmpp: "xmpp:dave@example.org", password: secret}
SITE
cc -O1 -Wall -o "$dir/client" tests/interop/xmpp/client.c $(pkg-config --cflags --libs libstrophe) >"$dir/cc.log" 2>&1
appliance cpm-clients "0, 1" "$dir/site.yaml"
slixmpp alice alice secret desk
expect "slixmpp is there" says alice "started alice@example.org/desk"

meets() { # NAME JID RESOURCE: what each client does, who is told what to send by `tell`
	expect "$1 logs in" says "$1" "started $2/$3"
	tell "$1" send "$1-1" alice@example.org "Hej alice & <$1> 😀"
	expect "its message arrives" says alice "message $2/$3 Hej alice & <$1> 😀"
	expect "and the receipt comes back" says "$1" "receipt $1-1"
	tell alice send "a-$1" "$2" "Hej $1"
	expect "it gets a message" says "$1" "message alice@example.org/desk Hej $1"
	expect "and sends its receipt" says alice "receipt a-$1"
	tell "$1" send "$1-2" +4999@example.org nowhere
	expect "what has no route comes back as an error" says "$1" "error $1-2 remote-server-not-found"
}
chat mallory node tests/interop/xmpp/client.js bob wrong phone
expect "npm @xmpp/client is told of a wrong password" says mallory "refused not-authorized"
chat bob node tests/interop/xmpp/client.js bob secret phone
meets bob bob@example.org phone
chat carol "$dir/client" carol secret phone
meets carol carol@example.org phone
expect "an ESME sends to the number of one" submit 1 +46733333333 --coding latin1 --text 'Smörgås {n}' --markers
expect "which libstrophe reads" wait_for 10 "text" grep -q '^message +4611111@example.org CPM[0-9a-f]* Smörgås' "$dir/carol.said"

# profanity: a terminal of its own, of which the screen is read.
mkdir -p "$dir/home/.config/profanity"
cat >"$dir/home/.config/profanity/profrc" <<'PROFRC'
[connection]
[chatstates]
enabled=true
[receipts]
request=true
send=true
PROFRC
terminal() { tmux -S "$dir/terminal" "$@"; }
start terminal "$dir/terminal.log" ip netns exec "$netns_name-b" env HOME="$dir/home" XDG_CONFIG_HOME="$dir/home/.config" XDG_DATA_HOME="$dir/home/.data" \
	LC_ALL=C.UTF-8 TERM=xterm tmux -D -S "$dir/terminal" -f /dev/null
wait_for 10 "the terminal is open" test -S "$dir/terminal"
terminal new-session -d -x 150 -y 40 profanity
screen_has() { terminal capture-pane -p | grep -qF -- "$1"; }
shows() { wait_for 15 "profanity shows $1" screen_has "$1"; }
type_in() { terminal send-keys -l -- "$1" && terminal send-keys Enter; }
expect "profanity starts" shows Profanity
type_in "/connect dave@example.org server 198.18.0.1 tls disable"
expect "it asks for the password" shows "password"
type_in secret
expect "it logs in" shows "logged in successfully"
type_in "/msg alice@example.org Hej alice, from a terminal"
says_dave() { grep -q '^message dave@example.org/profanity.* Hej alice, from a terminal$' "$dir/alice.said"; }
expect "what is typed there arrives" wait_for 10 "message" says_dave
tell alice send a-dave dave@example.org 'Hej Dave, ålänning'
expect "it shows what is sent to it" shows 'Hej Dave, ålänning'
expect "and sends the receipt" says alice "receipt a-dave"
type_in "/quit"
finish
