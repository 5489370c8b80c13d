// SPDX-License-Identifier: Apache-2.0
// The rig of the browser tests: one server with a made-up farm, one browser, pages that are logged
// in. Whatever a page complains about on its console, every refused resource and every request to
// another host fails the test that caused it. Nothing sleeps; conditions are awaited.

import assert from "node:assert/strict";
import {spawn} from "node:child_process";
import {mkdtempSync} from "node:fs";
import {createRequire} from "node:module";
import {tmpdir} from "node:os";
import {join} from "node:path";
import {after, before} from "node:test";

const {CHROMIUM, MODULES, SERVER} = process.env;
const {chromium} = createRequire(join(MODULES, "here.js"))("playwright-core");

const ARGS = [
	"--disable-gpu",
	"--disable-quic",
	"--no-first-run",
	"--disable-background-networking",
	"--disable-component-update",
	"--disable-sync",
];

export const rig = {url: "", token: "", server: null, browser: null};

async function firstLine(stream) {
	let text = "";
	for await (const piece of stream) {
		text += piece;
		if (text.includes("\n")) return text.slice(0, text.indexOf("\n"));
	}
	throw new Error("the server ended before it said where it listens");
}

/** Call once, at the top of a test file. */
export function useRig() {
	before(async () => {
		rig.server = spawn(SERVER, [mkdtempSync(join(tmpdir(), "farm."))], {
			stdio: ["pipe", "pipe", "ignore"],
		});
		[rig.url, rig.token] = (await firstLine(rig.server.stdout)).split(" ");
		rig.server.stdout.resume();
		rig.browser = await chromium.launch({
			executablePath: CHROMIUM,
			headless: true,
			args: process.getuid() === 0 ? ["--no-sandbox", ...ARGS] : ARGS,
		});
	});
	after(async () => {
		await rig.browser?.close();
		const ended = new Promise((ok) => rig.server.once("exit", ok));
		rig.server.stdin.end();
		assert.equal(await ended, 0, "the server ends cleanly");
	});
}

/** Tells the server what happens in its farm: "progress 420", "finish", "age values", "age all". */
export function tell(line) {
	rig.server.stdin.write(`${line}\n`);
}

function listen(page, said) {
	page.on("console", (m) => {
		if (["error", "warning"].includes(m.type())) said.push(`console: ${m.text()}`);
	});
	page.on("pageerror", (e) => said.push(`error: ${e.stack}`));
	page.on("dialog", (d) => {
		said.push(`a dialog says: ${d.message()}`);
		d.dismiss();
	});
	page.on("request", (r) => {
		if (
			!r.url().startsWith(rig.url) &&
			!r.url().startsWith("data:") &&
			!r.url().startsWith("blob:")
		)
			said.push(`asks another host: ${r.url()}`);
	});
}

/**
 * A page of a context of its own, logged in unless `stranger`; fn(page); then nothing may have been
 * complained about but what `expect` matches.
 */
export async function withPage(options, fn) {
	const {stranger, expect, ...rest} = options,
		said = [];
	const context = await rig.browser.newContext({viewport: {width: 1280, height: 900}, ...rest});
	const page = await context.newPage();
	listen(page, said);
	await page.addInitScript(() => {
		addEventListener("securitypolicyviolation", (e) =>
			console.error(`refused by policy: ${e.violatedDirective} ${e.blockedURI}`),
		);
	});
	try {
		if (!stranger) {
			const answer = await context.request.post(`${rig.url}/api/v1/session`, {
				data: {token: rig.token},
				headers: {Origin: rig.url},
			});
			assert.equal(answer.status(), 200);
		}
		await fn(page);
		assert.deepEqual(
			said.filter((s) => !expect || !expect.test(s)),
			[],
		);
	} finally {
		await context.close();
	}
}

/** Opens a page and waits until it is live. */
export async function open(page, path) {
	await page.goto(rig.url + path);
	await page.waitForSelector("#live[data-state=on]");
}

/** No script, image or link came in with foreign text. */
export async function assertHarmless(page) {
	assert.deepEqual(
		await page.evaluate(() => ({
			scripts: [...document.querySelectorAll("script")].filter((s) => !s.src).length,
			images: [...document.querySelectorAll("img")].filter(
				(i) => !i.src.endsWith("favicon.svg"),
			).length,
			links: [...document.querySelectorAll("a")].filter((a) => a.protocol === "javascript:")
				.length,
			handlers: document.querySelectorAll("[onerror],[onclick],[onload]").length,
		})),
		{scripts: 0, images: 0, links: 0, handlers: 0},
	);
}
