/* npm sip as a device: npm.js TRANSPORT. Registers, says "registered STATUS"; sends each text that it gets back to a number of the message centre and says
 * "sent STATUS". Ends after 30 seconds. */
'use strict';

const sip = require('sip');
const digest = require('sip/digest');

const transport = process.argv[2];
const own = '198.18.0.6';
const alice = {user: 'alice', password: 'secret', realm: 'example.org'};
let sequence = 0;

/* Sends a request, with credentials when asked for; calls back with the status of the last response. */
function ask(method, uri, to, more, content, done) {
	sequence += 2;
	const id = `${sequence}${Math.floor(Math.random() * 1e9)}`;
	const request = () => ({
		method, uri, content,
		headers: {
			to: {uri: to}, from: {uri: 'sip:alice@example.org', params: {tag: id}}, 'call-id': id, cseq: {method, seq: sequence},
			route: [{uri: `sip:198.18.0.1;lr;transport=${transport}`}], ...more,
		},
	});
	sip.send(request(), (response) => {
		if (response.status !== 401)
			return done(response.status);
		const again = request();
		again.headers.cseq.seq++;
		digest.signRequest({}, again, response, alice);
		sip.send(again, (last) => done(last.status));
	});
}

sip.start({address: own, port: 5060, udp: true, tcp: true}, (request) => {
	sip.send(sip.makeResponse(request, request.method === 'MESSAGE' || request.method === 'OPTIONS' ? 200 : 405));
	if (request.method === 'MESSAGE')
		ask('MESSAGE', 'sip:+46701234567@example.org', 'sip:+46701234567@example.org', {'content-type': 'text/plain;charset=UTF-8'}, request.content,
			(status) => console.log(`sent ${status}`));
});
ask('REGISTER', 'sip:example.org', 'sip:alice@example.org', {contact: [{uri: `sip:alice@${own};transport=${transport}`, params: {expires: '300'}}]}, '',
	(status) => console.log(`registered ${status}`));
setTimeout(() => process.exit(0), 30000);
