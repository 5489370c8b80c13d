// SPDX-License-Identifier: Apache-2.0
// What every page but the login page has: logging out, and one place for problems.

import {API, send} from "./api.js";
import {byId} from "./dom.js";

export function problem(e) {
	const el = byId("problem");
	if (e && e.name === "AbortError") return;
	el.hidden = !e;
	el.textContent = e ? e.message : "";
	if (e && e.status === undefined) throw e; // a mistake of ours belongs into the console
}

/** Runs fn, shows its problem, and clears what it showed before. */
export async function attempt(fn) {
	try {
		const result = await fn();
		problem(null);
		return result;
	} catch (e) {
		problem(e);
		return undefined;
	}
}

export function shell() {
	byId("logout").addEventListener("click", () =>
		attempt(async () => {
			await send("DELETE", `${API}/session`);
			location.assign("/login");
		}),
	);
}
