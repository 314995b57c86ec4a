/* npm ws against our reading of frames: each line says what was done and what came of it. The messages are SIP, and it is let in by its address,
 * which is a peer's. */
'use strict';

const WebSocket = require('ws');

const localAddress = process.argv[2];
const url = 'ws://198.18.0.1:8080/';
let sequence = 0;

function message(text) {
	sequence++;
	return [
		'MESSAGE sip:+46701234567@example.org SIP/2.0', `Via: SIP/2.0/WS x7.invalid;branch=z9hG4bK${sequence}`, 'Max-Forwards: 70',
		`From: <sip:+46739999999@elsewhere.example;user=phone>;tag=f${sequence}`, 'To: <sip:+46701234567@example.org>', `Call-ID: f${sequence}`, `CSeq: ${sequence} MESSAGE`,
		'Content-Type: text/plain;charset=UTF-8', '', text,
	].join('\r\n');
}

const opened = (protocol = 'sip', options = {}) => new Promise((resolve) => {
	const ws = new WebSocket(url, protocol, {localAddress, ...options});
	ws.on('error', () => {});
	ws.on('open', () => resolve(ws));
	ws.on('unexpected-response', (request, response) => {
		let body = '';
		response.on('data', (data) => { body += data; });
		response.on('end', () => resolve(`${response.statusCode} ${body.trim()}`));
	});
});
const once = (ws, event) => new Promise((resolve) => ws.once(event, (...what) => resolve(what)));
const answer = async (ws) => {
	const [data, binary] = await once(ws, 'message');
	return `${binary ? 'binary' : 'text'} ${data.toString().split('\r\n')[0]}`;
};
const closes = async (ws) => `closed ${(await once(ws, 'close'))[0]}`;
const say = (what, came) => console.log(`${what}: ${came}`);

/* They may all come in one segment. */
const hundred = (ws) => new Promise((resolve) => {
	const seen = new Set();
	const count = (data) => {
		if (data.toString().startsWith('SIP/2.0 202 '))
			seen.add(/^CSeq: (.*)$/m.exec(data.toString())[1]);
		if (seen.size === 100) {
			ws.off('message', count);
			resolve(seen.size);
		}
	};
	ws.on('message', count);
});

async function fragments(ws, text, size) {
	const bytes = Buffer.from(message(text));
	for (let at = 0; at < bytes.length; at += size) {
		if (at % (3 * size) === 0)
			ws.ping('between');
		ws.send(bytes.subarray(at, at + size), {binary: false, fin: at + size >= bytes.length});
	}
	return answer(ws);
}

(async () => {
	let ws = await opened();
	say('the server speaks', ws.protocol);
	say('extensions', JSON.stringify(ws.extensions));
	ws.send(message('short'));
	say('one frame', await answer(ws));
	ws.send(Buffer.from(message('binary')), {binary: true});
	say('a binary frame', await answer(ws));
	say('fragments of 40 bytes with pings', await fragments(ws, 'Smörgås 漢字 '.repeat(8), 40));
	say('fragments of 1000 bytes', await fragments(ws, 'x'.repeat(9000), 1000));
	ws.ping('are you there');
	say('a ping', (await once(ws, 'pong'))[0].toString());
	const all = hundred(ws);
	for (let i = 0; i < 100; i++)
		ws.send(message(`n${i}`));
	say('a hundred at once', await all);
	ws.close(1000, 'bye');
	say('a close', await closes(ws));
	ws = await opened();
	ws.close();
	say('a close without a code', await closes(ws));
	ws = await opened();
	ws.send('y'.repeat(65537));
	say('more than 65536 bytes', await closes(ws));
	ws = await opened();
	for (let i = 0; i < 200; i++)
		ws.send('z', {fin: false});
	say('a message without an end', await closes(ws));
	ws = await opened();
	ws.send(Buffer.from([0x61, 0xff]), {binary: false});
	say('text that is not UTF-8', await closes(ws));
	ws = await opened();
	ws.send('not masked', {mask: false});
	say('a frame without a mask', await closes(ws));
	say('another subprotocol', await opened('chat'));
	say('an old version', await opened('sip', {protocolVersion: 8}));
	process.exit(0);
})();
