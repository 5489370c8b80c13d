// SPDX-License-Identifier: Apache-2.0
// The panes of one attempt over one time axis: loading what is in view at the resolution of the
// screen, zooming (which loads again, with more detail), the common cursor, and the keyboard.

import {API, address, get} from "./api.js";
import {h} from "./dom.js";
import {panes} from "./groups.js";
import {Pane} from "./pane.js";
import {short} from "./format.js";

const AT_ONCE = 4; // requests under way; the live stream takes one of the browser's six
const LEAST_NS = 20e6; // closest zoom
const MARGIN_NS = 250e6; // loaded on both sides of the view, so that lines reach its edges
const MOST_BUCKETS = 2000;

export class Charts {
	/** on: {problem(fn), moved(fromNs, toNs)} */
	constructor(run, on) {
		this.run = run;
		this.on = on;
		this.whole = [0, Math.max(run.length_ns, 1)];
		this.view = [...this.whole];
		this.sync = window.uPlot.sync(`run-${run.id}`);
		const specs = panes(run.streams);
		this.panes = specs.map(
			(spec) =>
				new Pane(spec, run.phases, this.sync, {
					zoom: (from, to) => this.zoom(from, to),
					toggle: (pane) => this.on.problem(() => this.load([pane])),
					cursor: (s) => this.showCursor(s),
				}),
		);
		this.at = h("span", {class: "at quiet"}, "");
		this.said = h("p", {class: "visually-hidden", "aria-live": "polite"});
		this.el = this.frame();
		this.life = new AbortController();
		this.observe();
	}

	observe() {
		const {signal} = this.life,
			redraw = () => this.redraw();
		const sizes = new ResizeObserver(() => this.resized());
		sizes.observe(this.el);
		signal.addEventListener("abort", () => sizes.disconnect());
		for (const query of [
			"(prefers-color-scheme: dark)",
			`(resolution: ${devicePixelRatio}dppx)`,
		])
			matchMedia(query).addEventListener("change", redraw, {signal});
	}

	/** The page shows other charts from now on. */
	close() {
		this.life.abort();
		this.abort?.abort();
		this.panes.forEach((p) => p.chart?.destroy());
	}

	frame() {
		const button = (text, title, fn) => h("button", {type: "button", title, onclick: fn}, text);
		return h(
			"figure",
			{
				class: "panel charts",
				tabindex: "0",
				role: "group",
				id: "charts",
				"aria-label":
					"Latency and counters over time. Arrow keys move the cursor, plus and minus " +
					"zoom, zero shows all. The numbers are in the table below.",
				onkeydown: (e) => this.key(e),
			},
			h(
				"div",
				{class: "chartbar"},
				this.at,
				h("span", {class: "quiet"}, "Drag to zoom, double-click for all."),
				h(
					"span",
					{class: "buttons"},
					button("−", "Zoom out", () => this.scale(2)),
					button("+", "Zoom in", () => this.scale(0.5)),
					button("Show all", "Show the whole attempt", () => this.zoom(...this.whole)),
				),
			),
			this.panes.map((p) => p.el),
			this.said,
			h(
				"figcaption",
				{},
				"Lines are means; bands reach from the least to the greatest value of each ",
				"point in time. Red bars and the red ticks at the bottom mark frames over the budget.",
			),
		);
	}

	/* ---- loading ---- */

	buckets() {
		return Math.max(100, Math.min(MOST_BUCKETS, Math.round(this.el.clientWidth - 90)));
	}

	series(line, signal) {
		const from = Math.max(this.view[0] - MARGIN_NS, 0),
			to = this.view[1] + MARGIN_NS;
		return get(
			address(`${API}/runs/${this.run.id}/series`, {
				stream: line.stream.name,
				attempt: this.run.shown_attempt,
				from: Math.floor(from),
				to: Math.ceil(to) + 1,
				buckets: this.buckets(),
			}),
			signal,
		);
	}

	/** Loads what is in view for these panes (all of them without), and shows each when it is there. */
	async load(only) {
		const list = only || this.panes;
		if (!only) this.abort?.abort();
		if (!only || !this.abort) this.abort = new AbortController();
		const {signal} = this.abort,
			view = [...this.view];
		const jobs = list.flatMap((pane) => {
			pane.el.classList.add("loading");
			const got = new Map(),
				lines = pane.drawn();
			let left = lines.length;
			const done = () => {
				pane.show(got, ...view);
				pane.el.classList.remove("loading");
			};
			if (!left) done();
			return lines.map((line) => async () => {
				got.set(line, await this.series(line, signal));
				if (!--left) done();
			});
		});
		await Promise.all(
			Array.from({length: AT_ONCE}, async () => {
				while (jobs.length) await jobs.shift()();
			}),
		);
		if (this.cursor !== null && this.cursor !== undefined)
			this.panes.forEach((p) => p.setCursor(this.cursor));
		this.el.dataset.view = view.map(Math.round).join("-");
	}

	/** Every drawn line with what was loaded for it: [[line, series]]. */
	all() {
		return this.panes.flatMap((p) => (p.series ? [...p.series] : []));
	}

	redraw() {
		for (const pane of this.panes)
			if (pane.series) {
				pane.restyle();
				pane.show(pane.series, pane.range[0] * 1e9, pane.range[1] * 1e9);
			}
	}

	resized() {
		if (this.width === this.el.clientWidth) return;
		this.width = this.el.clientWidth;
		this.panes.forEach((p) => p.resize());
	}

	/* ---- zooming ---- */

	zoom(from, to) {
		const middle = (from + to) / 2,
			half = Math.max((to - from) / 2, LEAST_NS / 2);
		this.view = [
			Math.max(middle - half, this.whole[0]),
			Math.min(middle + half, this.whole[1]),
		];
		this.on.moved(...this.view);
		return this.on.problem(() => this.load());
	}

	scale(by) {
		const [from, to] = this.view,
			middle =
				this.cursor === null || this.cursor === undefined
					? (from + to) / 2
					: this.cursor * 1e9;
		this.zoom(middle - (middle - from) * by, middle + (to - middle) * by);
	}

	isWhole() {
		return this.view[0] === this.whole[0] && this.view[1] === this.whole[1];
	}

	/** The attempt has grown. */
	grow(run) {
		const follow = this.isWhole();
		this.whole = [0, Math.max(run.length_ns, 1)];
		if (follow) this.view = [...this.whole];
		return this.load();
	}

	/* ---- the cursor ---- */

	showCursor(seconds) {
		this.cursor = seconds;
		this.at.textContent = seconds === null ? "" : `at ${seconds.toFixed(3)} s`;
	}

	move(seconds) {
		const to = Math.min(Math.max(seconds, this.view[0] / 1e9), this.view[1] / 1e9);
		this.panes.forEach((p) => p.setCursor(to));
		this.showCursor(to);
		this.said.textContent = this.sentence(to);
	}

	sentence(seconds) {
		const parts = this.panes
			.flatMap((p) =>
				p.drawn().map((line) => {
					const b = p.bucketAt(line, seconds);
					if (!b) return null;
					const over = b.over ? `, ${b.over} of ${b.n} over budget` : "";
					return `${line.stream.name} ${short(p.spec.latency ? b.max : b.mean)} ${p.spec.unit}${over}`;
				}),
			)
			.filter(Boolean);
		return `at ${seconds.toFixed(2)} s: ${parts.join("; ") || "nothing"}`;
	}

	key(e) {
		const span = (this.view[1] - this.view[0]) / 1e9,
			step = span / (e.shiftKey ? 10 : 100);
		const at = this.cursor ?? this.view[0] / 1e9 + span / 2;
		const keys = {
			ArrowLeft: () => this.move(at - step),
			ArrowRight: () => this.move(at + step),
			Home: () => this.move(this.view[0] / 1e9),
			End: () => this.move(this.view[1] / 1e9),
			"+": () => this.scale(0.5),
			"=": () => this.scale(0.5),
			"-": () => this.scale(2),
			0: () => this.zoom(...this.whole),
			Escape: () => this.zoom(...this.whole),
		};
		if (e.target !== this.el || e.ctrlKey || e.metaKey || e.altKey || !keys[e.key]) return;
		e.preventDefault();
		keys[e.key]();
	}
}
