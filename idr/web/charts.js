// Charts in SVG. Each says in words what it shows, for those who do not see it.
import { h, svg } from './ui.js';

const W = 560,
	H = 190,
	LEFT = 52,
	RIGHT = 22,
	TOP = 10,
	BOTTOM = 24;

// A round number at or above v, so that the axis has few and readable marks.
function ceiling(v) {
	const unit = 10 ** Math.floor(Math.log10(v || 1));

	return [1, 2, 2.5, 5, 10].map(f => f * unit).find(c => c >= v) || 10 * unit;
}

function axis(top, y, write) {
	return [0, 0.5, 1].map(f => [
		svg('line', { class: 'axis', x1: LEFT, x2: W - RIGHT, y1: y(f * top), y2: y(f * top) }),
		svg('text', { x: LEFT - 6, y: y(f * top) + 4, 'text-anchor': 'end' }, write(f * top)),
	]);
}

const label = (at, hourly) => (hourly ? at.slice(11, 16) : at.slice(5, 10));

function path(values, x, y) {
	let pen = 'M';

	return values
		.map((v, i) => {
			if (v === null || v < 0) {
				pen = 'M';
				return '';
			}
			const step = `${pen}${x(i).toFixed(1)} ${y(v).toFixed(1)}`;

			pen = 'L';
			return step;
		})
		.join('');
}

// lines: { name, key }; what is pointed at is told point by point.
export function lines(title, series, list, write, hourly) {
	const top = ceiling(Math.max(...list.flatMap(l => series.map(p => p[l.key] ?? 0)), 0));
	const x = i => LEFT + (series.length < 2 ? 0.5 : i / (series.length - 1)) * (W - LEFT - RIGHT);
	const y = v => TOP + (1 - v / top) * (H - TOP - BOTTOM);
	const every = Math.max(1, Math.ceil(series.length / 7));
	const last = series[series.length - 1];
	const told = `${title}: ${list.map(l => `${l.name} ${write(last[l.key])}`).join(', ')} at ${last.at.slice(0, 16).replace('T', ' ')}`;
	const width = (W - LEFT - RIGHT) / Math.max(1, series.length);
	const area =
		list.length === 1 &&
		series.length > 1 &&
		svg('path', {
			class: 'area',
			d: `${path(
				series.map(p => Math.max(0, p[list[0].key] ?? 0)),
				x,
				y
			)}L${x(series.length - 1)} ${y(0)}L${x(0)} ${y(0)}Z`,
		});

	return h(
		'section',
		{ class: 'card' },
		h('h2', {}, title),
		h(
			'div',
			{ class: 'legend' },
			list.length > 1 && list.map((l, i) => h('span', {}, h('i', { class: `c${i}` }), l.name))
		),
		svg(
			'svg',
			{ class: 'chart', viewBox: `0 0 ${W} ${H}`, role: 'img', 'aria-label': told },
			axis(top, y, write),
			area,
			series.map(
				(p, i) =>
					i % every === 0 && svg('text', { x: x(i), y: H - 6, 'text-anchor': 'middle' }, label(p.at, hourly))
			),
			list.map((l, k) => [
				svg('path', {
					class: `line c${k}`,
					d: path(
						series.map(p => p[l.key]),
						x,
						y
					),
				}),
				series.length < 15 &&
					series.map(
						(p, i) =>
							p[l.key] !== null &&
							p[l.key] >= 0 &&
							svg('circle', { class: `dot c${k}`, cx: x(i), cy: y(p[l.key]), r: 2.5 })
					),
			]),
			series.map((p, i) =>
				svg(
					'rect',
					{ class: 'hit', x: x(i) - width / 2, y: TOP, width, height: H - TOP - BOTTOM },
					svg(
						'title',
						{},
						`${p.at.slice(0, 16).replace('T', ' ')} UTC\n${list.map(l => `${l.name}: ${write(p[l.key])}`).join('\n')}`
					)
				)
			)
		)
	);
}

// A bar of 0 to 100 in a table's cell.
export function bar(value, told) {
	return svg(
		'svg',
		{ width: 44, height: 12, role: 'img', 'aria-label': told },
		svg('rect', { class: 'track', width: 44, height: 12, rx: 3 }),
		svg('rect', { class: 'bar', width: Math.max(0, Math.min(44, 0.44 * value)), height: 12, rx: 3 }),
		svg('title', {}, told)
	);
}

// A difference with its 95 % interval, around no difference at all.
export function interval(low, mid, high, told) {
	const reach = Math.max(Math.abs(low), Math.abs(high), 1e-9) * 1.15,
		x = v => 130 + (v / reach) * 125;

	return svg(
		'svg',
		{ class: 'chart interval', viewBox: '0 0 260 30', role: 'img', 'aria-label': told },
		svg('line', { class: 'axis', x1: 4, x2: 256, y1: 15, y2: 15 }),
		svg('line', { class: 'zero', x1: 130, x2: 130, y1: 3, y2: 27 }),
		svg('line', { class: 'span', x1: x(low), x2: x(high), y1: 15, y2: 15 }),
		svg('circle', { class: 'mid', cx: x(mid), cy: 15, r: 5 }),
		svg('title', {}, told)
	);
}
