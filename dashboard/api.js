// SPDX-License-Identifier: Apache-2.0
// The public API, as every client uses it. Who is not logged in goes to the login page and comes
// back; every other problem is thrown with the server's own sentence.

export const API = "/api/v1";

const TRIES_AGAIN = 3;
const LONGEST_S = 10;

class Problem extends Error {
	constructor(status, detail) {
		super(detail);
		this.status = status;
	}
}

async function fail(response) {
	let detail = `the server answered ${response.status}`;
	try {
		detail = (await response.json()).detail || detail;
	} catch {
		// not ours: a proxy in between, perhaps
	}
	throw new Problem(response.status, detail);
}

function toLogin() {
	const next = location.pathname + location.search;
	location.assign(`/login?next=${encodeURIComponent(next)}`);
}

function pause(ms, signal) {
	return new Promise((go, stop) => {
		const timer = setTimeout(go, ms);
		signal?.addEventListener("abort", () => {
			clearTimeout(timer);
			stop(signal.reason);
		});
	});
}

/** Seconds of Retry-After, doubled with each try; half of it left to chance, so that pages which were sent
 * away together do not come back together. */
function patience(response, tries) {
	const s = Number(response.headers.get("Retry-After")) || 1;
	return Math.min(s, LONGEST_S) * 1000 * 2 ** tries * (0.5 + Math.random() / 2);
}

/** Comes again when it is told to: behind 429 nothing was done, behind 503 a reading may be repeated. */
async function patiently(path, options) {
	for (let tries = 0; ; tries++) {
		const response = await fetch(path, {credentials: "same-origin", ...options});
		const again = response.status === 429 || (response.status === 503 && !options.method);
		if (!again || tries === TRIES_AGAIN) return response;
		await pause(patience(response, tries), options.signal);
	}
}

async function ask(path, options) {
	let response;
	try {
		response = await patiently(path, options);
	} catch (e) {
		if (e.name === "AbortError") throw e;
		throw new Problem(0, "the server cannot be reached; is the daemon running?");
	}
	if (response.status === 401 && location.pathname !== "/login") {
		toLogin();
		await new Promise(() => {}); // the page is going
	}
	if (!response.ok) await fail(response);
	return response;
}

export async function get(path, signal) {
	return (await ask(path, {signal})).json();
}

export async function getText(path) {
	const response = await ask(path, {});
	return {text: await response.text(), next: Number(response.headers.get("X-Next-Offset"))};
}

export async function send(method, path, body) {
	const response = await ask(path, {
		method,
		headers: body === undefined ? {} : {"Content-Type": "application/json"},
		body: body === undefined ? undefined : JSON.stringify(body),
	});
	return response.status === 204 ? null : response.json();
}

/** "/api/v1/runs" and {verdict: "fail", q: ""} → "/api/v1/runs?verdict=fail" */
export function address(path, query) {
	const params = new URLSearchParams();
	for (const [key, value] of Object.entries(query))
		if (value !== "" && value !== null && value !== undefined) params.set(key, value);
	const text = params.toString();
	return text ? `${path}?${text}` : path;
}
