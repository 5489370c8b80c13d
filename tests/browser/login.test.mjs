// SPDX-License-Identifier: Apache-2.0
// Logging in and out.

import assert from "node:assert/strict";
import {test} from "node:test";
import {open, rig, useRig, withPage} from "./harness.mjs";

useRig();

const REFUSED = /401/; // the browser notes each refused request on its console

async function logIn(page, token) {
	await page.fill("#token", token);
	await page.click("button[type=submit]");
}

test("who is not logged in is asked for the token and comes back to where they were", async () => {
	await withPage({stranger: true, expect: REFUSED}, async (page) => {
		await page.goto(`${rig.url}/?verdict=fail`);
		await page.waitForURL(/\/login\?next=/);
		await logIn(page, rig.token);
		await page.waitForURL(`${rig.url}/?verdict=fail`);
		await page.waitForSelector("#runs tr[data-run]");
	});
});

test("a wrong token is told and not kept", async () => {
	await withPage({stranger: true, expect: REFUSED}, async (page) => {
		await page.goto(`${rig.url}/login`);
		await logIn(page, "ff_wrong");
		await page.waitForSelector("#problem:not([hidden])");
		assert.match(await page.textContent("#problem"), /not known/);
		assert.deepEqual(await page.context().cookies(), []);
	});
});

test("the way back stays on this server", async () => {
	for (const next of ["//evil.example/", "https://evil.example/", "\\\\evil.example"])
		await withPage({stranger: true}, async (page) => {
			await page.goto(`${rig.url}/login?next=${encodeURIComponent(next)}`);
			await logIn(page, rig.token);
			await page.waitForURL(`${rig.url}/`);
		});
});

test("the cookie is out of reach for scripts, and logging out ends the session", async () => {
	await withPage({expect: REFUSED}, async (page) => {
		await open(page, "/");
		assert.equal(await page.evaluate(() => document.cookie), "");
		const [cookie] = await page.context().cookies();
		assert.deepEqual([cookie.httpOnly, cookie.sameSite], [true, "Strict"]);
		await page.click("#logout");
		await page.waitForURL(/\/login/);
		await page.context().addCookies([cookie]);
		await page.goto(rig.url);
		await page.waitForURL(/\/login\?next=/);
	});
});
