// SPDX-License-Identifier: Apache-2.0
// Where a model stands against its budget, as a small ruler: the budget is the mark in the middle,
// p50 and p99 span the bar; what lies beyond the mark is over.

import {h} from "./dom.js";
import {ms} from "./format.js";

const SCALE = 2; // the ruler ends at twice the budget

function place(ns, budget) {
	return `${Math.min(ns / budget / SCALE, 1) * 100}%`;
}

export function budgetBar(s, tone) {
	const {p50_ns: p50, budget_ns: budget} = s;
	const high = s.p99_ns ?? s.value_ns;

	if (!budget || high === null || high === undefined) return null;
	return h(
		"span",
		{
			class: `ruler ${tone}`,
			role: "img",
			"aria-label": `p99 ${ms(high)} of ${ms(budget)} ms`,
			vars: {
				"--from": place(p50 ?? high, budget),
				"--to": place(high, budget),
				"--at": `${100 / SCALE}%`,
			},
		},
		h("i", {class: "span"}),
		h("i", {class: "limit"}),
		high > SCALE * budget && h("i", {class: "off"}),
	);
}
