// SPDX-License-Identifier: Apache-2.0
// Numbers, times and units for people.

const NONE = "–";

export function ms(ns, digits = 2) {
	return ns === null || ns === undefined ? NONE : (ns / 1e6).toFixed(digits);
}

/** 3 significant digits, for figures that range widely. */
export function short(v) {
	if (v === null || v === undefined || Number.isNaN(v)) return NONE;
	if (v !== 0 && Math.abs(v) < 0.01) return v.toExponential(1);
	return String(Number(v.toPrecision(4)));
}

export function count(n) {
	return n === null || n === undefined ? NONE : n.toLocaleString("en").replaceAll(",", "\u202f");
}

export function percent(part, whole) {
	if (!whole || part === null || part === undefined) return "";
	const p = (100 * part) / whole;
	if (!p) return "";
	return p > 0 && p < 0.1 ? "<0.1 %" : `${p.toFixed(1)} %`;
}

export function bytes(n) {
	if (n === null || n === undefined) return NONE;
	const units = ["B", "KiB", "MiB", "GiB", "TiB"];
	let i = 0;
	while (n >= 1024 && i < units.length - 1) {
		n /= 1024;
		i++;
	}
	return `${i ? n.toFixed(1) : n} ${units[i]}`;
}

function duration(millis) {
	const s = Math.round(millis / 1000);
	if (s < 60) return `${s} s`;
	if (s < 3600) return `${Math.floor(s / 60)} min ${s % 60} s`;
	return `${Math.floor(s / 3600)} h ${Math.floor(s / 60) % 60} min`;
}

export function between(from, to) {
	return from && to ? duration(Date.parse(to) - Date.parse(from)) : NONE;
}

/** "5 min ago" */
export function ago(iso) {
	if (!iso) return NONE;
	const s = (Date.now() - Date.parse(iso)) / 1000;
	if (s < 45) return "just now";
	if (s < 5400) return `${Math.round(s / 60)} min ago`;
	if (s < 36 * 3600) return `${Math.round(s / 3600)} h ago`;
	return `${Math.round(s / 86400)} d ago`;
}

export function date(iso) {
	return iso
		? new Date(iso).toLocaleString(undefined, {dateStyle: "medium", timeStyle: "medium"})
		: NONE;
}

/** What a stream's unit is shown in: {unit, factor}, value × factor. */
export function shownUnit(unit, most = 1) {
	const known = {
		ns: ["ms", 1e-6],
		mC: ["°C", 1e-3],
		C: ["°C", 1],
		uA: ["mA", 1e-3],
		uV: ["V", 1e-6],
		uW: ["W", 1e-6],
		uJ: ["J", 1e-6],
		"%": ["%", 1],
	};
	if (unit === "Hz")
		return most >= 1e9 ? {unit: "GHz", factor: 1e-9} : {unit: "MHz", factor: 1e-6};
	if (unit === "B") return most >= 1e9 ? {unit: "GB", factor: 1e-9} : {unit: "MB", factor: 1e-6};
	if (known[unit]) return {unit: known[unit][0], factor: known[unit][1]};
	return {unit: unit || "", factor: 1};
}
