// SPDX-License-Identifier: Apache-2.0
// One run's page: verdict and arithmetic, charts with the budget, zoom, and the ways around a chart.

import assert from "node:assert/strict";
import {readFile} from "node:fs/promises";
import {test} from "node:test";
import {assertHarmless, open, tell, useRig, withPage} from "./harness.mjs";

useRig();

async function openRun(page, path) {
	await open(page, path);
	await page.waitForSelector("#charts[data-view]");
}

/* Pixels of the first chart (latency) in the colour of failing. */
function redPixels(page) {
	return page.evaluate(() => {
		const canvas = document.querySelector(".pane canvas");
		const {data} = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
		let n = 0;
		for (let i = 0; i < data.length; i += 4)
			n += data[i] > 150 && data[i + 1] < 90 && data[i + 2] < 90 && data[i + 3] > 100;
		return n;
	});
}

/* The page does not follow what upkeep removes; whoever looks again sees it. */
async function reloadUntil(page, text) {
	for (let i = 0; i < 50; i++) {
		await open(page, "/runs/r902");
		await page.waitForSelector("#head *");
		if (text.test(await page.innerText("#run"))) return;
	}
	assert.fail(`${text} did not come: ${await page.innerText("#run")}`);
}

async function drag(page, from, to) {
	const box = await page.locator(".pane .u-over").first().boundingBox();
	await page.mouse.move(box.x + box.width * from, box.y + 40);
	await page.mouse.down();
	await page.mouse.move(box.x + box.width * to, box.y + 60, {steps: 4});
	await page.mouse.up();
}

test("the verdict comes with its arithmetic", async () => {
	await withPage({}, async (page) => {
		await openRun(page, "/runs/r901");
		assert.match(await page.innerText("#head .badge.large"), /fail/);
		const head = (await page.innerText("#head")).replace(/\s+/g, " ");
		assert.match(
			head,
			/21\.84 ms p99 latency, paced 16\.00 ms budget \+36\.5 % against the budget/,
		);
		assert.match(
			head,
			/n=3600, over=1214, tau=3\.8, n_eff=947; FAIL because the lower bound 21\.40 ms/,
		);
		assert.match(head, /12 releases skipped/);
		assert.equal(await page.locator(".gates li").count(), 3);
	});
});

test("a run that timed nothing has no empty table", async () => {
	await withPage({}, async (page) => {
		await page.route(/\/api\/v1\/runs\/r901$/, async (route) => {
			const answer = await route.fetch();
			const run = await answer.json();
			run.result.metrics = {load_cold_ns: 57830000};
			await route.fulfill({response: answer, json: run});
		});
		await openRun(page, "/runs/r901");
		await page.getByText("No block was timed.").waitFor();
		await page.getByText("cold load: 57.83 ms").waitFor();
	});
});

test("what the counters show is told in a sentence", async () => {
	await withPage({}, async (page) => {
		await openRun(page, "/runs/r901");
		await page.waitForSelector("#story:not([hidden])");
		const story = await page.innerText("#story");
		assert.match(
			story,
			/kept the budget until 1\d(\.\d)? s and was mostly over it from then on/,
		);
		assert.match(story, /thermal\.soc rose from \S+ to \S+ °C/);
		assert.match(story, /cpu\.policy4\.freq fell from 2\.\d+ to 1\.\d+ GHz/);
		await openRun(page, "/runs/r902");
		assert.equal(await page.isVisible("#story"), false);
	});
});

test("frames over the budget are marked in red, and none is where none was", async () => {
	await withPage({colorScheme: "light"}, async (page) => {
		await openRun(page, "/runs/r901");
		assert.ok((await redPixels(page)) > 2000);
		await openRun(page, "/runs/r902");
		assert.equal(await redPixels(page), 0);
	});
});

test("counters stand under the latency on the same axis, with one cursor", async () => {
	await withPage({}, async (page) => {
		await openRun(page, "/runs/r901");
		const titles = await page.locator(".pane h3").allInnerTexts();
		assert.deepEqual(
			titles.map((t) => t.split(" ")[0]),
			["Latency", "Temperature", "Clocks", "Load", "Memory", "Current"],
		);
		await page.hover(".pane .u-over >> nth=0", {position: {x: 600, y: 100}});
		await page.waitForFunction(() =>
			[...document.querySelectorAll(".pane .u-cursor-x")].every(
				(c) =>
					c.style.transform ===
						document.querySelector(".pane .u-cursor-x").style.transform &&
					!c.closest(".u-hz").classList.contains("u-off"),
			),
		);
		await page.waitForFunction(() =>
			/°C|\d/.test(
				document.querySelectorAll(".pane .head")[1].querySelector("b").textContent,
			),
		);
		assert.match(await page.innerText(".chartbar .at"), /at \d+\.\d+ s/);
	});
});

test("a zoom fetches its stretch in more detail, stands in the address, and goes back", async () => {
	await withPage({}, async (page) => {
		await openRun(page, "/runs/r901");
		const asked = [];
		page.on(
			"request",
			(r) => r.url().includes("/series") && asked.push(new URL(r.url()).searchParams),
		);
		const whole = await page.getAttribute("#charts", "data-view");
		await drag(page, 0.2, 0.3);
		await page.waitForFunction(
			(w) => document.querySelector("#charts").dataset.view !== w,
			whole,
		);
		const [from, to] = (await page.getAttribute("#charts", "data-view")).split("-").map(Number);
		assert.ok(from > 17e9 && from < 20e9 && to > 26e9 && to < 29e9, `${from} to ${to}`);
		const paced = asked.filter((p) => p.get("stream") === "paced").at(-1);
		assert.ok(Number(paced.get("from")) <= from && Number(paced.get("to")) >= to);
		assert.ok(
			(Number(paced.get("to")) - Number(paced.get("from"))) / paced.get("buckets") < 12e6,
		);
		assert.match(page.url(), /from=\d+&to=\d+/);
		await page.reload();
		await page.waitForFunction(
			(v) => document.querySelector("#charts")?.dataset.view === v,
			`${from}-${to}`,
		);
		await page.click("text=Show all");
		await page.waitForFunction(
			(w) => document.querySelector("#charts").dataset.view === w,
			whole,
		);
		assert.doesNotMatch(page.url(), /from=/);
	});
});

test("a line can be switched on and off", async () => {
	await withPage({}, async (page) => {
		await openRun(page, "/runs/r901");
		const key = page.locator(".key", {hasText: "paced.exec"});
		assert.equal(await key.getAttribute("aria-pressed"), "false");
		const asked = page.waitForRequest((r) => r.url().includes("stream=paced.exec"));
		await key.click();
		await asked;
		assert.equal(await key.getAttribute("aria-pressed"), "true");
	});
});

test("the keyboard moves the cursor and a voice reads the values", async () => {
	await withPage({}, async (page) => {
		await openRun(page, "/runs/r901");
		await page.focus("#charts");
		await page.keyboard.press("End");
		await page.keyboard.press("Shift+ArrowLeft");
		await page.keyboard.press("Shift+ArrowLeft");
		const said = await page.textContent("#charts [aria-live]");
		assert.match(said, /^at 7\d\.\d+ s: paced \d+\.?\d* ms, \d+ of \d+ over budget; thermal/);
		const before = await page.getAttribute("#charts", "data-view");
		await page.keyboard.press("+");
		await page.waitForFunction(
			(v) => document.querySelector("#charts").dataset.view !== v,
			before,
		);
		await page.keyboard.press("Escape");
		await page.waitForFunction(
			(v) => document.querySelector("#charts").dataset.view === v,
			before,
		);
	});
});

test("the same numbers are there as a table and as CSV", async () => {
	await withPage({acceptDownloads: true}, async (page) => {
		await openRun(page, "/runs/r901");
		await page.click("#numbers summary");
		await page.selectOption("#numbers select", "paced");
		await page.waitForSelector("#numbers td .over");
		// The table is written anew when its numbers come; wait for the one that is meant.
		await page.waitForFunction(() => {
			const rows = document.querySelectorAll("#numbers tbody tr").length;
			return rows > 20 && rows <= 60;
		});
		const [file] = await Promise.all([page.waitForEvent("download"), page.click("#numbers a")]);
		const lines = (await readFile(await file.path(), "utf8")).trim().split("\n");
		assert.equal(lines[0], "t_ns,value");
		assert.equal(lines.length, 3600 + 1);
	});
});

test("metrics, environment, attempts, facts and the runner's text are all there", async () => {
	await withPage({}, async (page) => {
		await openRun(page, "/runs/r901");
		const text = (await page.innerText("#run")).replace(/\s+/g, " ");
		assert.match(text, /p99, ms 21\.840/);
		assert.match(text, /cold load: 84\.21 ms/);
		assert.match(text, /nodes 28 on cpu/);
		assert.match(text, /a901 \(shown\)/);
		assert.match(text, /the phone went away in the middle/);
		await page.click("#log summary");
		await page.waitForFunction(() =>
			document.querySelector("#log pre").textContent.includes("done"),
		);
		assert.match(await page.innerText("#log pre"), /<script>alert\('log'\)<\/script>/);
		await assertHarmless(page);
	});
});

test("an attempt that did not count can be looked at", async () => {
	await withPage({}, async (page) => {
		await openRun(page, "/runs/r901");
		await page.click("text=a401");
		await page.waitForSelector("text=a401 (shown)");
		assert.match(await page.innerText("#run"), /No samples were stored/);
	});
});

test("what the device wrote when an attempt failed can be fetched", async () => {
	await withPage({}, async (page) => {
		await openRun(page, "/runs/r901");
		await page.waitForSelector("#artifacts:not([hidden])");
		assert.match(await page.innerText("#artifacts"), /logcat\.txt of a401/);
		const [file] = await Promise.all([
			page.waitForEvent("download"),
			page.click("#artifacts a >> nth=0"),
		]);
		assert.equal(file.suggestedFilename(), "a401-logcat.txt");
		assert.equal(await readFile(await file.path(), "utf8"), "F boom");
		await openRun(page, "/runs/r903");
		assert.equal(await page.locator("#artifacts:not([hidden])").count(), 0);
	});
});

test("a hostile phone's run is harmless", async () => {
	await withPage({}, async (page) => {
		await openRun(page, "/runs/r903");
		assert.match(await page.innerText("#head"), /on <img src=x onerror=alert\(1\)>/);
		await assertHarmless(page);
	});
});

test("it is dark where the reader wants it dark, and fits a narrow screen", async () => {
	await withPage({colorScheme: "dark", viewport: {width: 390, height: 844}}, async (page) => {
		await openRun(page, "/runs/r901");
		const [r, g, b] = await page.evaluate(() =>
			getComputedStyle(document.body).backgroundColor.match(/\d+/g).map(Number),
		);
		assert.ok(r + g + b < 120);
		assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 390);
	});
});

test("what was removed of an old run is said, first its values and then the rest", async () => {
	await withPage({}, async (page) => {
		const today = new Date().toISOString().slice(0, 10);
		await openRun(page, "/runs/r902");
		assert.doesNotMatch(await page.innerText("#run"), /removed/);
		tell("age values");
		await reloadUntil(page, /The values of this run were removed on/);
		assert.match(
			await page.innerText("#run"),
			new RegExp(`removed on ${today}; these charts are made of one-second rollups`),
		);
		assert.ok(await page.locator(".pane canvas").count());
		tell("age all");
		await reloadUntil(page, /The samples of this run were removed on/);
		assert.match(await page.innerText("#run"), /its results above are kept/);
		assert.equal(await page.locator(".pane canvas").count(), 0);
		assert.match(await page.innerText("#head"), /pass/);
	});
});

test("a run that does not exist says so", async () => {
	await withPage({expect: /404/}, async (page) => {
		await open(page, "/runs/r77777");
		await page.waitForSelector("#problem:not([hidden])");
		assert.match(await page.innerText("#problem"), /there is no run r77777/);
		assert.equal(await page.innerText("#run"), ""); // and loads no longer
		assert.equal(await page.getAttribute("#run", "aria-busy"), null);
	});
});
