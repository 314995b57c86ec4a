/* npm smpp as a handset with its message centre, number +46701234567: what comes to it is delivered, and it sends the same text on to the number in its
 * argument, asking for a receipt. Says what happens, one a line; ends when the receipt has come. */
'use strict';

const {Centre, esme, ok, receipt_text, run, text_of} = require('../node/peer');

const centre = new Centre('198.18.0.2');
const own = {source_addr_ton: 1, source_addr_npi: 1, source_addr: '46701234567', dest_addr_ton: 1, dest_addr_npi: 1};
const next = process.argv[2];
let acme, got;

run([
	['the centre and the ESME are bound', async () => {
		await centre.ready;
		await centre.binds.next();
		acme = await esme('bind_transceiver', 'acme', 'secret1');
		ok(acme.bound);
	}],
	['a text comes that asks for a receipt', async () => {
		got = await centre.submitted.next();
		console.log(`text from ${got.source_addr}: ${got.short_message.message}`);
		if ((got.registered_delivery & 1) === 0)
			throw new Error('no receipt is asked for');
		ok(await centre.link.request('deliver_sm', {...own, destination_addr: got.source_addr, esm_class: 4, data_coding: 0,
			short_message: receipt_text(String(centre.last_id), 'DELIVRD'), receipted_message_id: String(centre.last_id), message_state: 2}));
	}],
	['the same goes on, and its receipt comes', async () => {
		const id = ok(await acme.request('submit_sm', {...own, destination_addr: next, registered_delivery: 1, data_coding: got.data_coding,
			short_message: text_of(got)})).message_id;
		const receipt = await acme.delivered.next();
		console.log(`receipt ${receipt.receipted_message_id === id ? 'of that' : 'of another'}: ${receipt.message_state}`);
	}],
]);
