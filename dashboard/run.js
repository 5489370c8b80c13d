// SPDX-License-Identifier: Apache-2.0
// One run: what was judged and by which arithmetic, the charts that show why, and everything else
// that is known of it.

import {API, address, get} from "./api.js";
import {Charts} from "./charts.js";
import {byId, fill, h, jobLink} from "./dom.js";
import {ago, between, count, date, ms, percent, short} from "./format.js";
import {watch} from "./live.js";
import {
	artifactsList,
	attemptsTable,
	factsTable,
	logView,
	metricsTable,
	seriesTable,
} from "./runtables.js";
import {attempt, shell} from "./shell.js";
import {story} from "./story.js";
import {isOver, labels, runBadge, verdictBadge, virtualMark, why} from "./verdict.js";

const LIVE_MS = 10000; // samples reach the store at most this late

const id = location.pathname.split("/").at(-1);
const params = new URLSearchParams(location.search);
const page = {run: null, charts: null, progress: null, story: null};

/* ---- the head ---- */

function figure(value, text) {
	return h("span", {class: "figure"}, h("b", {}, value), h("small", {}, text));
}

function figures(run) {
	const s = run.summary;
	if (!s || (s.value_ns === null && s.p50_ns === null)) return null;
	const value = s.value_ns ?? s.p99_ns,
		p = s.percentile ? `p${short(100 * s.percentile)}` : "p99";
	const apart = s.budget_ns && value ? 100 * (value / s.budget_ns - 1) : null;
	return [
		figure(
			`${ms(value)} ms`,
			`${p} latency${s.block ? `, ${s.block.replaceAll("_", " ")}` : ""}`,
		),
		s.budget_ns && figure(`${ms(s.budget_ns)} ms`, "budget"),
		apart !== null &&
			figure(`${apart > 0 ? "+" : "−"}${Math.abs(apart).toFixed(1)} %`, "against the budget"),
		s.over !== null &&
			figure(
				count(s.over),
				`of ${count(s.n)} frames over (${percent(s.over, s.n) || "none"})`,
			),
		s.skipped > 0 && figure(count(s.skipped), "releases skipped, the last frame being late"),
	];
}

function gates(run) {
	const list = (run.result && run.result.gates) || [];
	return list.length
		? h(
				"ul",
				{class: "gates", "aria-label": "Gates"},
				list.map((g) =>
					h(
						"li",
						{class: g.void ? "void" : null},
						verdictBadge(g.verdict),
						h("b", {}, g.name, g.void ? " (void)" : ""),
						h("span", {class: "text"}, g.text),
					),
				),
			)
		: null;
}

function liveLine(run) {
	const p = page.progress || run.progress;
	if (isOver(run)) return null;
	if (!p)
		return h(
			"p",
			{class: "quiet"},
			run.state === "queued" ? "It waits for a device." : "Starting…",
		);
	return h(
		"p",
		{class: "progress"},
		h("progress", {max: "1000", value: p.permille, "aria-label": "progress"}),
		`${p.phase.replaceAll("_", " ")} · ${count(p.iterations)} runs · ${count(p.over_budget)} over budget`,
		p.hottest_mc === null ? "" : ` · hottest sensor ${(p.hottest_mc / 1000).toFixed(1)} °C`,
		p.note ? ` · ${p.note}` : "",
	);
}

function head(run) {
	return h(
		"section",
		{class: "panel", "aria-label": "Verdict"},
		h("div", {class: "verdictline"}, runBadge(run, "large"), figures(run), labels(run)),
		h("p", {}, [
			run.device
				? `on ${run.device.name} (${run.device.model})`
				: `no device${isOver(run) ? "" : " yet"}`,
			" ",
			virtualMark(run.device),
			` · round ${run.round} · `,
			jobLink(run.job, `job ${run.job_name || run.job}`),
			" · ",
			h(
				"time",
				{title: date(run.ended_at || run.queued_at)},
				run.ended_at
					? `ended ${ago(run.ended_at)} after ${between(run.started_at, run.ended_at)}`
					: `queued ${ago(run.queued_at)}`,
			),
		]),
		run.state !== "completed" && run.cause ? h("p", {class: "problem"}, run.cause) : null,
		run.state === "completed" && !(run.result && run.result.gates)
			? h("p", {}, why(run))
			: null,
		h("div", {id: "progress"}, liveLine(run)),
		gates(run),
		h("p", {class: "story", id: "story", hidden: !page.story}, page.story),
	);
}

/* ---- environment ---- */

function pairs(list) {
	return h(
		"dl",
		{class: "facts"},
		list
			.filter(([, v]) => v !== undefined && v !== null && v !== "")
			.flatMap(([k, v]) => [h("dt", {}, k), h("dd", {}, v)]),
	);
}

const shortHash = (text) =>
	/^[0-9a-f]{64}$/.test(text) ? h("code", {title: text}, `${text.slice(0, 12)}…`) : text;

function environment(run) {
	const r = run.result || {},
		p = r.provider || {},
		e = r.environment || {};
	const shown = run.attempts.find((a) => a.id === run.shown_attempt) || {},
		record = shown.record || {};
	const nodes = Object.entries(p.nodes || {})
		.map(([k, n]) => `${n} on ${k}`)
		.join(", ");
	return h(
		"section",
		{},
		h("h2", {}, "Environment"),
		h(
			"div",
			{class: "panel"},
			pairs([
				["runtime", p.runtime],
				["provider asked for", p.requested],
				["provider used", p.used],
				["nodes", nodes],
				["fallback", p.fallback],
				["thermal", e.thermal],
				["thermal gate", e.thermal_gate],
				...Object.entries(record).map(([k, v]) => [
					k.replaceAll("_", " "),
					shortHash(typeof v === "object" ? JSON.stringify(v) : String(v)),
				]),
			]),
		),
	);
}

/* ---- together ---- */

function seriesPath(stream, query) {
	return address(`${API}/runs/${run().id}/${query.path}`, {
		stream,
		attempt: run().shown_attempt,
		...query.more,
	});
}

const run = () => page.run;

function dropCharts() {
	page.charts?.close();
	page.charts = null;
	page.story = null;
}

/** What was removed of the samples because of their age or the quota, as a sentence; null: nothing. */
function removedNote() {
	const day = (key) => run().streams.map((s) => s[key]).find((at) => at)?.slice(0, 10);
	const all = day("rollups_removed_at");
	const raw = day("raw_removed_at");
	if (all)
		return `The samples of this run were removed on ${all}; its results above are kept.`;
	return raw
		? `The values of this run were removed on ${raw}; these charts are made of one-second rollups.`
		: null;
}

function makeCharts() {
	if (run().streams.some((s) => s.rollups_removed_at))
		return h("p", {class: "quiet"}, removedNote());
	if (!run().streams.length)
		return h(
			"p",
			{class: "quiet"},
			isOver(run())
				? "No samples were stored."
				: "Samples appear when the first of them are stored.",
		);
	page.charts = new Charts(run(), {
		problem: attempt,
		moved: (from, to) => {
			params.set("from", Math.round(from));
			params.set("to", Math.round(to));
			if (page.charts.isWhole()) ["from", "to"].forEach((k) => params.delete(k));
			history.replaceState(
				null,
				"",
				`${location.pathname}${params.size ? `?${params}` : ""}`,
			);
		},
	});
	page.charts.el.addEventListener("dblclick", () => page.charts.zoom(...page.charts.whole));
	const note = removedNote();
	return note ? h("div", {}, h("p", {class: "quiet"}, note), page.charts.el) : page.charts.el;
}

function show() {
	const r = run();
	document.title = `${r.model || r.job_name} ${r.variant} · ${r.id} · Framefarm`;
	fill(
		byId("run"),
		h("h1", {}, `${r.model || r.job_name} · ${r.variant} `, h("small", {class: "quiet"}, r.id)),
		h("div", {id: "head"}, head(r)),
		h("h2", {}, "Over time"),
		makeCharts(),
		seriesTable(r, seriesPath, () => page.charts?.view),
		h("div", {class: "pair"}, metricsTable(r), environment(r)),
		attemptsTable(r),
		artifactsList(r),
		factsTable(r),
		logView(r),
	);
	byId("run").removeAttribute("aria-busy");
	if (!page.charts) return undefined;
	return loadCharts();
}

/* The story is told of the whole attempt, so that is loaded first. */
async function loadCharts() {
	const from = Number(params.get("from")),
		to = Number(params.get("to"));
	await page.charts.load();
	page.story = story(page.charts.all());
	fill(byId("head"), head(run()));
	if (to > from) await page.charts.zoom(from, to);
}

const path = () =>
	address(`${API}/runs/${encodeURIComponent(id)}`, {attempt: params.get("attempt")});

async function load() {
	try {
		page.run = await get(path());
	} catch (e) {
		fill(byId("run"));
		byId("run").removeAttribute("aria-busy");
		throw e;
	}
	dropCharts();
	await show();
}

/* While it runs, only what changes is made anew. */
async function refresh() {
	const before = page.run;
	page.run = await get(path());
	if (
		isOver(run()) !== isOver(before) ||
		run().shown_attempt !== before.shown_attempt ||
		run().streams.length !== before.streams.length
	) {
		dropCharts();
		await show();
		return;
	}
	fill(byId("head"), head(run()));
	if (page.charts) await page.charts.grow(run());
}

function start() {
	shell();
	attempt(load);
	watch({
		changed: (events) => {
			if (events.some((e) => e.subject === id || e.job === page.run?.job)) attempt(refresh);
		},
		progress: (p) => {
			if (p.run !== id || !page.run) return;
			page.progress = p;
			fill(byId("progress"), liveLine(run()));
		},
		back: () => attempt(refresh),
	});
	setInterval(
		() => page.run && !isOver(page.run) && !document.hidden && attempt(refresh),
		LIVE_MS,
	);
}

start();
