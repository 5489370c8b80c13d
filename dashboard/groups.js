// SPDX-License-Identifier: Apache-2.0
// Which streams of an attempt stand together in one pane, and which of them are drawn at first: one
// unit a pane, and no more lines than can be told apart.

import {shownUnit} from "./format.js";

const LATENCY = ["paced", "sustained", "iterations", "exec"];
const COLORS = 8;
const DRAWN = 4; // of one pane, at first

const of =
	(...units) =>
	(s) =>
		units.includes(s.unit);
const FAMILIES = [
	{title: "Temperature", is: of("mC", "C"), height: 150},
	{title: "Clocks", is: of("Hz"), height: 120},
	{title: "Load", is: of("%"), height: 120},
	{title: "Memory", is: (s) => s.unit === "B" && s.name.startsWith("mem."), height: 110},
	{title: "The runner's memory", is: of("B"), height: 110},
	{title: "Power", is: of("uW"), height: 110},
	{title: "Current", is: of("uA"), height: 110},
	{title: "Voltage", is: of("uV"), height: 110},
];

function isLatency(stream) {
	return LATENCY.includes(stream.kind);
}

/** What a person wants to see first: totals and what is hottest or largest, not each core. */
function weight(stream) {
	if (/^cpu\.\d+\./.test(stream.name)) return 3;
	if (/soc|pkg|package|cpu|skin|battery|busy|available/.test(stream.name)) return 0;
	return /cap|max|min|online|free/.test(stream.name) ? 2 : 1;
}

function latencyPane(streams) {
	const list = streams.filter(isLatency);
	if (!list.length) return null;
	return {
		title: "Latency",
		latency: true,
		fit: false,
		height: 300,
		unit: "ms",
		budget: Math.max(...list.map((s) => s.budget_ns || 0)) / 1e6 || null,
		lines: list.map((stream) => ({stream, drawn: stream.kind !== "exec", factor: 1e-6})),
	};
}

/* open: some of its lines are drawn at first; else only its head stands there, to draw them by. */
function counterPane(title, height, list, open) {
	const {unit} = shownUnit(list[0].unit, guessMost(list[0]));
	const sorted = [...list].sort(
		(a, b) => weight(a) - weight(b) || a.name.localeCompare(b.name, "en", {numeric: true}),
	);
	return {
		title,
		height,
		unit,
		latency: false,
		budget: null,
		axis: !open,
		lines: sorted.map((stream, i) => ({
			stream,
			drawn: open && i < DRAWN && stream.n > 0,
			factor: shownUnit(stream.unit, guessMost(stream)).factor / stream.scale,
		})),
	};
}

/* A pane has one unit, chosen before its values are known. */
function guessMost(stream) {
	return stream.unit === "Hz" || stream.name.startsWith("mem.") ? 1e9 : 1;
}

/** Panes from top to bottom. Of those that are drawn at first, the first and the last have a time axis. */
export function panes(streams) {
	const out = [latencyPane(streams)];
	let left = streams.filter((s) => s.kind === "counter");

	for (const f of FAMILIES) {
		const list = left.filter(f.is);
		left = left.filter((s) => !f.is(s));
		if (list.length) out.push(counterPane(f.title, f.height, list, true));
	}
	const drawn = out.filter(Boolean);
	if (drawn.length) drawn[0].axis = drawn.at(-1).axis = true;
	for (const list of groupBy(left, family).values())
		drawn.push(counterPane(firstWord(list[0]), 100, list, false));
	return drawn.map(color);
}

/* What is of no known family stands with what has its first word and unit. */
const firstWord = (stream) => stream.name.split(".")[0];
const family = (stream) => `${firstWord(stream)} ${stream.unit}`;

function groupBy(list, key) {
	const map = new Map();
	for (const item of list) map.set(key(item), (map.get(key(item)) || []).concat(item));
	return map;
}

function color(pane) {
	pane.lines.forEach((line, i) => {
		line.color = `--s${(i % COLORS) + 1}`;
		line.dash = i >= COLORS ? [4, 3] : undefined;
	});
	return pane;
}
