'use strict'
// A SIP peer over UDP that signs and verifies identities (RFC 8224, RFC 9475) by the cryptography of node alone.
//   identity.js COUNT CERTIFICATE KEY URL
// COUNT messages of the appliance are verified by CERTIFICATE; then it sends some of its own, signed with KEY, whose certificate is at URL, and prints what
// each was answered.
const crypto = require('crypto')
const dgram = require('dgram')
const fs = require('fs')

const [count, certificate, key, url] = process.argv.slice(2)
const us = { address: '198.18.0.3', port: 5070 }
const them = { address: '198.18.0.1', port: 5060 }
const theirs = crypto.createPublicKey(fs.readFileSync(certificate))
const ours = crypto.createPrivateKey(fs.readFileSync(key))
const socket = dgram.createSocket('udp4')
const base64url = (bytes) => Buffer.from(bytes).toString('base64url')
const msgi = (body) => `sha256-${crypto.createHash('sha256').update(body).digest('base64')}`
const line = (message, name) => (message.match(new RegExp(`^${name}: *(.*)$`, 'mi')) || [])[1]
const number = (text) => text.replace(/[^0-9]/g, '')

function fail(why) {
	console.error(why)
	process.exit(1)
}

function answer(request, status) {
	const lines = ['Via', 'From', 'To', 'Call-ID', 'CSeq'].map((name) => `${name}: ${line(request, name)}${name === 'To' ? ';tag=n' : ''}`)
	socket.send(`SIP/2.0 ${status}\r\n${lines.join('\r\n')}\r\nContent-Length: 0\r\n\r\n`, them.port, them.address)
}

// ---- what comes ----

let verified = 0
function verify(request, body) {
	const [, token, info, parameters] = line(request, 'Identity').match(/^([^;]*);info=<([^>]*)>(.*)$/) || fail(`no Identity in\n${request}`)
	const [head, payload, signature] = token.split('.')
	const header = JSON.parse(Buffer.from(head, 'base64url'))
	const claims = JSON.parse(Buffer.from(payload, 'base64url'))
	const from = number(line(request, 'From').match(/sip:([^@;]*)/)[1])
	const to = number(line(request, 'To').match(/sip:([^@;]*)/)[1])

	if (!crypto.verify('sha256', Buffer.from(`${head}.${payload}`), { key: theirs, dsaEncoding: 'ieee-p1363' }, Buffer.from(signature, 'base64url')))
		fail(`the signature is wrong: ${token}`)
	if (header.alg !== 'ES256' || header.typ !== 'passport' || header.ppt !== 'msg' || header.x5u !== info || !/;alg=ES256;ppt=msg$/.test(parameters))
		fail(`another header: ${JSON.stringify(header)} ${parameters}`)
	if (claims.orig.tn !== from || claims.dest.tn.length !== 1 || claims.dest.tn[0] !== to || Math.abs(claims.iat - Date.now() / 1000) > 5)
		fail(`other claims: ${JSON.stringify(claims)}, ${from} to ${to}`)
	if (claims.msgi !== msgi(body)) fail(`msgi is not that of the body: ${claims.msgi}`)
	if (JSON.stringify(claims, ['dest', 'iat', 'msgi', 'orig', 'tn']) !== Buffer.from(payload, 'base64url').toString())
		fail(`not in the order of RFC 8225, 9: ${Buffer.from(payload, 'base64url')}`)
}

// ---- what is sent ----

function passport(claims, x5u) {
	const text = [{ alg: 'ES256', ppt: 'msg', typ: 'passport', x5u }, claims].map((part) => base64url(JSON.stringify(part))).join('.')
	return `${text}.${base64url(crypto.sign('sha256', Buffer.from(text), { key: ours, dsaEncoding: 'ieee-p1363' }))}`
}

const now = () => Math.floor(Date.now() / 1000)
const body = 'grüße'
const claims = (more) => ({ dest: { tn: ['46701234567'] }, iat: now(), msgi: msgi(body), orig: { tn: '46721111111' }, ...more })
const attempts = {
	'as it is': () => [passport(claims(), url)],
	'with white space in its JSON': () => {
		const text = [`{ "typ":"passport", "ppt" : "msg","alg":"ES256","x5u":"${url}" }`, JSON.stringify(claims(), null, 1)].map(base64url).join('.')
		return [`${text}.${base64url(crypto.sign('sha256', Buffer.from(text), { key: ours, dsaEncoding: 'ieee-p1363' }))}`]
	},
	'with another text': () => [passport(claims({ msgi: msgi('other') }), url)],
	'by another sender': () => [passport(claims({ orig: { tn: '46722222222' } }), url)],
	'for another recipient': () => [passport(claims({ dest: { tn: ['46709999999'] } }), url)],
	'of two minutes ago': () => [passport(claims({ iat: now() - 120 }), url)],
	'by a certificate that is not known': () => [passport(claims(), 'https://nobody.example/x.pem'), 'https://nobody.example/x.pem'],
	'with a signature of another': () => [passport(claims(), url).replace(/\.[^.]*$/, (s) => s.slice(0, -4) + 'AAAA')],
	'without an Identity': () => []
}
const names = Object.keys(attempts)

function next() {
	if (names.length === 0) process.exit(0)
	const [token, x5u] = attempts[names[0]]()
	const identity = token ? `Identity: ${token};info=<${x5u || url}>;alg=ES256;ppt=msg\r\n` : ''
	const tag = crypto.randomBytes(6).toString('hex')

	socket.send(
		`MESSAGE sip:+46701234567@198.18.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP ${us.address}:${us.port};branch=z9hG4bK${tag}\r\nMax-Forwards: 70\r\n` +
			`From: <sip:+46721111111@198.18.0.3>;tag=${tag}\r\nTo: <sip:+46701234567@198.18.0.1>\r\nCall-ID: ${tag}\r\nCSeq: 1 MESSAGE\r\n` +
			`Date: ${new Date(now() * 1000).toUTCString()}\r\n${identity}Content-Type: text/plain;charset=utf-8\r\n` +
			`Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
		them.port,
		them.address
	)
}

socket.on('message', (bytes) => {
	const message = bytes.toString()
	const content = bytes.subarray(bytes.indexOf('\r\n\r\n') + 4)

	if (message.startsWith('SIP/2.0 1')) return
	if (message.startsWith('SIP/2.0 ')) {
		console.log(`${names.shift()}: ${message.slice(8, 11)}`)
		next()
	} else if (message.startsWith('MESSAGE ')) {
		verify(message, content)
		answer(message, '200 OK')
		if (++verified === Number(count)) {
			console.log(`verified ${verified}`)
			next()
		}
	} else {
		answer(message, '200 OK')
	}
})
socket.bind(us.port, us.address, () => console.log('ready'))
