// Servers and requests that the tests of exports need.
//
//   proxy TARGET-PORT FAULTS SEED [SECRET]    passes requests on; FAULTS of a hundred get 503, 429, or a connection that
//                                      breaks before, within or after the request.  With SECRET the AWS signature of each is checked.
//   refuse COUNT AFTER TARGET-PORT     503 with Retry-After: AFTER for the first COUNT, then passes on
//   tokens SECONDS                     a metadata service whose tokens live that long
//   container PORT NAME [http|https]   makes a container at Azurite
//   list PORT NAME                     prints the blobs of a container
//   get PORT NAME BLOB                 prints one
//   sas NAME [PERMISSIONS]             prints a SAS for a container
//
// A server prints "port N", then a line for each request it answers itself.
import http from 'node:http';
import https from 'node:https';
import crypto from 'node:crypto';

const account = 'devstoreaccount1';
const key = Buffer.from('Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==', 'base64');
const hmac = (k, text, form) => crypto.createHmac('sha256', k).update(text).digest(form);
const sha256 = text => crypto.createHash('sha256').update(text).digest('hex');
const [command, ...args] = process.argv.slice(2);

function listen(handler) {
	const server = http.createServer({ keepAliveTimeout: 60000, requestTimeout: 0 }, handler);
	server.listen(0, '127.0.0.1', () => console.log(`port ${server.address().port}`));
	return server;
}

// ---------------------------------------------------------------- AWS ----

// What is signed is computed from the request as it came, by the documentation of Signature Version 4.
function signatureFits(req, secret) {
	const match = /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d+)\/([^/]+)\/s3\/aws4_request, ?SignedHeaders=([^,]+), ?Signature=(\w+)$/
		.exec(req.headers.authorization ?? '');
	if (!match)
		return false;
	const [, , day, region, signed, signature] = match;
	const [path, query = ''] = req.url.split('?');
	const escape = text => encodeURIComponent(decodeURIComponent(text)).replace(/[!'()*]/g, c => '%' + c.charCodeAt(0).toString(16).toUpperCase());
	const canonicalQuery = query.split('&').filter(Boolean).map(pair => pair.split('=')).map(([k, v = '']) => `${escape(k)}=${escape(v)}`).sort().join('&');
	const names = signed.split(';');
	for (const needed of ['host', 'x-amz-date', 'x-amz-content-sha256'])
		if (!names.includes(needed))
			return false;
	const canonical = [req.method, path, canonicalQuery, ...names.map(n => `${n}:${req.headers[n].trim()}`), '', signed,
		req.headers['x-amz-content-sha256']].join('\n');
	const text = ['AWS4-HMAC-SHA256', req.headers['x-amz-date'], `${day}/${region}/s3/aws4_request`, sha256(canonical)].join('\n');
	const signing = ['aws4_request'].reduce((k, v) => hmac(k, v), hmac(hmac(hmac('AWS4' + secret, day), region), 's3'));
	return hmac(signing, text, 'hex') === signature;
}

// -------------------------------------------------------------- proxy ----

function pass(req, res, port, lost) {
	const up = http.request({ host: '127.0.0.1', port, method: req.method, path: req.url, headers: req.headers }, answer => {
		if (lost) {			// done, and nobody is told
			answer.resume();
			answer.on('end', () => req.socket.destroy());
			return;
		}
		res.writeHead(answer.statusCode, answer.rawHeaders);
		answer.pipe(res);
	});
	up.on('error', () => req.socket.destroy());
	req.on('aborted', () => up.destroy());
	req.pipe(up);
}

function refuse(req, res, status, headers, body = '') {
	res.writeHead(status, { ...headers, 'Content-Length': body.length, Connection: 'close' });
	res.end(body);
	req.resume();
}

function proxy(port, faults, seed, secret) {
	let state = Number(seed) || 1;
	const random = n => (state = (state * 48271) % 2147483647) % n;
	listen((req, res) => {
		if (secret && !signatureFits(req, secret))
			return refuse(req, res, 403, { 'Content-Type': 'application/xml' },
				'<?xml version="1.0"?><Error><Code>SignatureDoesNotMatch</Code></Error>');
		if (random(100) >= Number(faults))
			return pass(req, res, port, false);
		const kind = random(6);
		console.log(`fault ${kind} ${req.method} ${req.url.replace(/\?.*/, '')}`);
		switch (kind) {
		case 0: return refuse(req, res, 503, {});
		case 1: return refuse(req, res, 429, { 'Retry-After': '0' });
		case 2: return refuse(req, res, 500, {});
		case 3: return req.socket.destroy();
		case 4: req.once('data', () => req.socket.destroy()); req.once('end', () => req.socket.destroy()); return;
		default: return pass(req, res, port, true);
		}
	});
}

function refuseFirst(count, after, port) {
	let left = Number(count);
	listen((req, res) => {
		console.log(`${left > 0 ? 'refused' : 'passed'} ${Date.now()}`);
		if (left-- > 0)
			return refuse(req, res, 503, { 'Retry-After': after });
		pass(req, res, port, false);
	});
}

// ------------------------------------------------------------- tokens ----

function tokens(seconds) {
	const part = value => Buffer.from(JSON.stringify(value)).toString('base64url');
	listen((req, res) => {
		const url = new URL(req.url, 'http://localhost'), now = Math.floor(Date.now() / 1000);
		const good = req.headers.metadata === 'true' && url.searchParams.get('resource') === 'https://storage.azure.com/' &&
			url.searchParams.get('api-version');
		console.log(`token ${good ? 'given' : 'refused'}`);
		if (!good)
			return refuse(req, res, 400, {});
		const token = `${part({ alg: 'none', typ: 'JWT' })}.${part({ aud: 'https://storage.azure.com', iss: 'https://sts.windows.net/00000000-0000-0000-0000-000000000000/',
			iat: now, nbf: now - 60, exp: now + 3600, sub: 'lake' })}.`;
		const body = JSON.stringify({ access_token: token, expires_in: String(seconds), token_type: 'Bearer', resource: 'https://storage.azure.com/' });
		res.writeHead(200, { 'Content-Type': 'application/json' });
		res.end(body);
	});
}

// -------------------------------------------------------------- Azure ----

function azure(port, method, path, query, scheme = 'http') {
	const date = new Date().toUTCString(), version = '2021-12-02';
	const signed = [...new URLSearchParams(query)].sort().map(([k, v]) => `\n${k}:${v}`).join('');
	const text = `${method}\n\n\n\n\n\n\n\n\n\n\n\nx-ms-date:${date}\nx-ms-version:${version}\n/${account}/${account}/${path}${signed}`;
	return new Promise((resolve, reject) => {
		const req = (scheme === 'https' ? https : http).request({ host: '127.0.0.1', port, method, path: `/${account}/${path}${query ? '?' + query : ''}`,
			rejectUnauthorized: false, headers: { 'x-ms-date': date, 'x-ms-version': version, 'Content-Length': 0,
				Authorization: `SharedKey ${account}:${hmac(key, text, 'base64')}` } }, res => {
			const parts = [];
			res.on('data', d => parts.push(d));
			res.on('end', () => res.statusCode < 300 ? resolve(Buffer.concat(parts)) : reject(new Error(`status ${res.statusCode}`)));
		});
		req.on('error', reject);
		req.end();
	});
}

async function list(port, name) {
	let marker = '';
	do {
		const xml = String(await azure(port, 'GET', name, `comp=list&restype=container${marker && '&marker=' + marker}`));
		for (const [, blob, length] of xml.matchAll(/<Name>([^<]+)<\/Name>.*?<Content-Length>(\d+)/gs))
			console.log(`${length} ${blob}`);
		marker = /<NextMarker>([^<]+)/.exec(xml)?.[1] ?? '';
	} while (marker);
}

function sas(name, permissions = 'rcwl') {
	const version = '2020-10-02', ends = new Date(Date.now() + 3600000).toISOString().replace(/\.\d+/, '');
	const text = [permissions, '', ends, `/blob/${account}/${name}`, '', '', '', version, 'c', '', '', '', '', '', ''].join('\n');
	console.log(new URLSearchParams({ sp: permissions, se: ends, sv: version, sr: 'c', sig: hmac(key, text, 'base64') }).toString());
}

const commands = {
	proxy, refuse: refuseFirst, tokens, list, sas,
	container: (port, name, scheme) => azure(port, 'PUT', name, 'restype=container', scheme),
	get: async (port, name, blob) => process.stdout.write(await azure(port, 'GET', `${name}/${blob}`, '')),
};
await commands[command](...args);
