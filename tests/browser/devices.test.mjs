// SPDX-License-Identifier: Apache-2.0
// The devices page: who needs somebody, and what an operator can do.

import assert from "node:assert/strict";
import {test} from "node:test";
import {assertHarmless, open, tell, useRig, withPage} from "./harness.mjs";

useRig();

async function openDevices(page) {
	await open(page, "/devices");
	await page.waitForSelector("#devices tr[data-device]");
}

test("who needs a person stands first, with what to do", async () => {
	await withPage({}, async (page) => {
		await openDevices(page);
		assert.match(await page.innerText("#summary"), /7 devices, 2 ready, 3 need attention/);
		const first = (await page.locator("#devices tbody tr").first().innerText()).replace(
			/\s+/g,
			" ",
		);
		assert.match(first, /needs a person galaxy-a14 SM-A145R USB debugging is not authorised/);
	});
});

test("an address at which nobody is says why", async () => {
	await withPage({}, async (page) => {
		await openDevices(page);
		await page.waitForSelector("#addresses li");
		const told = await page.locator("#addresses li").allInnerTexts();
		assert.equal(told.length, 1);
		assert.match(told[0], /Nobody is at pixel\.lab:5555: cannot connect: Connection refused\./);
		assert.match(told[0], /framefarm device disconnect pixel\.lab:5555/);
	});
});

test("what a phone says of itself is text", async () => {
	await withPage({}, async (page) => {
		await openDevices(page);
		const row = await page.innerText("tr[data-device=d6]");
		assert.match(row, /<a href=javascript:alert\(4\)>charge it<\/a>/);
		assert.match(row, /<b>soc<\/b>=<script>alert\(3\)<\/script>/);
		await assertHarmless(page);
	});
});

test("what it is busy with moves", async () => {
	await withPage({}, async (page) => {
		await openDevices(page);
		tell("progress 310");
		await page.waitForSelector('tr[data-device=d2] progress[value="310"]');
		assert.equal(await page.getAttribute("tr[data-device=d2] .need a", "href"), "/runs/r904");
	});
});

test("its counters come on request, with those that do not read", async () => {
	await withPage({}, async (page) => {
		await openDevices(page);
		await page.click("tr[data-device=d2] summary");
		await page.waitForSelector("tr[data-device=d2] details table");
		assert.match(
			(await page.innerText("tr[data-device=d2] details")).replace(/\s+/g, " "),
			/thermal\.soc ✓ reads .*power\.battery\.current_now ✕ Permission denied/,
		);
	});
});

test("an operator takes a device out with a reason", async () => {
	await withPage({}, async (page) => {
		await openDevices(page);
		await page.click("tr[data-device=d1] button");
		await page.fill("#ask input", "fan is loud");
		const sent = page.waitForRequest((r) => r.method() === "POST");
		await page.click("#ask-ok");
		const request = await sent;
		assert.match(request.url(), /\/api\/v1\/devices\/d1\/quarantine$/);
		assert.deepEqual(request.postDataJSON(), {reason: "fan is loud"});
		assert.equal((await request.response()).status(), 200);
	});
});

test("what was handed to another tool says where it is and is taken back", async () => {
	await withPage({}, async (page) => {
		await openDevices(page);
		const row = (await page.innerText("tr[data-device=d7]")).replace(/\s+/g, " ");
		assert.match(row, /needs a person pixel-7-02bd Pixel 7 usb 1-4\.2 detached by ada/);
		assert.doesNotMatch(row, /Somebody must go there/);
		await page.click("tr[data-device=d7] button");
		const sent = page.waitForRequest((r) => r.method() === "POST");
		await page.click("#ask-ok");
		assert.match((await sent).url(), /\/api\/v1\/devices\/d7\/attach$/);
	});
});

test("a virtual phone is marked among the devices", async () => {
	await withPage({}, async (page) => {
		await openDevices(page);
		assert.equal(await page.locator("tr[data-device=d5] .tag.virtual").count(), 1);
		assert.equal(await page.locator("#devices .tag.virtual").count(), 1);
	});
});

test("who thinks better of it sends nothing", async () => {
	await withPage({}, async (page) => {
		await openDevices(page);
		page.on("request", (r) => assert.notEqual(r.method(), "POST"));
		await page.click("tr[data-device=d1] button");
		await page.keyboard.press("Escape");
		await page.waitForSelector("#ask:not([open])", {state: "attached"});
	});
});

test("what the farm refuses is told in its words", async () => {
	await withPage({expect: /409/}, async (page) => {
		await openDevices(page);
		await page.click("tr[data-device=d6] button");
		await page.click("#ask-ok");
		await page.waitForSelector("#problem:not([hidden])");
		assert.match(await page.innerText("#problem"), /not quarantined/);
	});
});
