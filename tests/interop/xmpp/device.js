/* npm sip as a device of the Converged IP Messaging kind, carol@example.org at 198.18.0.6 over UDP: what comes in message/cpim is read, its delivery is
 * notified (RFC 5438), and the same text goes on to the address in its argument, asking for a notification. Says what happens, one a line. */
'use strict';

const sip = require('sip');
const digest = require('sip/digest');

const own = '198.18.0.6';
const carol = {user: 'carol', password: 'secret', realm: 'example.org'};
const next = process.argv[2];
const say = (...words) => console.log(words.join(' '));
let sequence = 0;

/* Sends a request, with credentials when asked for; calls back with the status of the last response. */
function ask(method, uri, to, more, content, done) {
	sequence += 2;
	const id = `${sequence}${Math.floor(Math.random() * 1e9)}`;
	const request = () => ({
		method, uri, content,
		headers: {
			to: {uri: to}, from: {uri: 'sip:carol@example.org', params: {tag: id}}, 'call-id': id, cseq: {method, seq: sequence},
			route: [{uri: 'sip:198.18.0.1;lr;transport=udp'}], ...more,
		},
	});
	sip.send(request(), (response) => {
		if (response.status !== 401) {
			done(response.status);
			return;
		}
		const again = request();
		again.headers.cseq.seq++;
		digest.signRequest({}, again, response, carol);
		sip.send(again, (last) => done(last.status));
	});
}

function message(to, fields, type, content, done) {
	const cpim = ['From: <sip:carol@example.org>', `To: <${to}>`, 'DateTime: 2026-11-27T12:00:00Z', 'NS: imdn <urn:ietf:params:imdn>', ...fields, '',
		`Content-Type: ${type}`, '', content].join('\r\n');
	ask('MESSAGE', to, to, {'content-type': 'message/cpim'}, cpim, done);
}

function came(content) {
	const id = /^imdn\.Message-ID: *(\S+)/mi.exec(content);
	const from = /^From:.*<([^>]+)>/mi.exec(content)[1];

	if (/message\/imdn\+xml/i.test(content)) {
		say('notified of', /<message-id>([^<]*)/.exec(content)[1], /<(delivered|displayed|failed)\/>/.exec(content)[1]);
		return;
	}
	const text = content.split('\r\n\r\n').slice(2).join('\r\n\r\n');
	say('text from', from, Buffer.from(text, 'latin1').toString()); /* npm sip has a byte in each character */
	message(from, ['imdn.Message-ID: n1'], 'message/imdn+xml', `<?xml version="1.0" encoding="UTF-8"?><imdn xmlns="urn:ietf:params:xml:ns:imdn"><message-id>${id[1]}</message-id>` +
		'<datetime>2026-11-27T12:00:00Z</datetime><delivery-notification><status><delivered/></status></delivery-notification></imdn>',
	(status) => {
		say('notification', status);
		message(next, ['imdn.Message-ID: c1', 'imdn.Disposition-Notification: positive-delivery'], 'text/plain; charset=UTF-8', text,
			(last) => say('sent', last));
	});
}

sip.start({address: own, port: 5060, udp: true, tcp: false}, (request) => {
	const taken = request.method === 'MESSAGE';
	sip.send(sip.makeResponse(request, taken || request.method === 'OPTIONS' ? 200 : 405));
	if (taken)
		came(request.content);
});
ask('REGISTER', 'sip:example.org', 'sip:carol@example.org', {
	contact: [{uri: `sip:carol@${own}`, params: {expires: '300', '+g.3gpp.icsi-ref': '"urn%3Aurn-7%3A3gpp-service.ims.icsi.oma.cpm.msg"'}}],
}, '', (status) => say('registered', status));
