/* SIP.js and JsSIP as devices, over WebSocket: websocket.js sipjs|jssip PASSWORD. Registers, says "registered STATUS"; sends each text that it gets back to a
 * number of the message centre and says "sent STATUS". Ends after 30 seconds, or when it is told to: then it is registered no more, and says so. */
'use strict';

global.WebSocket = require('ws');

const server = 'ws://198.18.0.1:8080/sip';
const own = 'sip:alice@example.org';
const password = process.argv[3];
const centre = 'sip:+46701234567@example.org';
const say = (what, status) => console.log(`${what} ${status}`);

async function sipjs() {
	const {UserAgent, Registerer, Messager} = require('sip.js');
	const agent = new UserAgent({
		uri: UserAgent.makeURI(own), authorizationUsername: 'alice', authorizationPassword: password, logBuiltinEnabled: false,
		transportOptions: {server, keepAliveInterval: 1},
		delegate: {
			onMessage: (message) => {
				message.accept();
				new Messager(agent, UserAgent.makeURI(centre), message.request.body).message({requestDelegate: {
					onAccept: (response) => say('sent', response.message.statusCode),
					onReject: (response) => say('sent', response.message.statusCode),
				}});
			},
		},
	});
	const registerer = new Registerer(agent);
	const result = (word) => ({requestDelegate: {
		onAccept: (response) => say(word, response.message.statusCode), onReject: (response) => say(word, response.message.statusCode),
	}});
	await agent.start();
	await registerer.register(result('registered'));
	return () => registerer.unregister(result('unregistered'));
}

function jssip() {
	const JsSIP = require('jssip');
	const agent = new JsSIP.UA({sockets: [new JsSIP.WebSocketInterface(server)], uri: own, password, register_expires: 300});
	agent.on('registered', ({response}) => say('registered', response.status_code));
	agent.on('registrationFailed', ({response}) => say('registered', response ? response.status_code : 'failed'));
	agent.on('unregistered', ({response}) => say('unregistered', response ? response.status_code : 'closed'));
	agent.on('newMessage', ({originator, request}) => {
		if (originator !== 'remote')
			return;
		agent.sendMessage(centre, request.body, {eventHandlers: {
			succeeded: ({response}) => say('sent', response.status_code), failed: ({response, cause}) => say('sent', response ? response.status_code : cause),
		}});
	});
	agent.start();
	return () => agent.unregister({all: false});
}

(async () => {
	let leave = () => {};
	process.on('SIGTERM', () => {
		setTimeout(() => process.exit(0), 1000);
		leave();
	});
	setTimeout(() => process.exit(0), 30000);
	leave = await {sipjs, jssip}[process.argv[2]]();
})();
