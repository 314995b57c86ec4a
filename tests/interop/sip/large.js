/*
 * npm smpp with long texts in message_payload: `large.js centre COUNT FILE` takes COUNT of them at 198.18.0.2:2776; `large.js esme TO COUNT MIN MAX SEED FILE`
 * submits COUNT, each after the answer to the one before, and ends with status 1 when one is refused. FILE gets the SHA-256 of each text.
 */
'use strict';

const crypto = require('crypto');
const fs = require('fs');

const {Centre, assert, esme, leave, smpp} = require('../node/peer');

smpp.PDU.maxLength = 70000; /* a message_payload of 64 KiB and its fields */

const [role, ...rest] = process.argv.slice(2);
const digest = (bytes) => crypto.createHash('sha256').update(bytes).digest('hex') + '\n';
/* Latin-1 of SMPP (3) and its default alphabet have letters, digits and space at the places of ASCII. */
const letters = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 .\n';

let state;
function random(below) {
	state = (Math.imul(state, 1103515245) + 12345) >>> 0;
	return (state >>> 8) % below;
}

function text_of(size) {
	let text = '';
	while (text.length < size)
		text += random(200) === 0 ? '\r\n-------' : letters[random(letters.length)];
	return text.slice(0, size);
}

async function centre(count, name) {
	const at = new Centre('198.18.0.2');
	await at.ready;
	const file = fs.openSync(name, 'w');
	for (let n = 0; n < count; ++n) {
		let pdu;
		for (;;) {
			pdu = at.submitted.items.shift();
			if (pdu)
				break;
			await new Promise((resolve) => setTimeout(resolve, 10));
		}
		const octets = payload(pdu.bytes);
		assert.ok(octets, 'the text comes in message_payload');
		fs.writeSync(file, digest(octets));
	}
	fs.closeSync(file);
	console.log(`took ${count}`);
	process.exit(0);
}

/* The octets of message_payload (0x0424) as they are on the wire. */
function payload(bytes) {
	let at = 16;
	const string = () => { at = bytes.indexOf(0, at) + 1; };
	string();
	at += 2; string();
	at += 2; string();
	at += 3; string(); string();
	at += 4;
	at += 1 + bytes[at];
	while (at + 4 <= bytes.length) {
		const tag = bytes.readUInt16BE(at), size = bytes.readUInt16BE(at + 2);
		if (tag === 0x0424)
			return bytes.subarray(at + 4, at + 4 + size);
		at += 4 + size;
	}
	return null;
}

async function submit(to, count, min, max, seed, name) {
	state = Number(seed);
	const session = await esme('bind_transceiver', 'acme', 'secret1');
	const file = fs.openSync(name, 'w');
	for (let n = 0; n < count; ++n) {
		const text = text_of(Number(min) + Math.floor((max - min) * n / Math.max(1, count - 1)));
		fs.writeSync(file, digest(text));
		const answer = await session.request('submit_sm', {
			source_addr_ton: 1, source_addr_npi: 1, source_addr: '4611111', dest_addr_ton: 1, dest_addr_npi: 1, destination_addr: to,
			data_coding: 3, message_payload: {message: Buffer.from(text, 'latin1')}});
		if (answer.command_status !== 0) {
			console.log(`message ${n} of ${text.length} bytes: status ${answer.command_status}`);
			process.exit(1);
		}
	}
	fs.closeSync(file);
	await leave(session);
	console.log(`sent ${count}`);
	process.exit(0);
}

(role === 'centre' ? centre(Number(rest[0]), rest[1]) : submit(rest[0], Number(rest[1]), ...rest.slice(2))).catch((error) => {
	console.log(error.stack);
	process.exit(1);
});
