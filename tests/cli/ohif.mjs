// ohif.mjs: serve OHIF's built pages, open a study from a DICOMweb service of another
// origin in headless Chromium, and say what is seen.
//
//	node ohif.mjs DIST PLAYWRIGHT-CORE DICOMWEB-URL STUDY-UID PATIENT-ID PICTURE.png
//
// Prints "yes: WHAT" or "no: WHAT" for each thing looked at, and remarks after "#".
import { createServer } from 'node:http';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { extname, join, normalize } from 'node:path';

const [dist, playwright, dicomweb, study, patient, picture] = process.argv.slice(2);
const { chromium } = createRequire(import.meta.url)(playwright);

const types = {
	'.html': 'text/html', '.js': 'text/javascript', '.mjs': 'text/javascript', '.css': 'text/css',
	'.wasm': 'application/wasm', '.json': 'application/json', '.svg': 'image/svg+xml', '.png': 'image/png',
	'.ico': 'image/x-icon', '.woff2': 'font/woff2', '.ttf': 'font/ttf',
};
const config = `window.config = {
	routerBasename: null, extensions: [], modes: [], showStudyList: true, maxNumberOfWebWorkers: 2,
	showWarningMessageForCrossOrigin: false, showCPUFallbackMessage: false, investigationalUseDialog: { option: 'never' },
	defaultDataSourceName: 'lake',
	dataSources: [{
		namespace: '@ohif/extension-default.dataSourcesModule.dicomweb', sourceName: 'lake',
		configuration: {
			friendlyName: 'dicomlake', name: 'lake',
			wadoUriRoot: '${dicomweb}', qidoRoot: '${dicomweb}', wadoRoot: '${dicomweb}',
			qidoSupportsIncludeField: true, imageRendering: 'wadors', thumbnailRendering: 'wadors',
			enableStudyLazyLoad: true, supportsFuzzyMatching: true, supportsWildcard: true,
			bulkDataURI: { enabled: true, relativeResolution: 'studies' }, omitQuotationForMultipartRequest: true,
		},
	}],
};`;

const pages = createServer(async (request, response) => {
	const path = normalize(new URL(request.url, 'http://x').pathname);
	if (path === '/app-config.js')
		return response.writeHead(200, { 'Content-Type': types['.js'] }).end(config);
	const file = extname(path) in types ? path : '/index.html';	// the router's own addresses
	try {
		const body = await readFile(join(dist, file));
		response.writeHead(200, { 'Content-Type': types[extname(file)] }).end(body);
	} catch {
		response.writeHead(404).end();
	}
});
await new Promise(done => pages.listen(0, '127.0.0.1', done));
const origin = `http://127.0.0.1:${pages.address().port}`;

const see = (good, what) => console.log(`${good ? 'yes' : 'no'}: ${what}`);
const say = text => console.log(`# ${String(text).split('\n')[0]}`);

const browser = await chromium.launch({
	executablePath: '/usr/bin/chromium',
	args: ['--no-sandbox', '--use-gl=angle', '--use-angle=swiftshader', '--enable-unsafe-swiftshader'],
});
const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
// OHIF's guided tour complains of an element that is not there yet.
await page.addInitScript(() => localStorage.setItem('shownTours', JSON.stringify(['basicViewerTour'])));
const errors = [];
page.on('console', message => { if (message.type() === 'error') errors.push(`${message.text()} ${message.location().url}`); });
page.on('pageerror', error => errors.push(String(error)));
page.on('requestfailed', request => say(`failed ${request.method()} ${request.url()} ${request.failure()?.errorText}`));
page.on('response', response => { if (response.status() >= 400) say(`${response.status()} ${response.url()}`); });

try {
	await page.goto(`${origin}/`, { waitUntil: 'domcontentloaded' });
	await page.getByText(patient).first().waitFor({ timeout: 60000 });
	see(true, 'the study list shows the study');
} catch (error) {
	say(error);
	see(false, 'the study list shows the study');
}

// Different grey values in the drawn viewport.
const shades = () => page.evaluate(() => {
	const seen = new Set();
	for (const canvas of document.querySelectorAll('canvas')) {
		if (canvas.width < 200)
			continue;
		const copy = document.createElement('canvas');
		copy.width = copy.height = 128;
		const context = copy.getContext('2d');
		context.drawImage(canvas, 0, 0, 128, 128);
		const { data } = context.getImageData(0, 0, 128, 128);
		for (let i = 0; i < data.length; i += 4)
			if (data[i + 3] !== 0)
				seen.add(data[i]);
	}
	return seen.size;
});
let drawn = 0;
try {
	await page.goto(`${origin}/viewer?StudyInstanceUIDs=${study}`, { waitUntil: 'domcontentloaded' });
	await page.waitForSelector('canvas', { timeout: 60000 });
	for (let i = 0; i < 120 && drawn < 20; i++) {
		await page.waitForTimeout(500);
		drawn = await shades();
	}
} catch (error) {
	say(error);
}
say(`shades of grey in the viewport: ${drawn}`);
see(drawn >= 20, 'the viewer draws an image');
await page.screenshot({ path: picture });
errors.forEach(say);
see(errors.length === 0, 'the console has no errors');
await browser.close();
pages.close();
