// SPDX-License-Identifier: Apache-2.0
// Building pages. What comes from devices, jobs and models is hostile: it becomes text nodes and
// nothing else, so there is no innerHTML anywhere, and addresses are made here from ids.

/** h("a", {class: "x", href: "/", onclick: fn}, "text", node, [more]) */
export function h(tag, props = {}, ...children) {
	const el = document.createElement(tag);
	for (const [key, value] of Object.entries(props)) {
		if (value === undefined || value === null || value === false) continue;
		if (key.startsWith("on")) el.addEventListener(key.slice(2), value);
		else if (key === "vars")
			// custom properties: an inline style attribute would be refused
			for (const [name, v] of Object.entries(value)) el.style.setProperty(name, v);
		else el.setAttribute(key, value === true ? "" : String(value));
	}
	add(el, children);
	return el;
}

function add(el, children) {
	for (const child of children) {
		if (child === undefined || child === null || child === false) continue;
		if (Array.isArray(child)) add(el, child);
		else el.append(child instanceof Node ? child : String(child));
	}
}

export function fill(el, ...children) {
	el.replaceChildren();
	add(el, children);
	return el;
}

export const byId = (id) => document.getElementById(id);

/** A table from columns: [{title, class, cell: (item) => node or text}]. */
export function table(el, columns, items, rowProps = () => ({})) {
	fill(
		el,
		h(
			"thead",
			{},
			h(
				"tr",
				{},
				columns.map((c) => h("th", {scope: "col", class: c.class}, c.title)),
			),
		),
		h(
			"tbody",
			{},
			items.map((item) =>
				h(
					"tr",
					rowProps(item),
					columns.map((c) =>
						h(
							c.head ? "th" : "td",
							{class: c.class, scope: c.head ? "row" : null},
							c.cell(item),
						),
					),
				),
			),
		),
	);
	return el;
}

/** Only ids of ours, so that nothing else gets into an address. */
export function runLink(id, ...children) {
	return /^r\d+$/.test(id)
		? h("a", {href: `/runs/${id}`}, ...children)
		: h("span", {}, ...children);
}

export function jobLink(id, ...children) {
	return /^j\d+$/.test(id)
		? h("a", {href: `/?job=${id}`}, ...children)
		: h("span", {}, ...children);
}
