// @azure/storage-blob puts files into the import-container: at once, and in blocks side by side.
// node azure-blob.cjs MODULES BASE SMALL LARGE
const [modules, base, small, large] = process.argv.slice(2);
const { createRequire } = require('module');
const fs = require('fs');
const load = createRequire(modules + '/');
const { ContainerClient, BlockBlobClient, AnonymousCredential } = load('@azure/storage-blob');

const is = (name, got, want) => {
	if (got === want)
		console.log(`ok ${name}`);
	else
		console.log(`not ok ${name}\n# got ${got}, want ${want}`);
};
const blob = (path, sas = '') => new BlockBlobClient(`${base}/import-container/${path}${sas}`, new AnonymousCredential(),
	{ retryOptions: { maxTries: 1 } });

(async () => {
	let r = await blob('from/node.dcm').uploadFile(small);
	is('uploadFile', r._response.status, 201);
	is('gives an entity tag', /^"0x[0-9A-F]+"$/.test(r.etag), true);
	is('and a time', r.lastModified instanceof Date && !isNaN(r.lastModified), true);
	r = await blob('big.dcm', '?sv=2021-12-02&sr=c&sig=c2VjcmV0%3D').uploadFile(large,
		{ blockSize: 64 * 1024, maxSingleShotSize: 1024, concurrency: 5 });
	is('uploadFile in blocks, with a SAS URL', r._response.status, 201);
	r = await blob('stream.dcm').uploadStream(fs.createReadStream(large), 100000, 3);
	is('uploadStream', r._response.status, 201);
	r = await blob('sub/bad').upload('no DICOM at all', 15);
	is('what is refused is uploaded, too', r._response.status, 201);
	let failed = 0;
	try {
		await blob('x').upload('abc', 3, { blobHTTPHeaders: {}, conditions: { ifMatch: '"1"' } });
	} catch (e) {
		failed = `${e.statusCode} ${e.code}`;
	}
	is('an error has its code', failed, '412 ConditionNotMet');
	const errors = new ContainerClient(`${base}/error-container`, new AnonymousCredential());
	const names = [];
	for await (const page of errors.listBlobsFlat().byPage({ maxPageSize: 1 }))
		for (const b of page.segment.blobItems)
			names.push(b.name);
	is('the error-container is listed, a page at a time', names.join(' '), 'sub/bad sub/bad.error.json');
	const back = await errors.getBlockBlobClient('sub/bad').downloadToBuffer();
	is('what is there is downloaded', back.toString(), 'no DICOM at all');
	r = await errors.getBlockBlobClient('sub/bad').delete();
	is('and deleted', r._response.status, 202);
})().catch((e) => {
	console.log(`not ok ${e.message}`);
	process.exit(1);
});
