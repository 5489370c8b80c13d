// SPDX-License-Identifier: Apache-2.0
// States and verdicts as glyph, word and colour, never colour alone.

import {h} from "./dom.js";

const VERDICTS = {
	pass: ["✓", "pass", "pass"],
	fail: ["✕", "fail", "fail"],
	inconclusive: ["≈", "inconclusive", "unsure"],
	none: ["·", "no verdict", "quiet"],
};

const STATES = {
	queued: ["…", "queued", "quiet"],
	assigned: ["▷", "assigned", "busy"],
	staging: ["▷", "staging", "busy"],
	running: ["▶", "running", "busy"],
	reattaching: ["↻", "reattaching", "busy"],
	collecting: ["▷", "collecting", "busy"],
	errored: ["!", "no result", "unsure"],
	cancelled: ["–", "cancelled", "quiet"],
	timed_out: ["!", "timed out", "unsure"],
};

const DEVICES = {
	ready: ["●", "ready", "pass"],
	leased: ["◆", "leased", "busy"],
	busy: ["▶", "busy", "busy"],
	cooling: ["❄", "cooling", "busy"],
	cleaning: ["↻", "cleaning", "busy"],
	preparing: ["↻", "preparing", "busy"],
	identifying: ["↻", "identifying", "busy"],
	detected: ["↻", "detected", "busy"],
	recovering: ["↻", "recovering", "unsure"],
	authorizing: ["!", "waits for a tap", "unsure"],
	needs_human: ["!", "needs a person", "fail"],
	quarantined: ["✕", "quarantined", "fail"],
	service: ["◆", "being serviced", "busy"],
	absent: ["○", "absent", "quiet"],
	retired: ["–", "retired", "quiet"],
};

function badge([glyph, word, tone], extra = "") {
	return h(
		"span",
		{class: `badge ${tone} ${extra}`},
		h("span", {class: "glyph", "aria-hidden": "true"}, glyph),
		word,
	);
}

export function isOver(run) {
	return ["completed", "errored", "cancelled", "timed_out"].includes(run.state);
}

function meaning(run) {
	if (run.state === "completed") return VERDICTS[run.verdict] || VERDICTS.none;
	return STATES[run.state] || ["?", run.state, "quiet"];
}

export const runTone = (run) => meaning(run)[2];
export const runGlyph = (run) => meaning(run)[0];
export const runWord = (run) => meaning(run)[1];
export const runBadge = (run, extra) => badge(meaning(run), extra);
export const verdictBadge = (v) => badge(VERDICTS[v] || ["?", String(v), "quiet"]);
export const deviceBadge = (state) => badge(DEVICES[state] || ["?", state, "quiet"]);
export const DEVICE_ORDER = Object.keys(DEVICES);

export function virtualMark(device) {
	return device && device.virtual
		? h(
				"span",
				{
					class: "tag virtual",
					title: "A virtual phone: what it measures proves nothing about a real one.",
				},
				"virtual",
			)
		: null;
}

/** Why a run ended as it did, in the server's words. */
export function why(run) {
	if (run.summary && run.summary.text && run.state === "completed") return run.summary.text;
	return run.cause || "";
}

/** The reason alone, behind the arithmetic: "… FAIL because X" → "X". */
export function reason(run) {
	const text = why(run),
		at = text.indexOf(" because ");
	return at < 0 ? text : text.slice(at + 9);
}

export function labels(run) {
	const env = run.summary && run.summary.environment;
	return ((env && env.labels) || []).map((l) => h("span", {class: "tag"}, l));
}
