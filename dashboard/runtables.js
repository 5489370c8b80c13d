// SPDX-License-Identifier: Apache-2.0
// The tables of a run's page: what the charts show as numbers, metrics, attempts, facts, and the
// runner's text.

import {API, address, get, getText} from "./api.js";
import {fill, h, table} from "./dom.js";
import {between, bytes, count, date, ms, percent, short, shownUnit} from "./format.js";
import {attempt} from "./shell.js";

const ROWS = 60; // of the table beside the charts

/* ---- the charts as numbers ---- */

function seriesRows(el, s) {
	const {unit, factor} = shownUnit(s.unit, 1e9),
		f = factor / s.scale;
	const value = (v) => short(v * f);
	table(
		el,
		[
			{title: "from, s", head: true, cell: (i) => (s.t[i] / 1e9).toFixed(3)},
			{title: `least, ${unit}`, class: "right", cell: (i) => value(s.min[i])},
			{title: `mean, ${unit}`, class: "right", cell: (i) => value(s.mean[i])},
			{title: `greatest, ${unit}`, class: "right", cell: (i) => value(s.max[i])},
			{title: "values", class: "right", cell: (i) => count(s.n[i])},
			...(s.budget_ns
				? [
						{
							title: "over budget",
							class: "right",
							cell: (i) =>
								s.over[i] ? h("span", {class: "over"}, count(s.over[i])) : "0",
						},
					]
				: []),
		],
		s.t.map((t, i) => i),
	);
}

/** pathOf(stream, {path, more}) → address; view() → [from, to] in ns, or undefined */
export function seriesTable(run, pathOf, view) {
	if (!run.streams.length) return null;
	const rows = h("table", {class: "num"}),
		csv = h("a", {download: true}, "all values as CSV");
	const select = h(
		"select",
		{"aria-label": "Stream"},
		run.streams.map((s) => h("option", {value: s.name}, s.name)),
	);
	const load = () =>
		attempt(async () => {
			const [from, to] = view() || [0, run.length_ns];
			csv.href = pathOf(select.value, {path: "samples"});
			seriesRows(
				rows,
				await get(
					pathOf(select.value, {
						path: "series",
						more: {buckets: ROWS, from: Math.floor(from), to: Math.ceil(to) + 1},
					}),
				),
			);
		});
	select.addEventListener("change", load);
	csv.href = pathOf(run.streams[0].name, {path: "samples"});
	return h(
		"details",
		{id: "numbers", ontoggle: (e) => e.target.open && load()},
		h("summary", {}, "The same as a table"),
		h(
			"p",
			{},
			"Stream ",
			select,
			" ",
			csv,
			h(
				"span",
				{class: "quiet"},
				" · the part that the charts show, in at most ",
				ROWS,
				" rows",
			),
		),
		h("div", {class: "scroll", tabindex: "0", role: "region", "aria-label": "Values"}, rows),
	);
}

/* ---- metrics ---- */

const BLOCKS = [
	["paced", "paced at the display's rate"],
	["exec", "paced, run alone"],
	["back_to_back", "back to back"],
	["sustained", "sustained"],
];

const millis = (v) => ms(v, 3);
const FIGURES = [
	["n", "frames", count],
	["p50_ns", "p50, ms", millis],
	["p90_ns", "p90, ms", millis],
	["p99_ns", "p99, ms", millis],
	["min_ns", "least, ms", millis],
	["max_ns", "greatest, ms", millis],
	["mean_ns", "mean, ms", millis],
	["sd_ns", "deviation, ms", millis],
	["over", "over budget", (v, b) => (v ? `${count(v)} (${percent(v, b.n)})` : "0")],
	["longest_streak", "longest streak over", count],
];

const SINGLES = [
	["load_cold_ns", "cold load", (v) => `${ms(v)} ms`],
	["load_warm_ns", "warm load", (v) => `${ms(v)} ms`],
	["first_ns", "first inference", (v) => `${ms(v)} ms`],
	["rss_peak_bytes", "peak memory", bytes],
	["rss_after_load_bytes", "memory after load", bytes],
];

export function metricsTable(run) {
	const metrics = run.result && run.result.metrics;
	if (!metrics)
		return h(
			"section",
			{},
			h("h2", {}, "Metrics"),
			h("p", {class: "quiet"}, "Nothing was judged."),
		);
	const blocks = BLOCKS.filter(([key]) => metrics[key]);
	const timed = () =>
		table(
			h("table", {class: "num"}),
			[
				{title: "", head: true, cell: ([, title]) => title},
				...blocks.map(([key, title]) => ({
					title,
					class: "right",
					cell: ([name, , fmt]) =>
						metrics[key][name] === undefined
							? ""
							: fmt(metrics[key][name], metrics[key]),
				})),
			],
			FIGURES,
		);
	return h(
		"section",
		{},
		h("h2", {}, "Metrics"),
		blocks.length
			? h(
					"div",
					{class: "scroll", tabindex: "0", role: "region", "aria-label": "Metrics"},
					timed(),
				)
			: h("p", {class: "quiet"}, "No block was timed."),
		h(
			"p",
			{},
			SINGLES.filter(([key]) => metrics[key] !== undefined).map(([key, title, fmt]) =>
				h("span", {class: "tag num"}, `${title}: ${fmt(metrics[key])}`),
			),
		),
	);
}

/* ---- attempts ---- */

export function attemptsTable(run) {
	if (!run.attempts.length) return null;
	return h(
		"section",
		{},
		h("h2", {}, "Attempts"),
		h(
			"div",
			{class: "scroll", tabindex: "0", role: "region", "aria-label": "Attempts"},
			table(
				h("table", {class: "list"}),
				[
					{
						title: "Attempt",
						head: true,
						cell: (a) =>
							a.id === run.shown_attempt
								? h("b", {}, `${a.id} (shown)`)
								: h("a", {href: address(`/runs/${run.id}`, {attempt: a.id})}, a.id),
					},
					{title: "Round", cell: (a) => a.round},
					{title: "Counts", cell: (a) => (a.counted ? "✓ yes" : "no")},
					{title: "State", cell: (a) => a.state},
					{title: "Outcome", cell: (a) => a.outcome || ""},
					{
						title: "Cause",
						class: "why",
						cell: (a) => h("span", {title: a.cause}, a.cause),
					},
					{title: "Took", cell: (a) => between(a.started_at, a.ended_at)},
					{title: "Began", class: "when", cell: (a) => date(a.created_at)},
				],
				run.attempts,
			),
		),
	);
}

/* ---- what devices wrote about attempts that failed ---- */

/** Filled once it is known whether there are any. */
export function artifactsList(run) {
	const el = h("section", {id: "artifacts", hidden: true});
	attempt(async () => {
		const {artifacts} = await get(`${API}/runs/${encodeURIComponent(run.id)}/artifacts`);
		if (!artifacts.length) return;
		el.hidden = false;
		fill(
			el,
			h("h2", {}, "What the device wrote when it failed"),
			h(
				"ul",
				{},
				artifacts.map((a) =>
					h(
						"li",
						{},
						h(
							"a",
							{
								href: address(
									`${API}/attempts/${encodeURIComponent(a.attempt)}/artifact`,
									{name: a.name},
								),
								download: `${a.attempt}-${a.name}`,
							},
							a.name,
						),
						h("span", {class: "quiet"}, ` of ${a.attempt}, ${bytes(a.bytes)}`),
					),
				),
			),
		);
	});
	return el;
}

/* ---- facts and text ---- */

function factValue(f) {
	if (f.value === null) return "not a number";
	if (f.key.endsWith("_ns") && typeof f.value === "number") return `${ms(f.value, 3)} ms`;
	if (f.key.endsWith("_bytes") && typeof f.value === "number") return bytes(f.value);
	return String(f.value);
}

export function factsTable(run) {
	if (!run.facts.length) return null;
	return h(
		"details",
		{},
		h("summary", {}, `${run.facts.length} facts that the attempt reported`),
		h(
			"div",
			{class: "scroll", tabindex: "0", role: "region", "aria-label": "Facts"},
			table(
				h("table", {}),
				[
					{title: "Fact", head: true, cell: (f) => h("code", {}, f.key)},
					{
						title: "Value",
						class: "num",
						cell: (f) => h("span", {title: String(f.value)}, factValue(f)),
					},
				],
				run.facts,
			),
		),
	);
}

export function logView(run) {
	if (!run.text_bytes) return null;
	const pre = h("pre", {class: "log panel", tabindex: "0"}),
		more = h("button", {type: "button"}, "More");
	let offset = 0;
	const load = () =>
		attempt(async () => {
			const piece = await getText(
				address(`${API}/runs/${run.id}/logs`, {attempt: run.shown_attempt, offset}),
			);
			pre.append(piece.text);
			more.hidden = piece.next === offset || piece.next >= run.text_bytes;
			offset = piece.next;
		});
	more.addEventListener("click", load);
	return h(
		"details",
		{id: "log", ontoggle: (e) => e.target.open && !offset && load()},
		h("summary", {}, `What the runner said (${bytes(run.text_bytes)})`),
		pre,
		h("p", {}, fill(h("span"), more)),
	);
}
