#!/bin/bash
# kill -9 of the dataplane, and control with it: a SIP device over UDP that registered before gets what is sent to it after the restart, and does not
# register again; `registration list` shows it, until its time is over.
capture_wanted=no
. "$(dirname "$0")/../lib.sh"
cat >"$dir/site.yaml" <<'SITE'
accounts:
  - {name: acme, password: secret1}
routes:
  - {to: "+4672", via: [registered]}
subscribers:
  - {address: "+46721234567", sip: "sip:alice@example.org", password: secret2}
SITE
sip=yes appliance cpm-regs 0 "$dir/site.yaml"
start phone "$dir/phone.log" ip netns exec "$netns_name-b" "$build/cpm-load" phone --connect 198.18.0.1:5060 --user sip:alice@example.org --password secret2 \
	--count 3 --time 120
phone=$started
wait_for 10 "the phone is registered" grep -q "REGISTER 200" "$dir/phone.log"
registered() { [ "$(ctl --json registration list | jq -r '.rows[0][0]')" = sip:alice@example.org ]; }
taken() {
	in_peers timeout 20 "$build/cpm-load" esme --connect 198.18.0.1:2775 --system-id acme --password secret1 --wait 10 --from +4611111 \
		--to +46721234567 --text "$1" --count 1 | grep -q "ok *1"
}
once() { [ "$(grep -c "REGISTER 200" "$dir/phone.log")" = 1 ]; }
killed() { kill -KILL "$1" && wait_for 5 "the process is gone" eval "! kill -0 $1"; }

expect "a message before" taken "before"
expect "the dataplane is killed" killed "$dataplane_pid"
dataplane_start
expect "control and the new dataplane are in step" wait_for 10 "in step" in_step
expect "the registration is listed" registered
expect "a message after the restart" taken "after one"
expect "control is killed" killed "$control_pid"
expect "and the dataplane again, with the end of its file torn" killed "$dataplane_pid"
printf 'torn' >>"$(sed -n 's/^state_dir: *//p' "$dir/cpm.yaml")/registrations"
dataplane_start
expect "a message after a restart without control" taken "after two"
came() { wait "$phone" && grep -q ": before" "$dir/phone.log" && grep -q ": after one" "$dir/phone.log" && grep -q ": after two" "$dir/phone.log"; }
expect "all came to the phone" came
expect "which registered once" once
told() { grep -q "registrations.torn.*lost_bytes=4" "$dir/dataplane.log"; }
expect "what was torn is told" told
control_start
finish
