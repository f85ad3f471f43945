// node ohif.cjs MODULES DIST BROWSER DICOMWEB-URL STUDY PATIENT-ID PICTURE: TAP lines.
//
// Serves OHIF's pages from a port of their own, which makes the service another origin, and
// looks at the study list and at a study with a browser.
'use strict';
const fs = require('node:fs');
const http = require('node:http');
const path = require('node:path');
const [modules, dist, browserPath, service, study, patient, picture] = process.argv.slice(2);
const { chromium } = require(path.join(modules, 'node_modules', 'playwright-core'));

const WAIT_MS = 60000;
const TYPES = {
	'.css': 'text/css', '.html': 'text/html', '.ico': 'image/x-icon', '.js': 'text/javascript',
	'.json': 'application/json', '.mjs': 'text/javascript', '.png': 'image/png', '.svg': 'image/svg+xml',
	'.ttf': 'font/ttf', '.wasm': 'application/wasm', '.woff2': 'font/woff2',
};
const CONFIG = {
	routerBasename: null,
	extensions: [],
	modes: [],
	showStudyList: true,
	maxNumberOfWebWorkers: 2,
	showWarningMessageForCrossOrigin: false,
	showCPUFallbackMessage: false,
	investigationalUseDialog: { option: 'never' },
	defaultDataSourceName: 'dicomlake',
	dataSources: [{
		namespace: '@ohif/extension-default.dataSourcesModule.dicomweb',
		sourceName: 'dicomlake',
		configuration: {
			friendlyName: 'dicomlake', name: 'dicomlake',
			qidoRoot: service, wadoRoot: service, wadoUriRoot: service,
			imageRendering: 'wadors', thumbnailRendering: 'wadors',
			qidoSupportsIncludeField: true, supportsFuzzyMatching: true, supportsWildcard: true,
			enableStudyLazyLoad: true, bulkDataURI: { enabled: true, relativeResolution: 'studies' },
		},
	}],
};

function servePages() {
	const server = http.createServer((request, response) => {
		const name = path.normalize(new URL(request.url, 'http://pages').pathname);
		const type = TYPES[path.extname(name)];

		if (name === '/app-config.js') {
			response.writeHead(200, { 'Content-Type': TYPES['.js'] });
			response.end(`window.config = ${JSON.stringify(CONFIG)};`);
			return;
		}
		// what has no extension is an address of the program's own
		fs.readFile(path.join(dist, type ? name : 'index.html'), (error, body) => {
			response.writeHead(error ? 404 : 200, { 'Content-Type': type || TYPES['.html'] });
			response.end(body);
		});
	});
	return new Promise(resolve => server.listen(0, '127.0.0.1', () => resolve(server)));
}

// How many shades of grey the largest canvas shows.
function countShades() {
	const all = [...document.querySelectorAll('canvas')].sort((a, b) => b.width * b.height - a.width * a.height);
	if (all.length === 0 || all[0].width < 200)
		return 0;
	const copy = document.createElement('canvas');
	copy.width = copy.height = 100;
	const context = copy.getContext('2d');
	context.drawImage(all[0], 0, 0, 100, 100);
	const { data } = context.getImageData(0, 0, 100, 100), shades = new Set();
	for (let i = 0; i < data.length; i += 4)
		if (data[i + 3] > 0)
			shades.add(data[i]);
	return shades.size;
}

function result(good, name, what) {
	console.log(`${good ? 'ok' : 'not ok'} ${name}`);
	if (!good && what !== undefined)
		console.log(`# ${what}`);
}

async function main() {
	const server = await servePages();
	const pages = `http://127.0.0.1:${server.address().port}`;
	const complaints = [], refused = [];
	const browser = await chromium.launch({
		executablePath: browserPath,
		// drawn without a graphics card; and a container's root has no sandbox
		args: ['--no-sandbox', '--use-gl=angle', '--use-angle=swiftshader', '--enable-unsafe-swiftshader'],
	});
	try {
		const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
		// the tour for first visitors looks for parts of the page that are not there yet
		await page.addInitScript(() => localStorage.setItem('shownTours', '["basicViewerTour"]'));
		page.on('console', message => message.type() === 'error' && complaints.push(message.text()));
		page.on('pageerror', error => complaints.push(String(error)));
		page.on('response', response => response.url().startsWith(service) && response.status() >= 400 &&
			refused.push(`${response.status()} ${response.url()}`));

		await page.goto(`${pages}/`, { waitUntil: 'domcontentloaded' });
		const listed = await page.getByText(patient).first().waitFor({ timeout: WAIT_MS }).then(() => true, () => false);
		result(listed, 'the study list has the study');

		await page.goto(`${pages}/viewer?StudyInstanceUIDs=${study}`, { waitUntil: 'domcontentloaded' });
		const drawn = await page.waitForFunction(`(${countShades})() > 20`, undefined, { timeout: WAIT_MS, polling: 250 })
			.then(() => true, () => false);
		result(drawn, 'a slice is drawn', `${await page.evaluate(countShades)} shades`);
		await page.screenshot({ path: picture });
		result(refused.length === 0, 'the service refused nothing', refused.join('; '));
		result(complaints.length === 0, 'the console has no errors', complaints.join('; '));
	} finally {
		await browser.close();
		server.close();
	}
}
main().catch(error => {
	console.log(`# ${error.stack || error}`);
	process.exitCode = 1;
});
