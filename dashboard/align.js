// SPDX-License-Identifier: Apache-2.0
// Several series on one time axis. The server lays all streams of one request over the same grid of
// buckets, so most times are shared. Where a stream has no value at another's time its place is
// undefined, which the chart draws through; a place is null, and the line breaks, where values are
// missing for much longer than those around them are apart: a failed read is a gap.

const GAP = 5; // times the distance of the neighbours

/*
 * Times at which a null breaks the line: one in each gap. What is usual is asked of the neighbours,
 * since counters are read at another rate inside timed blocks than outside.
 */
function gaps(t) {
	const out = [];
	for (let i = 1; i < t.length; i++) {
		const before = i > 1 ? t[i - 1] - t[i - 2] : 0;
		const behind = i + 1 < t.length ? t[i + 1] - t[i] : 0;
		const usual = Math.max(before, behind);
		if (usual && t[i] - t[i - 1] > GAP * usual) out.push(t[i - 1] + 1);
	}
	return out;
}

/**
 * all: [{t, …columns}] with t rising → {x, at: [[index into all[i], or -1 (undefined) or -2 (null)]]}
 */
export function align(all) {
	const breaks = all.map((s) => gaps(s.t));
	const times = new Set();
	all.forEach((s, i) => {
		s.t.forEach((t) => times.add(t));
		breaks[i].forEach((t) => times.add(t));
	});
	const x = Float64Array.from(times).sort();
	const at = all.map((s, i) => {
		const places = new Int32Array(x.length).fill(-1);
		let k = 0,
			b = 0;
		for (let p = 0; p < x.length; p++) {
			if (b < breaks[i].length && x[p] === breaks[i][b]) {
				places[p] = -2;
				b++;
			}
			if (k < s.t.length && x[p] === s.t[k]) places[p] = k++;
		}
		return places;
	});
	return {x, at};
}

/** A column of one series at the common times, each value through fn. */
export function column(places, values, fn) {
	const out = new Array(places.length);
	for (let i = 0; i < places.length; i++)
		out[i] = places[i] >= 0 ? fn(values[places[i]]) : places[i] === -2 ? null : undefined;
	return out;
}
