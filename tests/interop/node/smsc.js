/*
 * npm smpp as message centre to which the appliance binds, with npm smpp as its customers: what centres do besides answering in order.
 * Each habit of ids is a centre of its own, at its own address, with a route of its own.
 */
'use strict';

const {Centre, assert, esme, leave, numbers, ok, receipt_text, run, smpp, text_of, within} = require('./peer');

const centre = new Centre('198.18.0.2');
const hex_first = new Centre('198.18.0.3');     /* hexadecimal in responses, decimal in receipts */
const hex_last = new Centre('198.18.0.4');      /* the reverse */
const lone = new Centre('198.18.0.5');          /* is asked every second whether it lives */
const apart = new Centre('198.18.0.6');         /* one bind to send, one to receive */
let acme;
let serial = 0;

/* All messages of a case go to one number: order is promised for each recipient. */
const dest = (prefix) => prefix + String(1000000 + serial);

function submit(prefix, text, fields) {
	return acme.request('submit_sm', {...numbers, destination_addr: dest(prefix), short_message: text, data_coding: 0, ...fields});
}

function receipt(link, id, state, fields) {
	return link.request('deliver_sm', {...numbers, destination_addr: '4611111', esm_class: 4, data_coding: 0, short_message: receipt_text(id, state),
		...fields});
}

const texts = (pdus) => pdus.map((pdu) => text_of(pdu));
const upto = (n) => [...Array(n).keys()].map(String);

/* Submit count messages while the centre answers with this status for a while; every one is to be accepted once, in order. */
async function refused_for_a_while(status) {
	const count = 50, accepted = [];
	let until = 0, refused = 0;
	centre.submit = (link, pdu) => {
		if (until === 0 && accepted.length === 20)
			until = Date.now() + 600;
		if (Date.now() < until) {
			refused++;
			link.send(pdu.response({command_status: status}));
			return;
		}
		accepted.push(text_of(pdu));
		link.send(pdu.response({message_id: centre.new_id()}));
	};
	const sent = upto(count).map((n) => submit('4670', n));
	(await Promise.all(sent)).forEach(ok);
	assert.ok(refused > 1, `several were refused at once: ${refused}`);
	assert.deepStrictEqual(accepted, upto(count));
	centre.submitted.items.length = 0;
	centre.submit = centre.default_submit;
}

async function receipt_in_another_base(at, prefix, number, response, in_receipt) {
	at.new_id = () => response(number);
	const to = dest(prefix);
	const answer = submit(prefix, 'hello', {registered_delivery: 1, destination_addr: to});
	await at.submitted.next();
	const id = ok(await answer).message_id;
	const answered = receipt(at.link, in_receipt(number), 'DELIVRD', number < 1e6 ? {source_addr: to} : {});   /* a short id is not enough */
	assert.strictEqual(text_of(await acme.delivered.next()), receipt_text(id, 'DELIVRD'));
	ok(await answered);
}

const upper_hex = (n) => n.toString(16).toUpperCase().padStart(8, '0');
const lower_hex = (n) => n.toString(16);
const decimal = (n) => n.toString(10);
const padded = (n) => n.toString(10).padStart(10, '0');

const cases = [
	['we bind as we are told: name, password, system type, version, kind', async () => {
		for (const at of [centre, hex_first, hex_last, lone]) {
			await at.ready;
			const {pdu} = await at.binds.next();
			assert.strictEqual(pdu.command, 'bind_transceiver');
			assert.strictEqual(pdu.system_id, 'cpm');
			assert.strictEqual(pdu.password, 'pw');
			assert.strictEqual(pdu.system_type, 'router');
			assert.strictEqual(pdu.interface_version, 0x34);
		}
		const kinds = (await apart.binds.take(2)).map(({pdu}) => pdu.command).sort();
		assert.deepStrictEqual(kinds, ['bind_receiver', 'bind_transmitter']);
		acme = await esme('bind_transceiver', 'acme', 'secret1');
		ok(acme.bound);
	}],
	['a message arrives with its bytes and parameters as they were', async () => {
		const sent = submit('4670', 'Grüße aus Köln', {data_coding: 3, user_message_reference: 515, source_port: 7, registered_delivery: 0,
			callback_num: [{digit_mode: 1, ton: 1, npi: 1, number: '46701'}], service_type: 'CMT', priority_flag: 1});
		const got = await centre.submitted.next();
		assert.strictEqual(got.body.toString('hex'), sent.body.toString('hex'));
		ok(await sent);
	}],
	['throttled for a while: nothing is lost, nothing comes twice, order is kept', () => refused_for_a_while(smpp.ESME_RTHROTTLED)],
	['its queue full for a while: the same', () => refused_for_a_while(smpp.ESME_RMSGQFUL)],
	['a lasting refusal goes back to the submitter as it is', async () => {
		for (const status of [smpp.ESME_RINVDSTADR, smpp.ESME_RINVSRCADR, 0x0400, 0x04ff]) {
			centre.submit = (link, pdu) => link.send(pdu.response({command_status: status}));
			assert.strictEqual((await submit('4670', 'no')).command_status, status);
		}
		centre.submitted.items.length = 0;
		centre.submit = centre.default_submit;
	}],
	['a refusal by generic_nack ends its message, and only that', async () => {
		centre.submit = (link, pdu) => link.send(new smpp.PDU('generic_nack', {command_status: smpp.ESME_RINVCMDLEN, sequence_number: pdu.sequence_number}));
		const refused = await submit('4670', 'no');
		assert.strictEqual(refused.command, 'submit_sm_resp');
		assert.strictEqual(refused.command_status, smpp.ESME_RINVCMDLEN);
		centre.submit = centre.default_submit;
		ok(await submit('4670', 'yes'));
		await centre.submitted.take(2);
	}],
	['answers out of order find their submitters, and order of delivery is kept', async () => {
		const held = [], count = 30;
		centre.submit = (link, pdu) => {
			held.push(pdu);
			if (held.length % 5 === 0)
				held.slice(-5).reverse().forEach((each) => link.send(each.response(Number(text_of(each)) % 4 === 0 ?
					{command_status: 0x500 + Number(text_of(each))} : {message_id: centre.new_id()})));
		};
		const sent = upto(count).map((n) => submit('4670', n));
		assert.deepStrictEqual((await Promise.all(sent)).map((answer) => answer.command_status), upto(count).map((n) => n % 4 === 0 ? 0x500 + Number(n) : 0));
		assert.deepStrictEqual(texts(held), upto(count));
		await centre.submitted.take(count);
		centre.submit = centre.default_submit;
	}],
	['ids hexadecimal in responses, decimal in receipts', async () => {
		await receipt_in_another_base(hex_first, '4671', 0x1a2b3c4d, upper_hex, decimal);
		await receipt_in_another_base(hex_first, '4671', 0x00c0ffee, lower_hex, padded);
		await receipt_in_another_base(hex_first, '4671', 12345678, upper_hex, decimal);         /* looks decimal in both */
	}],
	['ids decimal in responses, hexadecimal in receipts', async () => {
		await receipt_in_another_base(hex_last, '4672', 3735928559, decimal, upper_hex);
		await receipt_in_another_base(hex_last, '4672', 4096, padded, lower_hex);
	}],
	['ids of neither kind, of 64 characters', async () => {
		const name = 'Id-' + 'x'.repeat(57) + '-Zz9';
		await receipt_in_another_base(centre, '4670', 0, () => name, () => name);
		centre.new_id = () => decimal(++centre.last_id);
	}],
	['receipts that come before their response wait for it', async () => {
		const early = [], count = 5;
		centre.submit = (link, pdu) => {
			const id = centre.new_id();
			early.push(receipt(link, id, 'DELIVRD'));
			link.send(pdu.response({message_id: id}));
		};
		const ids = (await Promise.all(upto(count).map((n) => submit('4670', n, {registered_delivery: 1})))).map((answer) => ok(answer).message_id);
		const got = await acme.delivered.take(count);
		assert.deepStrictEqual(texts(got).sort(), ids.map((id) => receipt_text(id, 'DELIVRD')).sort());
		(await Promise.all(early)).forEach(ok);
		await centre.submitted.take(count);
		centre.submit = centre.default_submit;
	}],
	['an intermediate notice, then the receipt: both find the submitter', async () => {
		const id = ok(await submit('4670', 'two receipts', {registered_delivery: 0x11})).message_id;
		const theirs = decimal(centre.last_id);
		ok(await receipt(centre.link, theirs, 'ENROUTE', {esm_class: 0x20, message_state: 1}));
		ok(await receipt(centre.link, theirs, 'DELIVRD', {message_state: 2}));
		const got = await acme.delivered.take(2);
		assert.deepStrictEqual(texts(got), [receipt_text(id, 'ENROUTE'), receipt_text(id, 'DELIVRD')]);
		assert.deepStrictEqual(got.map((pdu) => pdu.esm_class & 0x3c), [0x20, 4]);
		await centre.submitted.next();
	}],
	['a receipt is answered when the submitter has answered, and in its words', async () => {
		ok(await submit('4670', 'held', {registered_delivery: 1}));
		await centre.submitted.next();
		let held, answered = false;
		acme.deliver = (pdu) => { held = pdu; };
		const answer = receipt(centre.link, decimal(centre.last_id), 'DELIVRD');
		answer.then(() => { answered = true; });
		await acme.delivered.next();
		ok(await centre.link.request('enquire_link', {}));
		assert.strictEqual(answered, false);
		acme.deliver = (pdu) => acme.send(pdu.response());
		acme.send(held.response({command_status: smpp.ESME_RX_T_APPN}));
		assert.strictEqual((await answer).command_status, smpp.ESME_RX_T_APPN);
		ok(await receipt(centre.link, decimal(centre.last_id), 'DELIVRD'));     /* so it comes again */
		await acme.delivered.next();
	}],
	['a receipt for a message that nobody sent is refused for good, when it has waited', async () => {
		assert.strictEqual((await receipt(centre.link, '999999999', 'DELIVRD')).command_status, smpp.ESME_RX_P_APPN);
		acme.delivered.empty();
	}],
	['a mobile-originated message reaches a customer\'s receiver with the same bytes', async () => {
		const rx = await esme('bind_receiver', 'inbound', 'secret2');
		for (const fields of [{data_coding: 0, short_message: 'to a receiver'}, {data_coding: 8, short_message: 'Ωμέγα'},
			{data_coding: 4, esm_class: 0x40, short_message: {udh: Buffer.from([5, 0, 3, 1, 2, 1]), message: Buffer.from([0, 1, 255])}},
			{data_coding: 0, short_message: {message: Buffer.alloc(0)}, message_payload: {message: Buffer.alloc(3000, 'p')}, source_port: 5}]) {
			const sent = centre.link.request('deliver_sm', {...numbers, source_addr: '46701234567', destination_addr: '46822', ...fields});
			const got = await rx.delivered.next();
			assert.strictEqual(got.command, 'deliver_sm');
			assert.strictEqual(got.body.toString('hex'), sent.body.toString('hex'));
			ok(await sent);
		}
		await leave(rx);
	}],
	['with no receiver bound it is told to try again', async () => {
		const answer = await centre.link.request('deliver_sm', {...numbers, destination_addr: '46822', data_coding: 0, short_message: 'later'});
		assert.strictEqual(answer.command_status, smpp.ESME_RX_T_APPN);
	}],
	['a message with nowhere to go is refused for good', async () => {
		const answer = await centre.link.request('deliver_sm', {...numbers, destination_addr: '99', data_coding: 0, short_message: 'nowhere'});
		assert.strictEqual(answer.command_status, smpp.ESME_RX_P_APPN);
	}],
	['a centre with a bind for each way gets messages on the one and sends its own on the other', async () => {
		const ways = {};
		for (const link of apart.links)
			link.on('submit_sm', () => { ways.sent = link; });
		ok(await submit('4674', 'out'));
		const receiver = apart.links.find((link) => link !== ways.sent);
		assert.ok(ways.sent);
		ok(await receiver.request('deliver_sm', {...numbers, destination_addr: '46811', data_coding: 0, short_message: 'in'}));
		assert.strictEqual(text_of(await acme.delivered.next()), 'in');
	}],
	['dropped in mid-window: each open submission gets ESME_RSUBMITFAIL, none is sent again, the link comes back', async () => {
		const open = 10;
		let seen = 0;
		centre.submit = (link) => {
			if (++seen === open)
				link.destroy();
		};
		const sent = upto(open).map((n) => submit('4670', n));
		const statuses = (await Promise.all(sent)).map((answer) => answer.command_status);
		assert.deepStrictEqual(statuses, Array(open).fill(smpp.ESME_RSUBMITFAIL));
		await centre.binds.next();
		centre.submit = centre.default_submit;
		await centre.submitted.take(open);
		await sent_again('4670', centre);
		centre.submitted.empty();       /* none of the ten came again */
	}],
	['unbound by the centre: it is answered, and we come back', async () => {
		const link = centre.link;
		assert.strictEqual((await link.request('unbind', {})).command, 'unbind_resp');
		link.close();
		await centre.binds.next();
		await sent_again('4670', centre);
	}],
	['a bind that is refused is tried again', async () => {
		const accept = centre.bind;
		let refused = 0;
		centre.bind = (link, pdu) => {
			if (++refused === 1) {
				link.send(pdu.response({command_status: smpp.ESME_RBINDFAIL}));
				return;
			}
			accept(link, pdu);
		};
		centre.link.destroy();
		await centre.binds.take(2);
		await sent_again('4670', centre);
	}],
	['a silent centre is asked whether it lives, and left when it does not say so', async () => {
		const link = lone.link;
		link.removeAllListeners('enquire_link');
		await within(6000, new Promise((resolve) => link.on('enquire_link', resolve)), 'enquire_link');
		await within(6000, link.closed, 'the connection is closed');
		await lone.binds.next();
		await sent_again('4673', lone);
	}],
];

/* The link is up again when a message passes; before that it is refused, for now. */
async function sent_again(prefix, at) {
	for (;;) {
		const answer = await submit(prefix, 'again');
		if (answer.command_status === 0)
			break;
		assert.strictEqual(answer.command_status, smpp.ESME_RSYSERR);
	}
	assert.strictEqual(text_of(await at.submitted.next()), 'again');
}

run(cases.map(([title, body]) => [title, () => { serial++; return body(); }]));
