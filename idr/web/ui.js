// What views are made of. Text is always set as text: nothing that comes from a server or a bidder is ever read as HTML.

const SVG = 'http://www.w3.org/2000/svg';

function make(node, attributes, children) {
	for (const [name, value] of Object.entries(attributes || {}))
		if (name.startsWith('on')) node.addEventListener(name.slice(2), value);
		else if (value !== undefined && value !== null && value !== false)
			node.setAttribute(name, value === true ? '' : value);
	node.append(...children.flat(Infinity).filter(c => c !== null && c !== undefined && c !== false));
	return node;
}

export const h = (tag, attributes, ...children) => make(document.createElement(tag), attributes, children);
export const svg = (tag, attributes, ...children) => make(document.createElementNS(SVG, tag), attributes, children);

// --- numbers with their units; null is what is not known

const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });
const known = write => v => (v === null || v === undefined || Number.isNaN(v) || v === '' ? '–' : write(Number(v)));

export const count = known(v => whole.format(v));
export const short = known(v => new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 }).format(v));
export const percent = known(v => `${(100 * v).toFixed(Math.abs(v) < 0.1 ? 2 : 1)} %`);
export const ms = known(v => `${v.toFixed(v < 10 ? 1 : 0)} ms`);
export const score = known(v => v.toFixed(1));
export const share = known(v => v.toFixed(3));
export const usd = known(v => {
	const digits = v && Math.abs(v) < 1 ? 4 : 2; // floors and CPMs below a dollar differ in the fourth

	return `$${v.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits })}`;
});
export const signed = write => known(v => `${v > 0 ? '+' : v < 0 ? '−' : '±'}${write(Math.abs(v))}`);
export const latency = known(v => (v < 0 ? '–' : ms(v)));
export const when = at => new Date(at).toISOString().replace('T', ' ').slice(0, 16) + ' UTC';

// --- parts of a page

export const card = (title, ...children) => h('section', { class: 'card' }, title && h('h2', {}, title), ...children);

export function figure(name, value, note, tone) {
	return h(
		'div',
		{ class: 'card' },
		h('div', { class: 'name' }, name),
		h('div', { class: `big ${tone || ''}` }, value),
		note && h('div', { class: 'small' }, note)
	);
}

export function field(label, input) {
	return h('label', {}, label, input);
}

export function select(options, value, onchange) {
	return h(
		'select',
		{ onchange: e => onchange && onchange(e.target.value) },
		options.map(([v, text]) => h('option', { value: v, selected: String(v) === String(value) }, text))
	);
}

// What to do when there is nothing to see.
export const empty = (...text) => h('p', { class: 'dim' }, ...text);

// columns: { name, key or value(row), write, text: true for words, cell(row) for nodes }. A click on a head sorts.
export function table(caption, columns, rows, sorted) {
	const body = h('tbody');
	const heads = columns.map((column, i) =>
		h(
			'th',
			{ class: column.text || column.cell ? '' : 'num', scope: 'col' },
			h('button', { type: 'button', onclick: () => sort(i) }, column.name)
		)
	);
	let by = null,
		down = true;
	const value = (column, row) => (column.value ? column.value(row) : row[column.key]);

	function draw(list) {
		body.replaceChildren(
			...list.map(row =>
				h(
					'tr',
					{},
					columns.map(column =>
						h(
							'td',
							{ class: column.text ? 'text' : column.cell ? '' : 'num' },
							column.cell
								? column.cell(row)
								: column.text
									? String(value(column, row) ?? '')
									: (column.write || count)(value(column, row))
						)
					)
				)
			)
		);
	}

	function sort(i) {
		const column = columns[i];

		down = by === i ? !down : !column.text;
		by = i;
		heads.forEach((head, k) =>
			k === i ? head.setAttribute('aria-sort', down ? 'descending' : 'ascending') : head.removeAttribute('aria-sort')
		);
		draw(
			[...rows].sort((a, b) => {
				const x = value(column, a) ?? -Infinity,
					y = value(column, b) ?? -Infinity;

				return (x < y ? -1 : x > y ? 1 : 0) * (down ? -1 : 1);
			})
		);
	}

	draw(rows);
	if (sorted !== undefined) sort(sorted);
	return h(
		'div',
		{ class: 'scroll', tabindex: '0', role: 'region', 'aria-label': caption },
		h('table', {}, h('caption', {}, caption), h('thead', {}, h('tr', {}, heads)), body)
	);
}

export function notice(text, bad) {
	const at = document.getElementById('notice');

	at.textContent = text || '';
	at.className = bad ? 'bad' : '';
}
