// SPDX-License-Identifier: Apache-2.0
// The public API, as every client uses it. Who is not logged in goes to the login page and comes
// back; every other problem is thrown with the server's own sentence.

export const API = "/api/v1";

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

async function ask(path, options) {
	let response;
	try {
		response = await fetch(path, {credentials: "same-origin", ...options});
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
