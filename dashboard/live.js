// SPDX-License-Identifier: Apache-2.0
// What happens, as it happens: one EventSource a page, since a browser opens only six connections to
// a server. It replays what was missed while it was away (Last-Event-ID). Changes are told in one go
// at most twice a second.

import {API, get} from "./api.js";
import {byId} from "./dom.js";

const GATHER_MS = 500;
const RETRY_MS = 5000; // give or take a half, so that pages do not come back together
const TOPICS = ["job", "run", "device", "lease"];

function show(state, text) {
	const el = byId("live");
	if (el) {
		el.dataset.state = state;
		el.textContent = text;
	}
}

/**
 * on.changed(events): stored events since the last call; on.progress(p): one report of a live run;
 * on.back(): the connection was lost for a while and is there again.
 */
export function watch(on, path = `${API}/events`) {
	let source = null,
		lost = false,
		pending = [],
		timer = 0;

	const tell = () => {
		const events = pending;
		pending = [];
		timer = 0;
		on.changed(events);
	};
	const gather = (e) => {
		pending.push(JSON.parse(e.data));
		timer ||= setTimeout(tell, GATHER_MS);
	};
	const later = () => setTimeout(retry, RETRY_MS * (0.5 + Math.random()));
	const open = () => {
		source = new EventSource(path);
		source.onopen = () => {
			show("on", "live");
			if (lost && on.back) on.back();
			lost = false;
		};
		source.onerror = () => {
			lost = true;
			show("off", "reconnecting…");
			if (source.readyState === EventSource.CLOSED) later();
		};
		for (const topic of TOPICS) source.addEventListener(topic, gather);
		// Events were missed that nobody can tell any more: what is shown is asked for anew.
		source.addEventListener("gap", () => on.back && on.back());
		if (on.progress)
			source.addEventListener("progress", (e) => on.progress(JSON.parse(e.data)));
	};
	// A refused stream is closed for good: the session may be over (get() then goes to the login
	// page), or the server has no room for another watcher.
	const retry = async () => {
		try {
			await get(`${API}/session`);
			open();
		} catch {
			later();
		}
	};

	open();
	addEventListener("pagehide", () => source.close());
	addEventListener("pageshow", (e) => e.persisted && open());
}
