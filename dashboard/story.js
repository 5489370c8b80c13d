// SPDX-License-Identifier: Apache-2.0
// What the counters show about slow frames, in a sentence: when a model began to be slow, and what
// the device's clocks and temperatures did by then. It tells what happened together, not what
// caused what; the verdict is the server's.

import {count, short, shownUnit} from "./format.js";

const AHEAD_S = 5; // slow "from then on": most frames of so long are over
const SETTLE_S = 2; // averaged on each side
const FELL = 0.1; // a clock that lost less is not worth a word
const ROSE_MC = 3000; // nor a temperature that gained less

const seconds = (ns) => ns / 1e9;

/** First time from which on most frames of the next seconds are over; null: never. */
function onset(s) {
	for (let i = 0; i < s.t.length; i++) {
		let n = 0,
			over = 0;
		if (!s.over[i]) continue;
		for (let k = i; k < s.t.length && s.t[k] < s.t[i] + AHEAD_S * 1e9; k++) {
			n += s.n[k];
			over += s.over[k];
		}
		if (over > n / 2) return s.t[i];
	}
	return null;
}

function mean(s, from, to) {
	let sum = 0,
		n = 0;
	for (let i = 0; i < s.t.length; i++)
		if (s.t[i] >= from && s.t[i] < to) {
			sum += s.mean[i] * s.n[i];
			n += s.n[i];
		}
	return n ? sum / n : null;
}

function change(line, s, begin, at) {
	const {name, unit, scale} = line.stream;
	const before = mean(s, begin - SETTLE_S * 1e9, begin + SETTLE_S * 1e9);
	const after = mean(s, at, at + SETTLE_S * 1e9);
	const shown = shownUnit(unit, before);
	if (before === null || after === null) return null;
	if (unit === "Hz" ? after > before * (1 - FELL) : (after - before) / scale < ROSE_MC)
		return null;
	const value = (v) => short(Number(((v * shown.factor) / scale).toFixed(2)));
	return `${name} ${unit === "Hz" ? "fell" : "rose"} from ${value(before)} to ${value(after)} ${shown.unit}`;
}

/** all: [[line, series]] of the whole attempt → a sentence, or null when no frame was over. */
export function story(all) {
	const slow = all.filter(([line, s]) => s.budget_ns && line.stream.over);
	if (!slow.length) return null;
	slow.sort(([, a], [, b]) => a.t[0] - b.t[0]);
	const [line, s] = slow.find(([, one]) => onset(one) !== null) || slow[0];
	const at = onset(s),
		{over, n, name} = line.stream;
	if (at === null)
		return (
			`${count(over)} of ${count(n)} frames of ${name} were over the budget, scattered: at no ` +
			"time were most of them."
		);
	const begin = Math.min(...all.filter(([, one]) => one.budget_ns).map(([, one]) => one.t[0]));
	const changes = all
		.filter(([l]) => ["Hz", "mC"].includes(l.stream.unit))
		.map(([l, one]) => change(l, one, begin, at))
		.filter(Boolean);
	if (at - begin < SETTLE_S * 1e9)
		return (
			`It was over the budget from the first timed frames on, ${short(seconds(at))} s into the ` +
			"attempt: neither heat nor clocks had changed yet."
		);
	return (
		`It kept the budget until ${short(Number(seconds(at).toFixed(1)))} s and was mostly over it from ` +
		`then on. ${
			changes.length
				? `By then ${changes.join(", ")}.`
				: "No clock had fallen and no temperature had risen much by then."
		}`
	);
}
