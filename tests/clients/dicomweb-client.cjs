// node dicomweb-client.cjs DICOMWEB-CLIENT XHR2 URL FILE1 FILE2 FILE3: TAP lines.
// The files are instances 2.25.7.1.N of series 2.25.7.(N mod 2) in study 2.25.7.
'use strict';
const fs = require('node:fs');
const [dicomwebClient, xhr2, url, ...files] = process.argv.slice(2);

global.XMLHttpRequest = require(xhr2);
const { api } = require(dicomwebClient);
const client = new api.DICOMwebClient({ url, verbose: false });
const bytes = files.map(file => fs.readFileSync(file));
const study = '2.25.7', series = '2.25.7.1', instance = '2.25.7.1.1';

function check(name, good, what) {
	console.log(`${good ? 'ok' : 'not ok'} ${name}`);
	if (!good)
		console.log(`# ${JSON.stringify(what)}`);
}
const arrayBuffer = b => b.buffer.slice(b.byteOffset, b.byteOffset + b.length);
const values = (list, tag) => list.map(item => item[tag].Value[0]).sort().join(' ');
const same = (a, b) => Buffer.from(a).equals(b);

async function main() {
	await client.storeInstances({ datasets: bytes.map(arrayBuffer) });
	let got = await client.searchForStudies({ queryParams: { PatientID: 'CLI*' } });
	check('a study that was stored is found', values(got, '0020000D') === study, got);
	got = await client.searchForSeries({ studyInstanceUID: study });
	check('its series are', values(got, '0020000E') === '2.25.7.0 2.25.7.1', got);
	got = await client.searchForInstances({ studyInstanceUID: study, seriesInstanceUID: series });
	check('and the instances of one', values(got, '00080018') === '2.25.7.1.1 2.25.7.1.3', got);
	got = await client.retrieveStudyMetadata({ studyInstanceUID: study });
	check('metadata of the study', got.length === 3 && got[0]['00100010'].Value[0].Alphabetic === 'Client^Carl', got);
	got = await client.retrieveSeriesMetadata({ studyInstanceUID: study, seriesInstanceUID: series });
	check('of a series', got.length === 2, got.length);
	got = await client.retrieveInstanceMetadata({ studyInstanceUID: study, seriesInstanceUID: series, sopInstanceUID: instance });
	check('of an instance', [].concat(got)[0]['00080018'].Value[0] === instance, got);
	const one = { studyInstanceUID: study, seriesInstanceUID: series, sopInstanceUID: instance };
	check('an instance comes back byte for byte', same(await client.retrieveInstance(one), bytes[0]));
	got = await client.retrieveSeries({ studyInstanceUID: study, seriesInstanceUID: series });
	check('a series too', got.length === 2 && got.some(part => same(part, bytes[2])), got.length);
	got = await client.retrieveStudy({ studyInstanceUID: study });
	check('and a study', got.length === 3 && bytes.every(b => got.some(part => same(part, b))), got.length);
	got = await client.retrieveInstanceFrames({ ...one, frameNumbers: '1' });
	check('a frame', got.length === 1 && got[0].byteLength === 32 && new Uint16Array(got[0])[15] === 15, got.length);
	[got] = await client.retrieveInstanceRendered(one);
	got = new Uint8Array(got);
	check('a rendered image', got[0] === 0xFF && got[1] === 0xD8 && got.length > 100, got.length);
	let status;
	await client.retrieveInstanceMetadata({ ...one, sopInstanceUID: '2.25.99' }).catch(error => { status = error.status; });
	check('what is not there is an error it understands', status === 404, status);
	got = await client.searchForStudies({ queryParams: { PatientID: 'NOBODY' } });
	check('and nothing found is an empty list', !got || got.length === 0, got);
}
main().catch(error => {
	console.log(`not ok no error: ${error.message || error} ${error.status || ''}`);
	process.exitCode = 1;
});
