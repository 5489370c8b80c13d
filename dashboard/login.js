// SPDX-License-Identifier: Apache-2.0
// The token is shown once and traded for a cookie that no script can read.

import {API, send} from "./api.js";
import {byId} from "./dom.js";

/** Only a path of this server: "//evil.example" and "https:" are none. */
function next() {
	const path = new URLSearchParams(location.search).get("next") || "/";
	const url = new URL(path, location.origin);
	return url.origin === location.origin && path.startsWith("/") ? url.pathname + url.search : "/";
}

byId("login").addEventListener("submit", async (e) => {
	e.preventDefault();
	const token = byId("token"),
		says = byId("problem");
	says.hidden = true;
	try {
		await send("POST", `${API}/session`, {token: token.value.trim()});
		location.replace(next());
	} catch (problem) {
		says.textContent = problem.message;
		says.hidden = false;
		token.select();
		token.focus();
	}
});
byId("token").focus();
