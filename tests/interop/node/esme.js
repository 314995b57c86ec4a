/* npm smpp as ESME at the appliance's listener; behind it a message centre of npm smpp that keeps every byte. */
'use strict';

const {Centre, assert, esme, leave, numbers, ok, receipt_text, run, smpp, text_of, within} = require('./peer');

const centre = new Centre('198.18.0.2');
const dest = (n) => '4670' + String(1000000 + n);
let acme;

/* Submit, and see it at the centre with the very same bytes. */
async function unchanged(fields) {
	const sent = acme.request('submit_sm', {...numbers, destination_addr: dest(1), ...fields});
	ok(await sent);
	const got = await centre.submitted.next();
	assert.strictEqual(got.command, 'submit_sm');
	assert.strictEqual(got.body.toString('hex'), sent.body.toString('hex'));
	return got;
}

const udh_part = (n, of) => Buffer.from([5, 0, 3, 0x42, of, n]);
const number = (digits) => ({digit_mode: 0, ton: 1, npi: 1, number: digits});

smpp.addTLV('vendor', {id: 0x1501, type: smpp.tlvs.source_subaddress.type});
smpp.addTLV('source_telematics_id', {id: 0x0010, type: smpp.tlvs.payload_type.type});   /* one octet (5.3.2.8), two in npm's table */

const tlvs = {
	dest_addr_subunit: 1, dest_network_type: 1, dest_bearer_type: 1, dest_telematics_id: 0x1234, source_addr_subunit: 2, source_network_type: 1,
	source_bearer_type: 1, source_telematics_id: 0x12, qos_time_to_live: 86400, payload_type: 0, ms_msg_wait_facilities: 0x81, privacy_indicator: 3,
	source_subaddress: Buffer.from([0x80, 1, 2, 3]), dest_subaddress: Buffer.from([0x88, 0xff, 0]), user_message_reference: 0xfffe,
	user_response_code: 255, source_port: 0x1f90, dest_port: 0xffff, language_indicator: 2, callback_num_pres_ind: [0, 5],
	callback_num_atag: [{encoding: 0, display: 'Anna'}, {encoding: 3, display: Buffer.from([0xe5, 0xe4])}],
	callback_num: [number('46701234567'), number('4680000')], set_dpf: 1, more_messages_to_send: 1, ussd_service_op: 2,
	dest_addr_np_country: 752, display_time: 1, sms_signal: 0x0102, ms_validity: Buffer.from([1]), alert_on_message_delivery: 1, its_reply_type: 3,
	its_session_info: Buffer.from([7, 2]), billing_identification: {format: 1, data: Buffer.from('bill')}, vendor: Buffer.from([0, 1, 2, 255]),
};

const texts = {
	'in GSM 03.38 with every extension character': {short_message: '@£$¥èéùìòÇΔΦΓΛΩΠΨΣΘΞ^{}\\[~]|€ÄÖÑÜ§¿äöñüà', data_coding: 0},
	'in Latin-1': {short_message: 'Smörgåsbord ÿ½¼', data_coding: 3},
	'in UCS-2, beyond the basic plane too': {short_message: '漢字 Ελλάδα 😀', data_coding: 8},
	'in binary with a user data header and ports': {
		short_message: {udh: Buffer.from([6, 5, 4, 0x0b, 0x84, 0x23, 0xf0]), message: Buffer.from([0, 255, 27, 0, 128])},
		data_coding: 4, esm_class: 0x40},
	'in data coding 0xf5 (class 1, eight bits)': {short_message: {message: Buffer.from([1, 2, 3, 0])}, data_coding: 0xf5},
	'of 254 octets': {short_message: {message: Buffer.alloc(254, 'x')}, data_coding: 0},
	'of no octets': {short_message: {message: Buffer.alloc(0)}, data_coding: 0},
	'with service type, protocol, priority and validity': {
		service_type: 'WAP', protocol_id: 0x7f, priority_flag: 3, validity_period: '000002000000000R', replace_if_present_flag: 0,
		short_message: 'fields', data_coding: 0},
};

const cases = [
	['a transceiver is bound, and told our name and version', async () => {
		await centre.ready;
		await centre.binds.next();
		acme = await esme('bind_transceiver', 'acme', 'secret1');
		ok(acme.bound);
		assert.strictEqual(acme.bound.sc_interface_version, 0x34);
		assert.ok(acme.bound.system_id.length > 0);
	}],
	['a wrong password and an unknown name get their statuses, and the connection closes', async () => {
		for (const [account, password, status] of [['acme', 'wrong', smpp.ESME_RINVPASWD], ['nobody', 'secret1', smpp.ESME_RINVSYSID]]) {
			const other = await esme('bind_transceiver', account, password);
			assert.strictEqual(other.bound.command_status, status);
			await within(5000, other.closed, 'close');
		}
	}],
	...Object.entries(texts).map(([what, fields]) => [`a message ${what} arrives byte for byte`, () => unchanged(fields)]),
	['every optional parameter that npm knows, and one that nobody knows, arrives in its place and as it was', async () => {
		const got = await unchanged({short_message: 'with parameters', data_coding: 0, ...tlvs});
		assert.deepStrictEqual(got.user_message_reference, tlvs.user_message_reference);
		assert.strictEqual(got.callback_num.length, 2);
	}],
	['each optional parameter by itself', async () => {
		for (const [name, value] of Object.entries(tlvs))
			await unchanged({short_message: name, data_coding: 0, [name]: value});
	}],
	['parts told by a user data header arrive in order', async () => {
		for (let n = 1; n <= 5; n++)
			await unchanged({short_message: {udh: udh_part(n, 5), message: `part ${n} `.repeat(15)}, data_coding: 0, esm_class: 0x40});
	}],
	['parts told by SAR parameters, submitted at once, arrive in order', async () => {
		const sent = [], parts = 10;
		for (let n = 1; n <= parts; n++)
			sent.push(acme.request('submit_sm', {...numbers, destination_addr: dest(3), short_message: `part ${n}`, data_coding: 0,
				sar_msg_ref_num: 0x1234, sar_total_segments: parts, sar_segment_seqnum: n}));
		const got = await centre.submitted.take(parts);
		assert.deepStrictEqual(got.map((pdu) => pdu.sar_segment_seqnum), [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
		got.forEach((pdu, n) => assert.ok(pdu.body.equals(sent[n].body)));
		(await Promise.all(sent)).forEach(ok);
	}],
	['a message_payload of 9,000 octets arrives byte for byte', async () => {
		const bytes = Buffer.alloc(9000);
		for (let i = 0; i < bytes.length; i++)
			bytes[i] = i * 7 & 0xff;
		await unchanged({short_message: {message: Buffer.alloc(0)}, data_coding: 4, message_payload: {message: bytes}, source_port: 9});
	}],
	['a payload beside a short message is refused (5.3.2.32)', async () => {
		const answer = await acme.request('submit_sm', {...numbers, destination_addr: dest(1), short_message: 'both', data_coding: 0,
			message_payload: {message: Buffer.from('both')}});
		assert.strictEqual(answer.command_status, 0xc1);       /* ESME_ROPTPARNOTALLWD */
		centre.submitted.empty();
	}],
	['data_sm goes on with its payload and parameters, and is answered by data_sm_resp with an id', async () => {
		const sent = acme.request('data_sm', {...numbers, destination_addr: dest(4), data_coding: 0, message_payload: {message: Buffer.from('by another way')},
			user_message_reference: 77});
		const got = await centre.submitted.next();
		assert.strictEqual(text_of(got), 'by another way');
		assert.strictEqual(got.user_message_reference, 77);
		const answer = ok(await sent);
		assert.strictEqual(answer.command, 'data_sm_resp');
		assert.match(answer.message_id, /^[1-9][0-9]*$/);
	}],
	['each response goes to its own request when the centre answers out of order', async () => {
		const held = [], count = 20;
		centre.submit = (link, pdu) => {
			held.push([link, pdu]);
			if (held.length < count)
				return;
			for (const [to, request] of held.reverse()) {
				const n = Number(text_of(request));
				to.send(request.response(n % 3 === 0 ? {command_status: 0x400 + n} : {message_id: `m${n}`}));
			}
		};
		const sent = [];
		for (let n = 0; n < count; n++)
			sent.push(acme.request('submit_sm', {...numbers, destination_addr: dest(n), short_message: String(n), data_coding: 0}));
		const statuses = (await Promise.all(sent)).map((answer) => answer.command_status);
		assert.deepStrictEqual(statuses, sent.map((_, n) => n % 3 === 0 ? 0x400 + n : 0));
		centre.submit = centre.default_submit;
		await centre.submitted.take(count);
	}],
	['our ids are decimal and never come twice', async () => {
		const seen = new Set();
		for (let n = 0; n < 50; n++) {
			const answer = ok(await acme.request('submit_sm', {...numbers, destination_addr: dest(n), short_message: 'id', data_coding: 0}));
			assert.match(answer.message_id, /^[1-9][0-9]*$/);
			seen.add(answer.message_id);
		}
		assert.strictEqual(seen.size, 50);
		await centre.submitted.take(50);
	}],
	['a receipt that was asked for carries our id in its text and its parameter', async () => {
		const answer = acme.request('submit_sm', {...numbers, destination_addr: dest(5), short_message: 'hello', data_coding: 0, registered_delivery: 1});
		const submit = await centre.submitted.next();
		const id = ok(await answer).message_id;
		assert.strictEqual(submit.registered_delivery, 1);
		const theirs = String(centre.last_id);
		const answered = centre.link.request('deliver_sm', {source_addr_ton: 1, source_addr_npi: 1, source_addr: dest(5), dest_addr_ton: 1,
			dest_addr_npi: 1, destination_addr: '4611111', esm_class: 4, data_coding: 0, short_message: receipt_text(theirs, 'DELIVRD'),
			receipted_message_id: theirs, message_state: 2, network_error_code: Buffer.from([3, 0, 0])});
		const receipt = await acme.delivered.next();
		ok(await answered);
		assert.strictEqual(receipt.esm_class & 0x3c, 4);
		assert.strictEqual(text_of(receipt), receipt_text(id, 'DELIVRD'));
		assert.strictEqual(receipt.receipted_message_id, id);
		assert.strictEqual(receipt.message_state, 2);
		assert.deepStrictEqual([...receipt.network_error_code], [3, 0, 0]);
		assert.strictEqual(receipt.source_addr, dest(5));
		assert.strictEqual(receipt.destination_addr, '4611111');
	}],
	['answers of an ESME out of order reach the centre, each for its own deliver_sm', async () => {
		const held = [], count = 10;
		acme.deliver = (pdu) => {
			held.push(pdu);
			if (held.length < count)
				return;
			for (const request of held.reverse())
				acme.send(request.response(Number(text_of(request)) % 2 ? {command_status: smpp.ESME_RX_P_APPN} : {}));
		};
		const sent = [];
		for (let n = 0; n < count; n++)
			sent.push(centre.link.request('deliver_sm', {...numbers, destination_addr: '46811', short_message: String(n), data_coding: 0}));
		const statuses = (await Promise.all(sent)).map((answer) => answer.command_status);
		assert.deepStrictEqual(statuses, sent.map((_, n) => n % 2 ? smpp.ESME_RX_P_APPN : 0));
		acme.deliver = (pdu) => acme.send(pdu.response());
		const got = await acme.delivered.take(count);
		assert.deepStrictEqual(got.map((pdu) => Number(text_of(pdu))), sent.map((_, n) => n));
	}],
	['enquire_link is answered at once, between submissions', async () => {
		centre.submit = () => {};
		const open = acme.request('submit_sm', {...numbers, destination_addr: dest(6), short_message: 'open', data_coding: 0});
		const pdu = await centre.submitted.next();
		for (let n = 0; n < 5; n++)
			assert.strictEqual(ok(await acme.request('enquire_link', {})).command, 'enquire_link_resp');
		centre.submit = centre.default_submit;
		centre.link.send(pdu.response({message_id: 'late'}));
		ok(await open);
	}],
	['query_sm is declined, a command that nobody knows gets generic_nack, and the session lives', async () => {
		const query = await acme.request('query_sm', {message_id: '1', source_addr_ton: 1, source_addr_npi: 1, source_addr: '4611111'});
		assert.strictEqual(query.command_status, smpp.ESME_RQUERYFAIL);
		const nack = await acme.request('unheard_of', {});
		assert.strictEqual(nack.command, 'generic_nack');
		assert.strictEqual(nack.command_status, smpp.ESME_RINVCMDID);
		ok(await acme.request('enquire_link', {}));
	}],
	['a transmitter sends, a receiver gets the receipt, neither does the other\'s work', async () => {
		const tx = await esme('bind_transmitter', 'apart', 'secret2'), rx = await esme('bind_receiver', 'apart', 'secret2');
		ok(tx.bound);
		ok(rx.bound);
		const refused = await rx.request('submit_sm', {...numbers, destination_addr: dest(7), short_message: 'no', data_coding: 0});
		assert.strictEqual(refused.command_status, smpp.ESME_RINVBNDSTS);
		const id = ok(await tx.request('submit_sm', {...numbers, destination_addr: dest(7), short_message: 'yes', data_coding: 0,
			registered_delivery: 1})).message_id;
		await centre.submitted.next();
		ok(await centre.link.request('deliver_sm', {...numbers, destination_addr: '4611111', esm_class: 4, data_coding: 0,
			short_message: receipt_text(String(centre.last_id), 'UNDELIV')}));
		assert.strictEqual(text_of(await rx.delivered.next()), receipt_text(id, 'UNDELIV'));
		tx.delivered.empty();
		await leave(tx);
		await leave(rx);
	}],
	['a second bind on a session is refused and changes nothing', async () => {
		const again = await acme.request('bind_transceiver', {system_id: 'acme', password: 'secret1'});
		assert.strictEqual(again.command_status, smpp.ESME_RALYBND);
		ok(await acme.request('enquire_link', {}));
	}],
	['a request that is open at unbind is answered before unbind is', async () => {
		const order = [];
		centre.submit = () => {};
		const open = acme.request('submit_sm', {...numbers, destination_addr: dest(8), short_message: 'last', data_coding: 0});
		const pdu = await centre.submitted.next();
		const left = leave(acme);
		open.then(() => order.push('submit_sm_resp'));
		left.then(() => order.push('unbind_resp'));
		centre.link.send(pdu.response({message_id: 'last'}));
		ok(await open);
		await left;
		assert.deepStrictEqual(order, ['submit_sm_resp', 'unbind_resp']);
		assert.deepStrictEqual(acme.faults, []);
	}],
];

smpp.addCommand('unheard_of', {id: 0x000001ff});
run(cases);
