// Why a bidder would be called, or not, in a given auction.
import { h, card, empty, field, select, table, score, share, usd, ms, percent, notice } from './ui.js';
import { ask, get, at } from './api.js';
import { bar } from './charts.js';

const COMPONENTS = [
	['win_rate', 'Win rate'],
	['bid_rate', 'Bid rate'],
	['cpm', 'CPM'],
	['floor_clearance', 'Floor cleared'],
	['latency', 'Latency'],
	['recency', 'Recency'],
	['id_match', 'ID match'],
];
// As the router's reasons are meant; docs/routing.md has them at length.
const REASONS = {
	none: 'no decision was made',
	always: 'the settings always call it',
	anchor: 'one of the best here, always called',
	high_score: 'a high score',
	marginal: 'worth more than its call costs',
	exploration: 'called to learn about it',
	diversity: 'the settings ask for its kind',
	everybody: 'everybody is called in this mode',
	below_threshold: 'its score is below the threshold',
	max_bidders: 'enough others are better',
	never: 'the settings never call it',
	no_marginal_value: 'others make its bid worthless',
	qps_limit: 'its limit of calls per second',
};
const FORMATS = {
	banner: (w, hh) => ({ banner: { format: [{ w, h: hh }] } }),
	video: (w, hh) => ({ video: { w, h: hh, mimes: ['video/mp4'] } }),
	native: () => ({ native: { request: '{}' } }),
	audio: () => ({ audio: { mimes: ['audio/mp4'] } }),
};
const DEVICES = [
	['4', 'phone'],
	['5', 'tablet'],
	['2', 'computer'],
	['3', 'connected TV'],
];

function requestOf(form) {
	const v = Object.fromEntries(new FormData(form));
	const size = /^(\d+)x(\d+)$/.exec(v.size) || [0, 300, 250];

	return {
		auction_id: `explain-${Date.now()}`,
		publisher_id: v.publisher,
		ts: Date.now() / 1000,
		bid_request: {
			imp: [
				{
					id: '1',
					...FORMATS[v.format](Number(size[1]), Number(size[2])),
					bidfloor: Number(v.floor) || 0,
					bidfloorcur: 'USD',
				},
			],
			site: { domain: v.domain || 'example.com', publisher: { id: v.publisher } },
			device: { devicetype: Number(v.device), os: v.os, geo: { country: v.country.toUpperCase() } },
			user: { eids: v.id ? [{ source: v.id }] : [] },
		},
		configured_bidders: v.bidders.split(/[\s,]+/).filter(Boolean),
	};
}

function decision(d) {
	const columns = [
		{ name: 'Rank', value: r => r.rank || null },
		{ name: 'Bidder', key: 'bidder_code', text: true },
		{
			name: 'Called',
			value: r => Number(r.selected),
			cell: r => h('span', { class: r.selected ? 'good' : 'dim' }, r.selected ? 'yes' : 'no'),
		},
		{ name: 'Why', value: r => REASONS[r.reason] || r.reason, text: true },
		{ name: 'Score', key: 'total_score', write: score },
		{ name: 'Bids, probably', key: 'probability', write: percent },
		{ name: 'Price, CPM', key: 'expected_price', write: usd },
		{ name: 'Adds, CPM', key: 'marginal_value', write: usd },
		...COMPONENTS.map(([key, name]) => ({
			name,
			value: r => r.components[key],
			cell: r => bar(r.components[key], `${name}: ${score(r.components[key])} of 100`),
		})),
		{ name: 'Confidence', key: 'confidence', write: share },
		{ name: 'Samples', key: 'samples' },
	];
	const shown = d.all_scores || [];

	return card(
		'The decision',
		h(
			'p',
			{},
			`Mode ${d.mode}; ${d.selected_bidders.length} of ${shown.length} bidders would be called: ${d.selected_bidders.join(
				', '
			)}. Decided in ${ms(d.routing_time_ms)}.`,
			d.suggested_tmax ? ` Answers after ${d.suggested_tmax} ms are rare here.` : '',
			d.control ? ' This auction would be one of the control group, in which everybody is called.' : ''
		),
		d.mode === 'learning' &&
			h(
				'p',
				{ class: 'warn' },
				'The router is still learning: it calls everybody until it has seen enough auctions.'
			),
		shown.length
			? table(
					'Bars are 0 to 100; prices are US dollars, CPM. “Adds” is what calling this bidder brings beyond the others.',
					columns,
					[...shown].sort((a, b) => (a.rank || 999) - (b.rank || 999))
				)
			: empty('No bidder was named.')
	);
}

export async function explain(args) {
	const publisher = args.get('publisher') || '',
		out = h('div', { 'aria-live': 'polite' });
	const stats = await get(publisher ? `/stats/${at(publisher)}?days=30` : '/stats?days=30');
	const bidders = stats.breakdown
		.map(b => b.bidder)
		.filter(b => b !== 'unknown')
		.sort();

	async function send(e) {
		e.preventDefault();
		notice('');
		try {
			out.replaceChildren(decision(await ask('POST', '/api/v1/explain', requestOf(e.target))));
		} catch (refused) {
			notice(refused.message, true);
		}
	}

	const named = (name, value, more) => h('input', { name, value, ...more });
	const choice = (name, options) => {
		const s = select(options);

		s.name = name;
		return s;
	};
	const area = h('textarea', { name: 'bidders', class: 'short', required: true, spellcheck: 'false' });

	area.value = bidders.join(', ');
	return [
		h('div', { class: 'head' }, h('h1', {}, 'Explain a decision')),
		card(
			null,
			h(
				'form',
				{ onsubmit: send },
				h(
					'div',
					{ class: 'row' },
					field('Publisher', named('publisher', publisher)),
					field('Country', named('country', 'USA', { maxlength: 3, size: 4, title: 'three letters, as GBR' })),
					field('Device', choice('device', DEVICES)),
					field(
						'System',
						choice('os', [
							['ios', 'iOS'],
							['android', 'Android'],
							['windows', 'Windows'],
							['macos', 'macOS'],
							['', 'other'],
						])
					),
					field(
						'Format',
						choice(
							'format',
							Object.keys(FORMATS).map(f => [f, f])
						)
					),
					field('Size', named('size', '300x250', { size: 8, pattern: '\\d+x\\d+' })),
					field('Floor, USD CPM', named('floor', '0.10', { type: 'number', min: 0, step: 0.01 })),
					field('Site', named('domain', 'example.com')),
					field('ID source', named('id', '', { placeholder: 'uidapi.com' }))
				),
				field('Bidders that could be called', area),
				h('p', {}, h('button', { class: 'main' }, 'Explain'))
			)
		),
		out,
	];
}
