#!/bin/bash
# npm smpp as message centre that the appliance binds to: throttling, answers out of order, ids of both bases, receipts before responses, mobile-originated
# messages, dropped connections, refused binds, silence.
. "$(dirname "$0")/../lib.sh"
cat >"$dir/site.yaml" <<'SITE'
accounts:
  - {name: acme, password: secret1, window: 100}
  - {name: inbound, password: secret2, window: 100}
peers:
  - {name: centre, host: 198.18.0.2, port: 2776, system_id: cpm, password: pw, system_type: router, window: 100, reconnect: 1}
  - {name: hexfirst, host: 198.18.0.3, port: 2776, system_id: cpm, password: pw, system_type: router, reconnect: 1, ids: decimal}
  - {name: hexlast, host: 198.18.0.4, port: 2776, system_id: cpm, password: pw, system_type: router, reconnect: 1}
  - {name: lone, host: 198.18.0.5, port: 2776, system_id: cpm, password: pw, system_type: router, reconnect: 1, enquire_link: 1, response_time: 1}
  - {name: apart-tx, host: 198.18.0.6, port: 2776, system_id: cpm, password: pw, reconnect: 1, bind: transmitter}
  - {name: apart-rx, host: 198.18.0.6, port: 2776, system_id: cpm, password: pw, reconnect: 1, bind: receiver}
routes:
  - {to: "+4670", via: [centre]}
  - {to: "+4671", via: [hexfirst]}
  - {to: "+4672", via: [hexlast]}
  - {to: "+4673", via: [lone]}
  - {to: "+4674", via: [apart-tx]}
  - {to: "+46811", via: [acme]}
  - {to: "+46822", via: [inbound]}
SITE
appliance cpm-npm-smsc "0, 1" "$dir/site.yaml"
expect "npm smpp is installed" test -f tests/interop/node_modules/smpp/package.json
expect "npm smpp as message centre is used, case by case" in_peers timeout 55 node tests/interop/node/smsc.js
sed 's/^/   /' "$dir/expect.log"
finish
