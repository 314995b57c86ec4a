/*
 * What both test programs need: npm smpp with the bytes of each PDU kept beside what it understood, an ESME and a message centre with promises,
 * and the runner: each case is a sentence and an async function; the first that fails ends the program with status 1.
 */
'use strict';

const assert = require('assert');
const smpp = require('smpp');

const APPLIANCE = {host: '198.18.0.1', port: 2775};
const CASE_MS = 20000;
const ANSWER_MS = 12000;

smpp.PDU.fromStream = function (stream, length) {
	const rest = stream.read(length - 4);
	if (!rest)
		return false;
	const head = Buffer.alloc(4);
	head.writeUInt32BE(length);
	return withBytes(Buffer.concat([head, rest]));
};

function withBytes(bytes) {
	const pdu = new smpp.PDU(bytes);
	Object.defineProperty(pdu, 'bytes', {value: bytes});
	Object.defineProperty(pdu, 'body', {value: bytes.subarray(16)});
	return pdu;
}

function within(ms, promise, what) {
	let timer;
	const late = new Promise((_, reject) => {
		timer = setTimeout(() => reject(new Error(`not within ${ms} ms: ${what}`)), ms);
	});
	return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

/* Things that come and are waited for, in order. */
class Inbox {
	constructor(what) {
		this.what = what;
		this.items = [];
		this.waiters = [];
	}
	put(item) {
		const waiter = this.waiters.shift();
		if (waiter)
			waiter(item);
		else
			this.items.push(item);
	}
	next() {
		if (this.items.length > 0)
			return Promise.resolve(this.items.shift());
		return within(ANSWER_MS, new Promise((resolve) => this.waiters.push(resolve)), this.what);
	}
	async take(n) {
		const all = [];
		for (let i = 0; i < n; i++)
			all.push(await this.next());
		return all;
	}
	empty() {
		assert.strictEqual(this.items.length, 0, `nothing more of: ${this.what}`);
	}
}

/* A request: its response, and what its body was on the wire. */
function request(session, command, fields) {
	let sent;
	const answer = new Promise((resolve, reject) => {
		const pdu = new smpp.PDU(command, fields);
		if (!session.send(pdu, resolve))
			reject(new Error('the session is closed'));
		sent = withBytes(pdu.toBuffer());
	});
	const late = within(ANSWER_MS, answer, `response to ${command}`);
	late.catch(() => {});   /* awaited later, or at the end of the program */
	late.body = sent.body;
	late.sequence = sent.sequence_number;
	return late;
}

function opened(session) {
	session.request = (command, fields) => request(session, command, fields);
	session.closed = new Promise((resolve) => session.on('close', resolve));
	session.faults = [];
	session.on('error', (error) => session.faults.push(error));
	session.on('enquire_link', (pdu) => session.send(pdu.response()));
	session.on('unbind', (pdu) => {
		session.send(pdu.response());
		session.close();
	});
}

/* An ESME; messages to it go to .delivered, and are answered by .deliver (default: yes). */
async function esme(kind, account, password) {
	const session = smpp.connect({...APPLIANCE});
	opened(session);
	session.delivered = new Inbox(`deliver_sm to ${account}`);
	session.deliver = (pdu) => session.send(pdu.response());
	session.on('deliver_sm', (pdu) => {
		session.delivered.put(pdu);
		session.deliver(pdu);
	});
	await within(ANSWER_MS, new Promise((resolve) => session.on('connect', resolve)), 'connect');
	session.bound = await session.request(kind, {system_id: account, password, interface_version: 0x34});
	return session;
}

async function leave(session) {
	const answer = await session.request('unbind', {});
	assert.strictEqual(answer.command, 'unbind_resp');
	await within(ANSWER_MS, session.closed, 'the connection closes after unbind');
}

/* A message centre; messages go to .submitted, and are answered by .submit (default: with an id of .new_id()). */
class Centre {
	constructor(host, port) {
		this.submitted = new Inbox(`submit_sm at ${host}`);
		this.binds = new Inbox(`bind at ${host}`);
		this.links = [];
		this.last_id = 1000;
		this.new_id = () => String(++this.last_id);
		this.default_submit = (link, pdu) => link.send(pdu.response({message_id: this.new_id()}));
		this.submit = this.default_submit;
		this.bind = (link, pdu) => link.send(pdu.response({system_id: 'centre', sc_interface_version: 0x34}));
		const server = smpp.createServer((link) => this.accept(link));
		this.ready = new Promise((resolve) => server.listen(port || 2776, host, resolve));
	}
	accept(link) {
		opened(link);
		for (const kind of ['bind_transceiver', 'bind_transmitter', 'bind_receiver']) {
			link.on(kind, (pdu) => {
				this.bind(link, pdu);
				this.links.push(link);
				link.on('close', () => this.links.splice(this.links.indexOf(link), 1));
				this.binds.put({link, pdu});
			});
		}
		for (const command of ['submit_sm', 'data_sm']) {
			link.on(command, (pdu) => {
				this.submitted.put(pdu);
				this.submit(link, pdu);
			});
		}
	}
	get link() {
		return this.links[0];
	}
}

/* The message of a receipt, by the text that SMPP 3.4 Appendix B has. */
function receipt_text(id, state) {
	return `id:${id} sub:001 dlvrd:001 submit date:2611231400 done date:2611231401 stat:${state} err:000 text:hello`;
}

function text_of(pdu) {
	const body = pdu.short_message && pdu.short_message.message.length ? pdu.short_message : pdu.message_payload;
	return body.message.toString();
}

function ok(answer) {
	assert.strictEqual(answer.command_status, 0, `${answer.command} has status 0x${answer.command_status.toString(16)}`);
	return answer;
}

const numbers = {source_addr_ton: 1, source_addr_npi: 1, source_addr: '4611111', dest_addr_ton: 1, dest_addr_npi: 1};

/* CASE=word in the environment: only the cases with that word in their sentence. */
async function run(cases) {
	for (const [title, body] of cases) {
		if (process.env.CASE && !title.includes(process.env.CASE))
			continue;
		try {
			await within(CASE_MS, body(), title);
			console.log(`ok: ${title}`);
		} catch (error) {
			console.log(`NOT OK: ${title}\n${error.stack}`);
			process.exit(1);
		}
	}
	console.log('all cases passed');
	process.exit(0);
}

module.exports = {Centre, Inbox, assert, esme, leave, numbers, ok, receipt_text, run, smpp, text_of, within};
