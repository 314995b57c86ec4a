/* npm @xmpp/client, driven as client.py is: client.js USER PASSWORD RESOURCE [SERVICE] reads "send ID TO TEXT" and "quit" from stdin and says what happens. It
 * answers requests for receipts. */
'use strict';

global.WebSocket ??= require('ws');

const {client, xml} = require('@xmpp/client');
const [username, password, resource, service = 'xmpp://198.18.0.1:5222'] = process.argv.slice(2);
const say = (...words) => console.log(words.join(' '));
const xmpp = client({service, domain: 'example.org', resource, username, password});

function message(m) {
	const {from, id, type} = m.attrs;
	const received = m.getChild('received', 'urn:xmpp:receipts');

	if (type === 'error') {
		say('error', id, m.getChild('error').children.find((c) => c.name !== 'text').name);
		return;
	}
	if (received)
		say('receipt', received.attrs.id);
	if (m.getChildText('body'))
		say('message', from, m.getChildText('body'));
	if (m.getChild('request', 'urn:xmpp:receipts'))
		xmpp.send(xml('message', {to: from, type}, xml('received', {xmlns: 'urn:xmpp:receipts', id})));
}

xmpp.on('error', (e) => {
	if (e.name === 'SASLError') {
		say('refused', e.condition);
		process.exit(0);
	}
	say('failed', e.message);
});
xmpp.on('online', async (jid) => {
	await xmpp.send(xml('presence', {}, xml('priority', {}, '5')));
	say('started', jid);
});
xmpp.on('stanza', (s) => s.is('message') && message(s));
xmpp.streamManagement?.on('resumed', () => say('resumed'));
xmpp.start().catch(() => {});

require('readline').createInterface({input: process.stdin}).on('line', (line) => {
	const [, word, id, to, text] = /^(\w+) ?(\S*) ?(\S*) ?(.*)$/.exec(line);

	if (word === 'send')
		xmpp.send(xml('message', {id, to, type: 'chat'}, xml('body', {}, text), xml('request', {xmlns: 'urn:xmpp:receipts'})));
	else if (word === 'quit')
		xmpp.stop().then(() => process.exit(0));
});
