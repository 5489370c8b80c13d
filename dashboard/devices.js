// SPDX-License-Identifier: Apache-2.0
// The devices page: who is there, what each one does or needs, and what an operator can do. What
// needs somebody stands first.

import {API, get, send} from "./api.js";
import {byId, fill, h, runLink, table} from "./dom.js";
import {ago, count, date} from "./format.js";
import {watch} from "./live.js";
import {attempt, shell} from "./shell.js";
import {DEVICE_ORDER, deviceBadge, virtualMark} from "./verdict.js";

const URGENT = ["needs_human", "authorizing", "quarantined", "recovering"];
const page = {devices: [], progress: new Map()};

function rank(d) {
	const urgent = URGENT.indexOf(d.state);
	return urgent >= 0 ? urgent : 10 + DEVICE_ORDER.indexOf(d.state);
}

/* ---- what it does, what it needs ---- */

function doing(d) {
	const p = page.progress.get(d.id);
	if (d.need) return [h("b", {}, d.need), d.advice];
	if (d.state === "busy" && p)
		return [
			runLink(p.run, `run ${p.run}`),
			h(
				"span",
				{class: "progress"},
				h("progress", {max: "1000", value: p.permille, "aria-label": p.phase}),
				`${p.phase.replaceAll("_", " ")} · ${count(p.iterations)} runs`,
				p.hottest_mc === null ? "" : ` · ${(p.hottest_mc / 1000).toFixed(1)} °C`,
			),
		];
	return d.advice || "";
}

function attrs(d) {
	return [
		h("span", {class: "tag"}, d.driver),
		h("span", {class: "tag"}, d.abi),
		Object.entries(d.attrs || {}).map(([k, v]) => h("span", {class: "tag"}, `${k}=${v}`)),
	];
}

function counters(d) {
	const body = h("div");
	return h(
		"details",
		{
			ontoggle: (e) =>
				e.target.open &&
				!body.firstChild &&
				attempt(async () => {
					const whole = await get(`${API}/devices/${encodeURIComponent(d.id)}`);
					table(
						body.appendChild(h("table")),
						[
							{title: "Counter", head: true, cell: (c) => h("code", {}, c.name)},
							{
								title: "",
								cell: (c) =>
									c.available ? "✓ reads" : `✕ ${c.error || "does not read"}`,
							},
							{title: "Source", cell: (c) => h("code", {}, c.source || "")},
						],
						whole.counters || [],
					);
				}),
		},
		h("summary", {}, "Counters"),
		body,
	);
}

/* ---- what an operator can do ---- */

const ACTS = {
	quarantine: {
		title: "Take it out",
		text:
			"Nothing will run on it until somebody releases it. A run " +
			"that is on it now is repeated elsewhere.",
	},
	attach: {
		title: "Take it back",
		text:
			"The farm takes it from the tool it was handed to, which must have let go of it, " +
			"and prepares it again.",
	},
	release: {
		title: "Release it",
		text: "It is identified and prepared again, and takes work if that " + "succeeds.",
	},
};

function act(d, verb) {
	const dialog = byId("ask"),
		form = dialog.querySelector("form");
	fill(byId("ask-title"), `${ACTS[verb].title}: ${d.name}`);
	fill(byId("ask-text"), ACTS[verb].text);
	fill(byId("ask-ok"), ACTS[verb].title);
	form.reset();
	dialog.onclose = () =>
		dialog.returnValue === "ok" &&
		attempt(async () => {
			await send("POST", `${API}/devices/${encodeURIComponent(d.id)}/${verb}`, {
				reason: form.elements.reason.value,
			});
			await load();
		});
	dialog.returnValue = "";
	dialog.showModal();
}

function acts(d) {
	if (d.state === "retired" || d.state === "service") return "";
	const verb = d.detached_by
		? "attach"
		: d.state === "quarantined"
			? "release"
			: "quarantine";
	return h(
		"button",
		{
			type: "button",
			"aria-label": `${ACTS[verb].title}: ${d.name}`,
			onclick: () => act(d, verb),
		},
		ACTS[verb].title,
	);
}

const columns = [
	{title: "State", cell: (d) => deviceBadge(d.state)},
	{
		title: "Device",
		head: true,
		cell: (d) => [
			h("span", {class: "name"}, d.name),
			virtualMark(d),
			h("small", {class: "quiet"}, d.model),
			d.where && d.where !== d.name
				? h("small", {class: "quiet where"}, d.where)
				: null,
		],
	},
	{title: "Does, or needs", class: "need", cell: doing},
	{title: "System", cell: (d) => [h("span", {class: "name"}, d.os), attrs(d), counters(d)]},
	{
		title: "Since",
		class: "when",
		cell: (d) => h("time", {title: date(d.state_since)}, ago(d.state_since)),
	},
	{
		title: "Seen",
		class: "when",
		cell: (d) => h("time", {title: date(d.last_seen_at)}, ago(d.last_seen_at)),
	},
	{
		title: "Runs",
		class: "once",
		cell: (d) => h("a", {href: `/?device=${encodeURIComponent(d.id)}`}, "its runs"),
	},
	{title: "", class: "once", cell: acts},
];

const tone = (d) =>
	URGENT.includes(d.state)
		? d.state === "recovering"
			? "unsure"
			: "fail"
		: d.state === "busy"
			? "busy"
			: "quiet";

function show() {
	const sorted = [...page.devices].sort(
		(a, b) => rank(a) - rank(b) || a.name.localeCompare(b.name),
	);
	table(byId("devices"), columns, sorted, (d) => ({
		class: `tone-${tone(d)}`,
		"data-device": d.id,
	}));
	const need = page.devices.filter((d) => URGENT.includes(d.state)).length;
	const ready = page.devices.filter((d) => d.state === "ready").length;
	byId("summary").textContent = page.devices.length
		? `${page.devices.length} devices, ${ready} ready, ${need} need attention.`
		: "No devices yet. Start the daemon with --local to use this machine, or plug a phone in.";
}

/* An address at which nobody is has no row. */
function showAddresses(list) {
	fill(
		byId("addresses"),
		list
			.filter((a) => a.trouble)
			.map((a) =>
				h(
					"li",
					{},
					`Nobody is at ${a.address}: ${a.trouble}. It is tried again until `,
					h("code", {}, `framefarm device disconnect ${a.address}`),
				),
			),
	);
}

async function load() {
	page.devices = (await get(`${API}/devices?limit=200`)).devices;
	show();
	showAddresses((await get(`${API}/addresses`)).addresses);
}

function onProgress(p) {
	const d = page.devices.find((one) => one.id === p.device);
	const cell = document.querySelector(`tr[data-device="${CSS.escape(p.device)}"] .need`);
	page.progress.set(p.device, p);
	if (d && cell) fill(cell, doing(d));
}

shell();
attempt(load);
watch({changed: () => attempt(load), progress: onProgress, back: () => attempt(load)});
