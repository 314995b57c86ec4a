#!/bin/bash
# npm smpp as ESME: codings, headers, every optional parameter, data_sm, receipts, responses out of order, large payloads, unbind. Behind the
# appliance stands a message centre of the same library, which keeps every byte.
. "$(dirname "$0")/../lib.sh"
cat >"$dir/site.yaml" <<'SITE'
accounts:
  - {name: acme, password: secret1, window: 100}
  - {name: apart, password: secret2, window: 100}
peers:
  - {name: centre, host: 198.18.0.2, port: 2776, system_id: cpm, password: pw, connections: 1, window: 100, reconnect: 1}
routes:
  - {to: "+4670", via: [centre]}
  - {to: "+46811", via: [acme]}
SITE
appliance cpm-npm-esme "0, 1" "$dir/site.yaml"
expect "npm smpp is installed" test -f tests/interop/node_modules/smpp/package.json
expect "npm smpp as ESME is served, case by case" in_peers timeout 50 node tests/interop/node/esme.js
sed 's/^/   /' "$dir/expect.log"
finish
