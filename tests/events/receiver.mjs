// A receiver of events: receiver.mjs PORT LOG MODE
// LOG: a line of JSON for each request.  MODE: a file whose words say what to do:
//   "503", "503 AFTER" (Retry-After), "413 N" (more than N events), "slow MS", "break", "deny" (the handshake), "mute" (no answer to it)
import http from 'node:http'
import fs from 'node:fs'

const [port, log, modeFile] = process.argv.slice(2)

function reply(req, res, body) {
	let mode = []
	try {
		mode = fs.readFileSync(modeFile, 'utf8').trim().split(' ')
	} catch {}
	let events = []
	try {
		events = JSON.parse(body)
	} catch {}
	const validation = events[0]?.eventType === 'Microsoft.EventGrid.SubscriptionValidationEvent'
	const handshake = validation || req.method === 'OPTIONS'
	let status = 200, wait = 0, text = '', headers = {}
	if (handshake && mode[0] === 'deny')
		status = 403
	else if (validation && mode[0] !== 'mute')
		text = JSON.stringify({ validationResponse: events[0].data.validationCode })
	else if (req.method === 'OPTIONS' && mode[0] !== 'mute')
		headers['WebHook-Allowed-Origin'] = req.headers['webhook-request-origin']
	else if (mode[0] === '503') {
		status = 503
		if (mode[1])
			headers['Retry-After'] = mode[1]
	} else if (mode[0] === '413' && events.length > Number(mode[1]))
		status = 413
	else if (mode[0] === 'slow')
		wait = Number(mode[1])
	fs.appendFileSync(log, JSON.stringify({
		method: req.method, url: req.url, headers: req.headers, status, handshake, bytes: body.length, time: Date.now(),
		events: handshake ? [] : events, count: handshake ? 0 : events.length,
	}) + '\n')
	if (mode[0] === 'break') {
		req.socket.destroy()
		return
	}
	setTimeout(() => {
		res.writeHead(status, headers)
		res.end(text)
	}, wait)
}

const server = http.createServer((req, res) => {
	const parts = []
	req.on('data', (part) => parts.push(part))
	req.on('end', () => reply(req, res, Buffer.concat(parts).toString()))
})
server.listen(Number(port), '127.0.0.1', () => console.log(`port ${server.address().port}`))
