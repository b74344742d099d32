// Figures of GET /stats, as cards, charts and tables; the same for all publishers and for one.
import { figure, h, card, table, empty, count, short, percent, usd, ms, latency, signed } from './ui.js';
import { lines, interval } from './charts.js';

export const PERIODS = [
	['1', 'today, by hour'],
	['7', '7 days'],
	['30', '30 days'],
	['90', '90 days'],
	['400', '400 days'],
];
export const query = (days, by) => `?days=${days}&granularity=${days === '1' ? 'hour' : 'day'}${by ? `&by=${by}` : ''}`;

// kept: the router's own estimate, null while it has none.
export function cards(stats, kept) {
	const t = stats.totals,
		lift = compared(stats.lift);

	return h(
		'div',
		{ class: 'grid' },
		figure('Auctions', short(t.auctions), `${count(t.auctions)} in this time`),
		figure(
			'Calls saved',
			percent(t.calls_saved_rate),
			`${count(t.calls_saved)} of ${count(t.bidders_configured)} calls to bidders`,
			t.calls_saved > 0 ? 'good' : ''
		),
		figure('Revenue', usd(t.revenue), `US dollars; ${usd(t.revenue_per_1000_auctions)} per 1,000 auctions`),
		figure(
			'Revenue against control',
			lift ? signed(usd)(lift.revenue_per_1000_auctions_difference) : '–',
			lift
				? 'US dollars per 1,000 auctions, beside auctions in which everybody was called'
				: 'no control group: set control_share in the settings',
			lift && tone(lift)
		),
		kept !== undefined && figure('Revenue kept', percent(kept), 'estimate from audited auctions'),
		figure('Bid rate', percent(t.bid_rate), `${count(t.bids)} bids; ${percent(t.win_rate)} of them won`),
		figure('Latency of bidders', latency(t.latency_p50_ms), `median; 95 % within ${latency(t.latency_p95_ms)}`),
		figure(
			'Timeouts',
			percent(t.timeout_rate),
			`${count(t.timeouts)} timeouts, ${count(t.errors)} errors`,
			t.timeout_rate > 0.05 ? 'bad' : ''
		)
	);
}

// The two sides of an experiment, once both have auctions enough to be compared.
const compared = l => (l && l.revenue_per_1000_auctions_difference !== undefined ? l : null);

// Coloured only when chance does not explain the difference.
function tone(lift) {
	return lift.revenue_per_1000_auctions_difference_low > 0
		? 'good'
		: lift.revenue_per_1000_auctions_difference_high < 0
			? 'bad'
			: '';
}

export function charts(stats) {
	const s = stats.series,
		hourly = stats.granularity === 'hour';

	return h(
		'div',
		{ class: 'grid wide' },
		lines(
			'Calls to bidders',
			s,
			[
				{ name: 'configured', key: 'bidders_configured' },
				{ name: 'called', key: 'bidders_called' },
			],
			short,
			hourly
		),
		lines('Auctions', s, [{ name: 'auctions', key: 'auctions' }], short, hourly),
		lines(
			'Revenue per 1,000 auctions (US dollars)',
			s,
			[{ name: 'revenue', key: 'revenue_per_1000_auctions' }],
			usd,
			hourly
		),
		lines(
			'Bids',
			s,
			[
				{ name: 'bid rate', key: 'bid_rate' },
				{ name: 'win rate', key: 'win_rate' },
			],
			percent,
			hourly
		),
		lines(
			'Latency of bidders',
			s,
			[
				{ name: 'median', key: 'latency_p50_ms' },
				{ name: '95 % within', key: 'latency_p95_ms' },
			],
			ms,
			hourly
		),
		lines('Timeouts of bidders', s, [{ name: 'timeouts', key: 'timeout_rate' }], percent, hourly)
	);
}

function measure(name, m, key, write) {
	const mid = m[`${key}_difference`],
		low = m[`${key}_difference_low`],
		high = m[`${key}_difference_high`];
	const told =
		low === undefined
			? signed(write)(mid)
			: `${signed(write)(mid)}, 95 % interval ${signed(write)(low)} to ${signed(write)(high)}`;

	return h(
		'div',
		{},
		h('div', { class: 'name' }, name),
		h('div', {}, told),
		low !== undefined && interval(low, mid, high, told)
	);
}

export function lift(stats) {
	const l = compared(stats.lift),
		f = compared(stats.floor_lift);

	return h(
		'div',
		{ class: 'grid wide' },
		l &&
			card(
				'What routing changed',
				h(
					'p',
					{ class: 'small dim' },
					`${count(l.routed_auctions)} routed auctions beside ${count(l.control_auctions)} in which everybody was called`
				),
				measure('Revenue per 1,000 auctions', l, 'revenue_per_1000_auctions', usd),
				measure('Calls per auction', l, 'calls_per_auction', v => v.toFixed(2)),
				measure('Latency', l, 'latency_ms', ms)
			),
		f &&
			card(
				'What computed floors changed',
				h(
					'p',
					{ class: 'small dim' },
					`${count(f.applied_auctions)} auctions with computed floors beside ${count(f.skipped_auctions)} without`
				),
				measure('Revenue per 1,000 auctions', f, 'revenue_per_1000_auctions', usd),
				measure('Sold per auction', f, 'sold_per_auction', v => v.toFixed(4))
			)
	);
}

// In words and colour: colour alone is not for everybody.
function health(row) {
	if (!row.bidders_called) return h('span', { class: 'dim' }, 'not called');
	if (row.errors > 0.05 * row.bidders_called) return h('span', { class: 'bad' }, 'failing');
	if (row.timeout_rate > 0.1) return h('span', { class: 'bad' }, 'late');
	if (!row.bids) return h('span', { class: 'warn' }, 'never bids');
	return row.timeout_rate > 0.03 ? h('span', { class: 'warn' }, 'often late') : h('span', { class: 'good' }, 'well');
}

export function breakdown(stats, caption, link) {
	const by = stats.by,
		rows = stats.breakdown;
	const first = { name: by[0].toUpperCase() + by.slice(1), value: r => r[by], text: true };

	if (!rows.length) return empty('Nothing in this time.');
	return table(
		caption,
		[
			link ? { ...first, cell: r => link(r[by]) } : first,
			by === 'bidder' && { name: 'Health', value: r => r.timeout_rate, cell: health },
			{ name: 'Auctions', key: 'auctions' },
			{ name: 'Called', key: 'bidders_called' },
			{ name: 'Saved', key: 'calls_saved_rate', write: percent },
			{ name: 'Bid rate', key: 'bid_rate', write: percent },
			{ name: 'Win rate', key: 'win_rate', write: percent },
			{ name: 'Mean bid, CPM', key: 'avg_cpm', write: usd },
			{ name: 'Revenue', key: 'revenue', write: usd },
			{ name: 'Timeouts', key: 'timeout_rate', write: percent },
			{ name: 'Errors', key: 'errors' },
			{ name: 'Median', key: 'latency_p50_ms', write: latency },
			{ name: '95 %', key: 'latency_p95_ms', write: latency },
		].filter(Boolean),
		rows,
		by === 'bidder' ? 8 : 7
	);
}
