// SPDX-License-Identifier: Apache-2.0
// The runs page: the matrix of latest verdicts, and the list with its filters. Filters stand in the
// address, so that a view can be sent to somebody.

import {API, address, get, send} from "./api.js";
import {budgetBar} from "./bar.js";
import {byId, fill, h, jobLink, runLink, table} from "./dom.js";
import {ago, count, date, ms, percent} from "./format.js";
import {watch} from "./live.js";
import {showMatrix} from "./matrix.js";
import {attempt, shell} from "./shell.js";
import {
	isOver,
	labels,
	reason,
	runBadge,
	runTone,
	verdictBadge,
	virtualMark,
	why,
} from "./verdict.js";

const PAGE = 50;
const MATRIX_RUNS = 200; // so far back the matrix looks
const STATES = [
	"queued",
	"running",
	"collecting",
	"completed",
	"errored",
	"cancelled",
	"timed_out",
];

const state = {runs: [], next: null, progress: new Map()};
const form = byId("filters");

/* ---- the address ---- */

function filters() {
	return Object.fromEntries(new FormData(form));
}

function fromAddress() {
	const params = new URLSearchParams(location.search);
	for (const field of form.elements) if (field.name) field.value = params.get(field.name) || "";
}

function toAddress() {
	history.replaceState(null, "", address("/", filters()));
}

function matches(run) {
	const q = filters().q.trim().toLowerCase();
	const hay = [
		run.id,
		run.job,
		run.job_name,
		run.model,
		run.variant,
		run.device && run.device.name,
		run.device && run.device.model,
		why(run),
	]
		.join(" ")
		.toLowerCase();
	return q.split(/\s+/).every((word) => hay.includes(word));
}

/* ---- the list ---- */

function progressCell(run) {
	const p = state.progress.get(run.id) || run.progress;
	if (!p)
		return h(
			"span",
			{class: "quiet"},
			run.state === "queued" ? "waits for a device" : "starting…",
		);
	return h(
		"span",
		{class: "progress", id: `progress-${run.id}`},
		h("progress", {max: "1000", value: p.permille, "aria-label": `${p.phase}`}),
		h(
			"span",
			{},
			`${p.phase.replaceAll("_", " ")} · ${count(p.iterations)} runs`,
			p.over_budget ? ` · ${count(p.over_budget)} over` : "",
			p.hottest_mc === null ? "" : ` · ${(p.hottest_mc / 1000).toFixed(1)} °C`,
		),
	);
}

function latency(run) {
	const s = run.summary;
	if (!isOver(run)) return progressCell(run);
	if (!s || (s.p50_ns === null && s.p99_ns === null && s.value_ns === null))
		return h("span", {class: "quiet"}, "not measured");
	return [
		budgetBar(s, runTone(run)),
		h(
			"span",
			{class: "num"},
			ms(s.p50_ns),
			" / ",
			h("b", {}, ms(s.p99_ns ?? s.value_ns)),
			s.budget_ns ? h("span", {class: "quiet"}, ` of ${ms(s.budget_ns, 0)} ms`) : " ms",
		),
	];
}

function overCell(run) {
	const s = run.summary;
	if (!s || s.over === null || s.over === undefined) return "";
	return h(
		"span",
		{class: s.over && run.verdict !== "pass" ? "num over" : "num quiet"},
		count(s.over),
		h("small", {}, " ", percent(s.over, s.n)),
	);
}

const columns = [
	{title: "Run", head: true, class: "id", cell: (r) => runLink(r.id, r.id)},
	{title: "Verdict", cell: (r) => runLink(r.id, runBadge(r))},
	{
		title: "Model · variant",
		class: "model",
		cell: (r) => [
			h("span", {class: "name"}, r.model || r.job_name),
			h("small", {class: "quiet"}, r.variant),
		],
	},
	{
		title: "Device",
		class: "on",
		cell: (r) =>
			r.device
				? [
						h("span", {class: "name"}, r.device.name),
						h("small", {class: "quiet"}, r.device.model),
						virtualMark(r.device),
					]
				: h("span", {class: "quiet"}, isOver(r) ? "none" : "none yet"),
	},
	{title: "p50 / p99", class: "latency", cell: latency},
	{title: "Over", class: "right", cell: overCell},
	{
		title: "Why",
		class: "why",
		cell: (r) => [
			h("span", {title: why(r), class: r.verdict === "pass" ? "quiet" : null}, reason(r)),
			labels(r),
		],
	},
	{title: "Job", class: "once", cell: (r) => jobLink(r.job, r.job_name || r.job)},
	{
		title: "When",
		class: "when",
		cell: (r) =>
			h(
				"time",
				{datetime: r.ended_at || r.queued_at, title: date(r.ended_at || r.queued_at)},
				ago(r.ended_at || r.queued_at),
			),
	},
];

function showList() {
	const shown = state.runs.filter(matches);
	table(byId("runs"), columns, shown, (r) => ({class: `tone-${runTone(r)}`, "data-run": r.id}));
	byId("count").textContent = state.runs.length
		? `${shown.length} of ${state.runs.length}${state.next ? "+" : ""} shown`
		: "";
	if (!shown.length)
		fill(
			byId("runs"),
			h(
				"tbody",
				{},
				h(
					"tr",
					{},
					h(
						"td",
						{class: "quiet"},
						state.runs.length ? "No loaded run has this text." : "No runs yet.",
					),
				),
			),
		);
	byId("more").hidden = !state.next;
}

function query(more) {
	const {verdict, state: runState, device, job} = filters();
	return {view: "summary", limit: PAGE, verdict, state: runState, device, job, ...more};
}

async function load(cursor) {
	const page = await get(address(`${API}/runs`, query({cursor})));
	state.runs = cursor ? state.runs.concat(page.runs) : page.runs;
	state.next = page.next;
	showList();
}

async function loadMatrix() {
	const {runs} = await get(
		address(`${API}/runs`, query({limit: MATRIX_RUNS, verdict: "", state: ""})),
	);
	const {device, job} = filters();
	showMatrix(byId("now"), runs, Boolean(device || job));
}

/* A newer first page, without losing older ones that were loaded. */
async function refresh() {
	const page = await get(address(`${API}/runs`, query({})));
	const fresh = new Map(page.runs.map((r) => [r.id, r]));
	state.runs = page.runs.concat(
		state.runs.filter(
			(r) =>
				!fresh.has(r.id) &&
				page.runs.length &&
				Number(r.id.slice(1)) < Number(page.runs.at(-1).id.slice(1)),
		),
	);
	state.next ||= page.next;
	showList();
}

/* ---- the job that was asked for ---- */

async function loadJob() {
	const {job} = filters(),
		el = byId("job");
	if (!job) el.hidden = true;
	if (!job) return;
	const j = await get(`${API}/jobs/${encodeURIComponent(job)}`);
	const over = Boolean(j.ended_at);
	fill(
		el,
		h(
			"div",
			{class: "jobline"},
			h("h2", {}, `Job ${j.id}: ${j.name}`),
			over ? verdictBadge(j.verdict) : h("span", {class: "badge busy"}, j.state),
			h(
				"span",
				{},
				`${j.n_ended} of ${j.n_runs} runs ended`,
				j.n_failed ? `, ${j.n_failed} without a result` : "",
			),
			over
				? h("span", {class: "quiet"}, `exit code ${j.exit_code}`)
				: h(
						"button",
						{type: "button", class: "plain", onclick: cancelJob},
						"Cancel this job",
					),
			j.state === "paused" || j.state === "errored"
				? h(
						"button",
						{type: "button", class: "plain", onclick: retryJob},
						over ? "Submit it again" : "Let it go on",
					)
				: null,
			h("a", {href: "/"}, "Show all jobs"),
		),
		h(
			"p",
			{class: "quiet"},
			[j.branch, j.commit, `by ${j.actor}`, `submitted ${ago(j.submitted_at)}`, j.cause]
				.filter(Boolean)
				.join(" · "),
			" ",
			Object.entries(j.labels || {}).map(([k, v]) => h("span", {class: "tag"}, `${k}=${v}`)),
		),
	);
	el.hidden = false;
}

function cancelJob() {
	attempt(async () => {
		await send("POST", `${API}/jobs/${encodeURIComponent(filters().job)}/cancel`, {});
		await loadJob();
	});
}

/* One that has ended comes again as a new job, which is shown then. */
function retryJob() {
	attempt(async () => {
		const id = filters().job;
		const job = await send("POST", `${API}/jobs/${encodeURIComponent(id)}/retry`, {});
		if (job.id === id) await loadJob();
		else location.assign(`/?job=${encodeURIComponent(job.id)}`);
	});
}

async function loadDevices() {
	const {devices} = await get(`${API}/devices?limit=200`);
	const select = form.elements.device,
		wanted = new URLSearchParams(location.search).get("device");
	for (const d of devices) select.append(h("option", {value: d.id}, `${d.name} (${d.model})${d.virtual ? ", virtual" : ""}`));
	select.value = wanted || "";
}

/* ---- together ---- */

const reload = () => attempt(() => Promise.all([load(), loadMatrix(), loadJob()]));

function onProgress(p) {
	const run = state.runs.find((r) => r.id === p.run);
	state.progress.set(p.run, p);
	if (!run || isOver(run)) return;
	const cell = document.querySelector(`tr[data-run="${run.id}"] .latency`);
	if (cell) fill(cell, progressCell(run));
}

async function start() {
	for (const s of STATES)
		form.elements.state.append(h("option", {value: s}, s.replaceAll("_", " ")));
	shell();
	fromAddress();
	await attempt(loadDevices);
	await reload();
	form.addEventListener("submit", (e) => e.preventDefault());
	form.addEventListener("reset", () =>
		setTimeout(() => {
			form.elements.job.value = "";
			toAddress();
			reload();
		}),
	);
	form.addEventListener("change", () => {
		toAddress();
		reload();
	});
	form.elements.q.addEventListener("input", () => {
		toAddress();
		showList();
	});
	byId("more").addEventListener("click", () => attempt(() => load(state.next)));
	watch({
		changed: (events) =>
			attempt(async () => {
				await refresh();
				if (events.some((e) => e.topic === "run" && e.to === "completed"))
					await loadMatrix();
				await loadJob();
			}),
		progress: onProgress,
		back: reload,
	});
	setInterval(showList, 60000); // "5 min ago" grows older
}

start();
