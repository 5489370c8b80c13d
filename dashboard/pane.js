// SPDX-License-Identifier: Apache-2.0
// One pane: a chart of one unit over the common time axis. A line is the mean of each bucket, the
// soft band behind it reaches from the bucket's least to its greatest value, so that no slow frame
// hides in an average. Over the budget stands a red bar at each bucket that has such frames.

import {align, column} from "./align.js";
import {fill, h} from "./dom.js";
import {short} from "./format.js";

const PAD = [8, 12, 8, 0];
const AXIS_W = 58;
const TIMED = ["paced", "back_to_back", "sustained"];
const FEW = 160; // points in view that are drawn as such
const PEAK = 4; // times the budget: what is slower is drawn at the edge

const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/* A soft version of a colour of ours, for bands. */
function soft(color, alpha) {
	return `${color}${Math.round(alpha * 255)
		.toString(16)
		.padStart(2, "0")}`;
}

export class Pane {
	/** spec: see groups.js. on: {zoom(fromNs, toNs), toggle()}. */
	constructor(spec, phases, sync, on) {
		this.spec = spec;
		this.phases = phases;
		this.sync = sync;
		this.on = on;
		this.keys = new Map();
		this.head = h("div", {class: "head"});
		this.body = h("div", {class: "chart"});
		this.el = h("div", {class: "pane"}, this.head, this.body);
		this.showHead();
	}

	drawn() {
		return this.spec.lines.filter((l) => l.drawn);
	}

	/* ---- the head: what each colour means, its value at the cursor, and a switch ---- */

	showHead() {
		fill(
			this.head,
			h("h3", {}, this.spec.title, this.spec.unit ? ` (${this.spec.unit})` : ""),
			this.spec.lines.map((line) => this.key(line)),
			this.spec.budget &&
				h(
					"span",
					{class: "key", vars: {"--color": "var(--budget)"}},
					`budget ${short(this.spec.budget)} ms`,
				),
			this.spec.budget &&
				h("span", {class: "key fill", vars: {"--color": "var(--fail)"}}, "over budget"),
			this.spec.budget && this.fitButton(),
		);
	}

	/* A model that is far below its budget is a flat line beside it. */
	fitButton() {
		return h(
			"button",
			{
				class: "fit",
				type: "button",
				"aria-pressed": "false",
				title: "Let the axis follow the data, even if the budget is then out of sight",
				onclick: (e) => {
					this.spec.fit = !this.spec.fit;
					e.currentTarget.setAttribute("aria-pressed", String(this.spec.fit));
					this.chart?.redraw(true, true);
				},
			},
			"fit to data",
		);
	}

	key(line) {
		const value = h("b", {}, "");
		this.keys.set(line, value);
		return h(
			"button",
			{
				class: "key",
				type: "button",
				"aria-pressed": String(line.drawn),
				title: `${line.stream.source} · ${line.stream.n} values`,
				vars: {"--color": `var(${line.color})`},
				onclick: (e) => {
					line.drawn = !line.drawn;
					e.currentTarget.setAttribute("aria-pressed", String(line.drawn));
					this.on.toggle(this);
				},
			},
			line.stream.name,
			value,
		);
	}

	/* ---- data ---- */

	/** series: Map(line → answer of /series), for the drawn lines. */
	show(series, fromNs, toNs) {
		this.series = series;
		this.range = [fromNs / 1e9, toNs / 1e9];
		const lines = this.drawn().filter((l) => series.has(l));
		const {x, at} = align(lines.map((l) => series.get(l)));
		const data = [Array.from(x, (ns) => ns / 1e9)];
		this.over = [];
		lines.forEach((line, i) => {
			const s = series.get(line);
			const value = (v) => v * line.factor;
			data.push(
				column(at[i], s.max, value),
				column(at[i], s.min, value),
				column(at[i], s.mean, value),
			);
			if (this.spec.budget) this.noteOver(s, line);
		});
		this.build(lines, data);
	}

	noteOver(s, line) {
		for (let i = 0; i < s.t.length; i++)
			if (s.over[i])
				this.over.push({t: s.t[i] / 1e9, max: s.max[i] * line.factor, n: s.over[i]});
	}

	build(lines, data) {
		this.body.hidden = !lines.length;
		const width = this.body.clientWidth || 800;
		const same =
			this.chart &&
			!this.stale &&
			lines.length === this.lines.length &&
			lines.every((line, i) => line === this.lines[i]);
		if (same) {
			this.chart.setData(data);
			return;
		}
		this.lines = lines;
		this.stale = false;
		this.chart?.destroy();
		this.body.replaceChildren();
		this.chart = new window.uPlot(this.options(lines, width), data, this.body);
	}

	resize() {
		if (this.chart) this.chart.setSize({width: this.body.clientWidth, height: this.height()});
	}

	height() {
		return this.spec.height + (this.spec.axis ? 26 : 0);
	}

	/* ---- how it looks ---- */

	options(lines, width) {
		const grid = {stroke: css("--line"), width: 1};
		const ink = css("--quiet"),
			font = "11px system-ui, sans-serif";
		return {
			width,
			height: this.height(),
			padding: PAD,
			legend: {show: false},
			cursor: {
				sync: {key: this.sync.key, setSeries: false},
				drag: {x: true, y: false, setScale: false, dist: 4},
				points: {show: false},
				focus: {prox: -1},
				y: false,
			},
			scales: {
				x: {time: false, range: () => this.range},
				y: {range: (u, min, max) => this.yRange(min, max)},
			},
			axes: [
				{
					stroke: ink,
					font,
					grid,
					ticks: grid,
					show: this.spec.axis,
					size: 30,
					values: (u, ticks) => ticks.map((v) => `${Number(v.toFixed(3))} s`),
				},
				{
					stroke: ink,
					font,
					grid,
					ticks: grid,
					size: AXIS_W,
					space: 26,
					values: (u, ticks) => ticks.map((v) => short(v)),
				},
			],
			series: [{}, ...lines.flatMap((line) => this.lineSeries(line))],
			bands: lines.flatMap((line, i) => [
				{series: [3 * i + 1, 3 * i + 2], fill: soft(css(line.color), 0.22)},
			]),
			hooks: {
				drawClear: [(u) => this.drawPhases(u)],
				draw: [(u) => this.drawBudget(u)],
				setSelect: [(u) => this.select(u)],
				setCursor: [(u) => this.values(u)],
			},
		};
	}

	lineSeries(line) {
		const color = css(line.color),
			edge = {width: 0, stroke: "transparent", points: {show: false}, spanGaps: false};
		return [
			edge,
			edge,
			{
				stroke: color,
				width: 1.4,
				dash: line.dash,
				spanGaps: false,
				points: {show: (u, i, from, to) => to - from < FEW, size: 4, fill: color},
			},
		];
	}

	yRange(min, max) {
		if (this.spec.latency) {
			const budget = this.spec.budget;
			if (!budget || this.spec.fit) return [0, (max || 1) * 1.08];
			return [0, Math.max(budget * 1.25, Math.min((max || 0) * 1.06, budget * PEAK))];
		}
		if (min === null || max === null) return [0, 1];
		if (this.spec.unit === "%") return [Math.min(0, min), Math.max(100, max)];
		const pad = Math.max((max - min) * 0.08, Math.abs(max) * 0.01, 1e-9);
		return [min - pad, max + pad];
	}

	/* ---- what is drawn besides lines ---- */

	drawPhases(u) {
		const {ctx, bbox} = u,
			ratio = devicePixelRatio;
		ctx.save();
		ctx.beginPath();
		ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
		ctx.clip();
		ctx.font = `${11 * ratio}px system-ui, sans-serif`;
		ctx.textBaseline = "top";
		ctx.textAlign = "left";
		this.phases.forEach((p, i) => {
			const left = u.valToPos(p.from_ns / 1e9, "x", true);
			const right = u.valToPos(p.to_ns / 1e9, "x", true);
			if (TIMED.includes(p.phase) || i % 2) {
				ctx.fillStyle = css(TIMED.includes(p.phase) ? "--band-strong" : "--band");
				ctx.fillRect(left, bbox.top, right - left, bbox.height);
			}
			this.labelPhase(u, p, left, right, ratio);
		});
		ctx.restore();
	}

	labelPhase(u, p, left, right, ratio) {
		const {ctx, bbox} = u,
			name = p.phase.replaceAll("_", " ");
		const from = Math.max(left, bbox.left) + 5 * ratio;
		if (
			!this.spec.latency ||
			Math.min(right, bbox.left + bbox.width) - from < ctx.measureText(name).width
		)
			return;
		ctx.fillStyle = css("--quiet");
		ctx.fillText(name, from, bbox.top + 4 * ratio);
	}

	drawBudget(u) {
		if (!this.spec.budget) return;
		const {ctx, bbox} = u,
			ratio = devicePixelRatio;
		const y = u.valToPos(this.spec.budget, "y", true),
			w = Math.max(1.5 * ratio, bbox.width / 900);
		ctx.save();
		ctx.beginPath();
		ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
		ctx.clip();
		ctx.fillStyle = css("--fail");
		for (const mark of this.over) {
			ctx.globalAlpha = 0.7; // the line shows through
			const x = u.valToPos(mark.t, "x", true);
			const top = Math.max(u.valToPos(mark.max, "y", true), bbox.top);
			ctx.fillRect(x, top, w, y - top);
			ctx.globalAlpha = 1;
			ctx.fillRect(x, bbox.top + bbox.height - 5 * ratio, w, 5 * ratio);
		}
		ctx.strokeStyle = css("--budget");
		ctx.lineWidth = 1.6 * ratio;
		ctx.setLineDash([7 * ratio, 4 * ratio]);
		ctx.beginPath();
		ctx.moveTo(bbox.left, y);
		ctx.lineTo(bbox.left + bbox.width, y);
		ctx.stroke();
		ctx.restore();
	}

	/* ---- pointing ---- */

	select(u) {
		const {left, width} = u.select;
		if (width < 4) return;
		const from = u.posToVal(left, "x"),
			to = u.posToVal(left + width, "x");
		u.setSelect({left: 0, top: 0, width: 0, height: 0}, false);
		this.on.zoom(from * 1e9, to * 1e9);
	}

	/** The bucket of a line at or before a time; undefined where there is none near. */
	bucketAt(line, seconds) {
		const s = this.series?.get(line);
		if (!s || !s.t.length) return undefined;
		const ns = seconds * 1e9;
		let low = 0,
			high = s.t.length;
		while (low < high) {
			const mid = (low + high) >> 1;
			if (s.t[mid] <= ns) low = mid + 1;
			else high = mid;
		}
		const i = low - 1;
		const near = ((this.range[1] - this.range[0]) * 1e9) / 50;
		if (i < 0 || ns - s.t[i] > near) return undefined;
		return {
			mean: s.mean[i] * line.factor,
			max: s.max[i] * line.factor,
			n: s.n[i],
			over: s.over[i],
		};
	}

	values(u) {
		const {idx, left} = u.cursor;
		const seconds = left >= 0 && idx !== null ? u.posToVal(left, "x") : null;
		for (const [line, el] of this.keys) {
			const b = seconds === null || !line.drawn ? undefined : this.bucketAt(line, seconds);
			el.textContent = b ? short(this.spec.latency ? b.max : b.mean) : "";
		}
		if (this.spec.latency || this.spec.axis) this.on.cursor(seconds);
	}

	/** Colours have changed: the next show() draws with the new ones. */
	restyle() {
		this.stale = true;
	}

	setCursor(seconds) {
		if (!this.chart) return;
		const left = this.chart.valToPos(seconds, "x");
		this.chart.setCursor({left, top: this.chart.bbox.height / devicePixelRatio / 2});
	}
}
