// SPDX-License-Identifier: Apache-2.0
// The runs page: the one look, the list, its filters, and life.

import assert from "node:assert/strict";
import {test} from "node:test";
import {assertHarmless, open, rig, tell, useRig, withPage} from "./harness.mjs";

useRig();

const LIVE = "tr[data-run=r904]";

test("in one look: which model is over the budget on which phone, since when and how", async () => {
	await withPage({}, async (page) => {
		await open(page, "/");
		const cell = page.locator("#now td.fail", {has: page.locator("a[href='/runs/r901']")});
		const text = (await cell.innerText()).replace(/\s+/g, " ");
		assert.match(
			text,
			/✕\s?fail 21\.84 ms p99 33\.7 % of frames over since \d+ min ago charging/,
		);
		// What is worst stands first, in both directions.
		assert.match(
			await page.locator("#now tbody tr").first().innerText(),
			/tiny-transformer-128/,
		);
		assert.match(await page.locator("#now thead th").nth(1).innerText(), /pixel-4a/);
		assert.equal(
			await page
				.locator("#now tbody tr")
				.first()
				.locator("td")
				.first()
				.evaluate((td) => td.className),
			"cell fail",
		);
	});
});

test("the list tells verdict, latency against the budget, frames over, and why", async () => {
	await withPage({}, async (page) => {
		await open(page, "/");
		const row = (await page.locator("tr[data-run=r901]").innerText()).replace(/\s+/g, " ");
		assert.match(row, /r901 ✕\s*fail mobilenet-v2-1\.0-224 fp32 pixel-8-1f3a Pixel 8/);
		assert.match(row, /11\.62 \/ 21\.84 of 16 ms 1\s214 33\.7 %/);
		assert.match(row, /the lower bound 21\.40 ms of p99 is over 16\.00 ms/);
		const ruler = page.locator("tr[data-run=r901] .ruler");
		const [bar, limit] = await Promise.all(
			[".span", ".limit"].map((s) => ruler.locator(s).boundingBox()),
		);
		assert.ok(
			bar.x < limit.x && bar.x + bar.width > limit.x,
			"the bar crosses the budget's mark",
		);
		assert.match(await page.locator("tr[data-run=r906]").innerText(), /no result/);
	});
});

test("a job that is not there: one sentence, no empty panel", async () => {
	await withPage({expect: /404/}, async (page) => {
		await open(page, "/?job=j99999");
		await page.locator("#problem", {hasText: "there is no job j99999"}).waitFor();
		assert.equal(await page.locator("#job").isVisible(), false);
	});
});

test("names from devices are text, whatever they hold", async () => {
	await withPage({}, async (page) => {
		await open(page, "/");
		const device = page.locator("tr[data-run=r903] td").nth(2);
		assert.match(
			await device.innerText(),
			/<img src=x onerror=alert\(1\)>\n"><script>alert\(2\)<\/script>/,
		);
		await assertHarmless(page);
	});
});

test("virtual phones are marked", async () => {
	await withPage({}, async (page) => {
		await open(page, "/?device=d5");
		await page.waitForFunction(() => document.querySelectorAll("#runs tbody tr").length > 5);
		const rows = await page.locator("#runs tbody tr").count();
		assert.equal(await page.locator("#runs tbody .tag.virtual").count(), rows);
		assert.match(await page.innerText("select[name=device]"), /\(Pixel 6 \(virtual\)\), virtual/);
		const run = await page.getAttribute("#runs tbody tr", "data-run");

		// In the matrix its column, on the page of a run its device, and nobody else's.
		await open(page, "/");
		await page.waitForSelector("#now thead .tag.virtual");
		assert.equal(await page.locator("#now thead .tag.virtual").count(), 1);
		assert.match(
			await page.locator("#now thead th:has(.tag.virtual)").innerText(),
			/virtual-pixel-6/,
		);
		await open(page, `/runs/${run}`);
		await page.waitForSelector("#run .tag.virtual");
		await open(page, "/runs/r901");
		await page.waitForSelector("#run h1");
		assert.equal(await page.locator("#run .tag.virtual").count(), 0);
	});
});

test("filters stand in the address and survive a reload", async () => {
	await withPage({}, async (page) => {
		await open(page, "/");
		await page.selectOption("select[name=verdict]", "inconclusive");
		await page.waitForURL(/verdict=inconclusive/);
		await page.waitForFunction(
			() =>
				document.querySelector("#runs tbody tr[data-run]") &&
				[...document.querySelectorAll("#runs tbody td .badge")].every((b) =>
					b.textContent.includes("inconclusive"),
				),
		);
		await page.fill("input[name=q]", "transformer pixel-8");
		await page.waitForURL(/q=transformer/);
		const shown = await page.locator("#runs tbody tr").count();
		await page.reload();
		await page.waitForSelector("#live[data-state=on]");
		assert.equal(await page.inputValue("input[name=q]"), "transformer pixel-8");
		assert.equal(await page.locator("#runs tbody tr").count(), shown);
		assert.ok(shown > 0);
	});
});

test("older runs come on request", async () => {
	await withPage({}, async (page) => {
		await open(page, "/");
		const before = await page.locator("#runs tbody tr").count();
		await page.click("#more");
		await page.waitForFunction(
			(n) => document.querySelectorAll("#runs tbody tr").length > n,
			before,
		);
		const ids = await page
			.locator("#runs tbody tr")
			.evaluateAll((rows) => rows.map((r) => Number(r.dataset.run.slice(1))));
		assert.deepEqual(
			ids,
			[...ids].sort((a, b) => b - a),
		);
		assert.equal(new Set(ids).size, ids.length);
	});
});

test("a job's runs are shown with the job", async () => {
	await withPage({}, async (page) => {
		await open(page, "/?job=j901");
		await page.waitForSelector("#job h2");
		assert.match(await page.innerText("#job"), /Job j901: nightly/);
		assert.equal(await page.locator("#runs tbody tr").count(), 1);
	});
});

test("a phone's screen is wide enough", async () => {
	await withPage({viewport: {width: 390, height: 844}}, async (page) => {
		await open(page, "/");
		assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 390);
	});
});

test("a live run moves and ends without a reload, through one stream of events", async () => {
	await withPage({}, async (page) => {
		const streams = [];
		page.on("request", (r) => r.url().includes("/events") && streams.push(r.url()));
		await open(page, "/");
		tell("progress 420");
		await page.waitForSelector(`${LIVE} progress[value="420"]`);
		assert.match(
			await page.innerText(`${LIVE} .latency`),
			/paced · 1\s680 runs · 8 over · 45\.2 °C/,
		);
		tell("progress 640");
		await page.waitForSelector(`${LIVE} progress[value="640"]`);
		tell("finish");
		await page.waitForSelector(`${LIVE} .badge.pass`);
		assert.match(await page.innerText(`${LIVE} .latency`), /2\.93 \/ 3\.61/);
		await page.waitForSelector("#now a[href='/runs/r904']");
		assert.deepEqual(streams, [`${rig.url}/api/v1/events`]);
	});
});

test("a server that is asked too often is asked again, a little later", async () => {
	await withPage({expect: /429|503/}, async (page) => {
		const refusals = [429, 503];
		await page.route(/\/api\/v1\/runs/, async (route) => {
			const status = refusals.shift();
			if (!status) return route.continue();
			await route.fulfill({
				status,
				headers: {"Retry-After": "1", "Content-Type": "application/problem+json"},
				body: JSON.stringify({type: "x", title: "x", status, detail: "ask less often"}),
			});
		});
		await open(page, "/");
		await page.waitForSelector("#runs tr[data-run]");
		assert.deepEqual(refusals, []);
		assert.ok(await page.isHidden("#problem"));
	});
});

test("what was missed for good is asked for anew", async () => {
	await withPage({}, async (page) => {
		const gap = 'id: 7\nevent: gap\ndata: {"after": 1, "from": 8, "reason": "deleted"}\n\n';
		let tellIt;
		const now = new Promise((go) => (tellIt = go));
		await page.route(/\/api\/v1\/events/, async (route) => {
			await now;
			await route.fulfill({contentType: "text/event-stream", body: `retry: 600000\n\n${gap}`});
		});
		await page.goto(`${rig.url}/`);
		await page.waitForSelector("#runs tr[data-run]");
		const again = page.waitForRequest(/\/api\/v1\/runs\?/);
		tellIt();
		await again;
	});
});
