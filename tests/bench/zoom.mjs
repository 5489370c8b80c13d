// SPDX-License-Identifier: Apache-2.0
// Looks at a run's page in a real browser and zooms: prints one line of JSON for each drawing, how long it
// took from the click (or from the navigation) until the charts stood there. Before each it prints "cold?"
// and waits for a line, so that its caller can empty caches.
//
//     MODULES=DIR CHROMIUM=PROGRAM node zoom.mjs URL TOKEN RUN ZOOMS

import {createRequire} from "node:module";
import {join} from "node:path";
import {createInterface} from "node:readline";

const [url, token, run, zooms] = process.argv.slice(2);
const {CHROMIUM, MODULES} = process.env;
const {chromium} = createRequire(join(MODULES, "here.js"))("playwright-core");
const lines = createInterface({input: process.stdin})[Symbol.asyncIterator]();

const say = (what) => process.stdout.write(`${JSON.stringify(what)}\n`);

async function cold() {
	process.stdout.write("cold?\n");
	await lines.next();
}

/* The charts stand for a view once data-view names it; then one frame more, which shows them. */
const drawn = (page, before) =>
	page.evaluate(
		(was) =>
			new Promise((done) => {
				const look = () => {
					const view = document.querySelector("#charts")?.dataset.view;
					if (view && view !== was) requestAnimationFrame(() => done(performance.now()));
					else requestAnimationFrame(look);
				};
				look();
			}),
		before,
	);

const view = (page) => page.getAttribute("#charts", "data-view");

async function zoom(page, name) {
	const before = await view(page);
	await cold();
	const began = await page.evaluate((label) => {
		const button = [...document.querySelectorAll("#charts button")].find(
			(b) => b.textContent === label,
		);
		const now = performance.now();
		button.click();
		return now;
	}, name);
	say({what: name, ms: (await drawn(page, before)) - began, view: await view(page)});
}

const browser = await chromium.launch({
	executablePath: CHROMIUM,
	headless: true,
	args: ["--disable-gpu", "--no-first-run", ...(process.getuid() === 0 ? ["--no-sandbox"] : [])],
});
try {
	const context = await browser.newContext({viewport: {width: 1280, height: 900}});
	const answer = await context.request.post(`${url}/api/v1/session`, {
		data: {token},
		headers: {Origin: url},
	});
	if (answer.status() !== 200) throw new Error(`not logged in: ${answer.status()}`);
	const page = await context.newPage();
	await cold();
	await page.goto(`${url}/runs/${run}`);
	say({what: "open", ms: await drawn(page, null), view: await view(page)});
	for (let i = 0; i < Number(zooms); i++) await zoom(page, "+");
	await zoom(page, "Show all");
} finally {
	await browser.close();
	process.stdin.destroy(); // which keeps the program alive
}
