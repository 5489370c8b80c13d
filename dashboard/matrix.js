// SPDX-License-Identifier: Apache-2.0
// The one look: for each model (rows) on each device (columns) its latest verdict, how far its p99
// is from the budget, and since when it has been failing. What is worst stands first.

import {fill, h, runLink} from "./dom.js";
import {ago, date, ms, percent} from "./format.js";
import {isOver, labels, reason, runGlyph, runTone, runWord, virtualMark} from "./verdict.js";

function ratio(run) {
	const s = run.summary;
	return s && s.budget_ns && s.p99_ns ? s.p99_ns / s.budget_ns : 0;
}

/** runs: newest first. → {rows: [{model, variant, worst, cells: Map(device id → cell)}], devices} */
function arrange(runs) {
	const rows = new Map(),
		devices = new Map();

	for (const run of runs) {
		if (!run.device || run.state !== "completed") continue;
		const key = `${run.model}\n${run.variant}`;
		const row = rows.get(key) || {
			model: run.model,
			variant: run.variant,
			worst: 0,
			fails: 0,
			cells: new Map(),
		};
		const cell = row.cells.get(run.device.id);
		rows.set(key, row);
		if (!cell) {
			row.cells.set(run.device.id, {run, since: run, open: run.verdict === "fail"});
			row.worst = Math.max(row.worst, ratio(run));
			row.fails += run.verdict === "fail";
			const device = devices.get(run.device.id) || {...run.device, worst: 0, fails: 0};
			device.worst = Math.max(device.worst, ratio(run));
			device.fails += run.verdict === "fail";
			devices.set(run.device.id, device);
		} else if (cell.open && run.verdict === "fail") {
			cell.since = run; // it failed before that, too
		} else {
			cell.open = false;
		}
	}
	const worst = (a, b) => b.fails - a.fails || b.worst - a.worst;
	return {rows: [...rows.values()].sort(worst), devices: [...devices.values()].sort(worst)};
}

function since(cell) {
	if (cell.run.verdict !== "fail") return null;
	return h(
		"span",
		{class: "since", title: date(cell.since.ended_at)},
		`${cell.open ? "since before " : "since "}${ago(cell.since.ended_at)}`,
	);
}

/** Slow always, or only now and then: the first question behind a verdict. */
function slowness(s) {
	if (!s.budget_ns || !s.over) return null;
	if (s.p50_ns > s.budget_ns) return `always: p50 is ${ms(s.p50_ns)} ms`;
	return `${percent(s.over, s.n)} of frames over`;
}

function showCell(cell) {
	if (!cell) return h("td", {class: "empty"}, h("small", {class: "quiet"}, "not run"));
	const {run} = cell,
		s = run.summary || {};
	const value = s.p99_ns ?? s.value_ns;
	return h(
		"td",
		{class: `cell ${runTone(run)}`, title: `${runWord(run)}: ${reason(run)}`},
		runLink(
			run.id,
			h(
				"span",
				{class: "verdict"},
				h("span", {class: "glyph", "aria-hidden": "true"}, runGlyph(run)),
				runWord(run),
			),
			h("span", {class: "value"}, ms(value), h("small", {}, " ms p99")),
		),
		h(
			"span",
			{class: "notes"},
			run.verdict === "pass" ? null : h("span", {class: "slow"}, slowness(s)),
			since(cell),
			" ",
			labels(run),
		),
	);
}

/** selected: runs are only some of those that there are. */
export function showMatrix(el, runs, selected) {
	const {rows, devices} = arrange(runs.filter(isOver));

	if (!rows.length) {
		fill(
			el,
			h(
				"tbody",
				{},
				h(
					"tr",
					{},
					h(
						"td",
						{class: "quiet"},
						selected
							? "None of these runs has been judged yet."
							: [
									"Nothing has been judged yet. Submit a job with ",
									h("code", {}, "framefarm run JOB.json"),
									".",
								],
					),
				),
			),
		);
		return;
	}
	fill(
		el,
		h(
			"thead",
			{},
			h(
				"tr",
				{},
				h("th", {scope: "col"}, "model · variant"),
				devices.map((d) =>
					h(
						"th",
						{scope: "col"},
						h("span", {class: "name"}, d.name),
						h("small", {class: "quiet"}, d.model),
						virtualMark(d),
					),
				),
			),
		),
		h(
			"tbody",
			{},
			rows.map((row) =>
				h(
					"tr",
					{},
					h(
						"th",
						{scope: "row"},
						h("span", {class: "name"}, row.model || "model"),
						h("small", {class: "quiet"}, row.variant),
					),
					devices.map((d) => showCell(row.cells.get(d.id))),
				),
			),
		),
	);
}
