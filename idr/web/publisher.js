// One publisher: its figures, its floors and how it is routed, with what an admin may change.
import { h, card, empty, field, select, table, usd, when, notice } from './ui.js';
import { ask, get, at, isAdmin } from './api.js';
import { PERIODS, query, cards, charts, lift, breakdown } from './figures.js';
import { HOW_EVENTS_COME } from './views.js';

const BY = [
	['bidder', 'bidder'],
	['country', 'country'],
	['device', 'device'],
	['format', 'format'],
];

export async function publisher(args, id) {
	if (!id) return choose();
	if (id === '*') return [h('div', { class: 'head' }, h('h1', {}, 'Everybody')), await settingsOf(id)];
	const days = args.get('days') || '7',
		by = args.get('by') || 'bidder',
		here = `#/publisher/${at(id)}`;
	const go = (d, b) => {
		location.hash = `${here}?days=${d}&by=${b}`;
	};
	const [stats, floors, settings] = await Promise.all([
		get(`/stats/${at(id)}${query(days, by)}`),
		floorsOf(id),
		settingsOf(id),
	]);

	return [
		h(
			'div',
			{ class: 'head' },
			h('h1', {}, `Publisher ${id}`),
			h(
				'div',
				{ class: 'row' },
				field(
					'Time',
					select(PERIODS, days, v => go(v, by))
				),
				field(
					'By',
					select(BY, by, v => go(days, v))
				),
				h(
					'a',
					{ href: `/stats/${at(id)}?days=${at(days)}&by=${at(by)}&format=csv`, download: `${id}.csv` },
					'Download CSV'
				),
				h('a', { href: `#/explain?publisher=${at(id)}` }, 'Explain a decision')
			)
		),
		stats.totals.auctions === 0
			? card('Nothing yet', HOW_EVENTS_COME)
			: [
					cards(stats),
					charts(stats),
					lift(stats),
					card(null, breakdown(stats, `By ${by}, ${stats.currency}, from ${when(stats.from)}`)),
				],
		floors,
		settings,
	];
}

async function choose() {
	const stats = await get('/stats?days=400');
	const input = h('input', { required: true, list: 'known', autofocus: true });

	return [
		h('div', { class: 'head' }, h('h1', {}, 'Publishers'), h('a', { href: '#/publisher/*' }, 'Settings of everybody')),
		card(
			null,
			h(
				'form',
				{
					class: 'row',
					onsubmit: e => {
						e.preventDefault();
						location.hash = `#/publisher/${at(input.value)}`;
					},
				},
				field('Publisher id', input),
				h('button', { class: 'main' }, 'Show'),
				h(
					'datalist',
					{ id: 'known' },
					stats.publishers.map(p => h('option', { value: p.publisher_id }))
				)
			)
		),
		stats.publishers.length
			? card(
					'Known',
					h(
						'ul',
						{},
						stats.publishers.map(p =>
							h('li', {}, h('a', { href: `#/publisher/${at(p.publisher_id)}` }, p.publisher_id || '(none)'))
						)
					)
				)
			: card('Nothing yet', HOW_EVENTS_COME),
	];
}

// --- floors

function rules(data) {
	const group = (data.modelGroups || [])[0],
		rows = Object.entries(group?.values || {}),
		shown = rows.slice(0, 200);

	if (!rows.length) return empty('No rule.');
	return [
		h(
			'p',
			{ class: 'dim' },
			`Model ${group.modelVersion || 'without a name'}; ${data.currency || group.currency || 'USD'} CPM; by ${(
				group.schema?.fields || []
			).join(', ')}${data.skipRate ? `; ${data.skipRate} % of requests get none, to measure` : ''}`
		),
		table(
			shown.length < rows.length
				? `The first ${shown.length} of ${rows.length} rules`
				: `${rows.length} ${rows.length === 1 ? 'rule' : 'rules'}`,
			[
				{ name: 'Rule', value: r => r[0], text: true },
				{ name: 'Floor, CPM', value: r => r[1], write: usd },
			],
			shown
		),
	];
}

// `save` gets the text; the view is drawn anew afterwards, so that it shows what holds.
function editor(text, what, save, remove, removeText) {
	const area = h('textarea', { 'aria-label': what, spellcheck: 'false' }),
		run = async act => {
			try {
				const said = await act();

				notice(`Saved: ${what}, version ${said.version}. It is in force.`);
				window.dispatchEvent(new HashChangeEvent('hashchange'));
			} catch (e) {
				notice(`${what} not saved: ${e.message}`, true);
			}
		};

	area.value = text;
	return h(
		'details',
		{},
		h('summary', {}, `Change ${what}`),
		h(
			'form',
			{
				onsubmit: e => {
					e.preventDefault();
					run(() => save(area.value));
				},
			},
			area,
			h(
				'p',
				{ class: 'row' },
				h('button', { class: 'main' }, 'Save'),
				h('button', { type: 'button', onclick: () => confirm(`${removeText}?`) && run(remove) }, removeText)
			)
		)
	);
}

const versions = (caption, list, key) =>
	h(
		'details',
		{},
		h('summary', {}, caption),
		list.length
			? table(
					'Newest first',
					[
						{ name: 'Version', key: 'version' },
						{ name: 'Time', value: v => when(v.updated_ms), text: true },
						{ name: 'By', key: 'updated_by', text: true },
						{ name: 'Content', value: v => (v[key] === null ? 'deleted' : JSON.stringify(v[key])), text: true },
					],
					list
				)
			: empty('None was put yet.')
	);

async function floorsOf(id) {
	const path = `/floors/${at(id)}`;
	const [now, history] = await Promise.all([get(path), get(`${path}?history=1`)]);
	const put = history.length ? history[0].floors : null;
	const source = put?.modelGroups
		? 'as put by an administrator'
		: put
			? 'computed, and bounded by what an administrator put'
			: 'computed from the history of bids';
	const min = h('input', { type: 'number', min: 0, step: 0.01, value: put?.floorMin ?? '', name: 'floorMin' });

	return card(
		'Floors',
		h('p', {}, `In force: ${source}.`),
		rules(now),
		isAdmin() && [
			!put?.modelGroups &&
				h(
					'form',
					{
						class: 'row',
						onsubmit: e => {
							e.preventDefault();
							quick(path, put, Number(min.value));
						},
					},
					field('Least floor of all, USD CPM', min),
					h('button', { class: 'main' }, 'Set')
				),
			editor(
				JSON.stringify(put || { currency: 'USD', floorMin: 0.1 }, null, 2),
				'floors',
				text => ask('PUT', path, text),
				() => ask('DELETE', path),
				'Back to computed floors'
			),
		],
		versions('Versions of floors', history, 'floors')
	);
}

async function quick(path, put, floorMin) {
	try {
		const said = await ask('PUT', path, { ...(put || { currency: 'USD' }), floorMin });

		notice(`Saved: no floor is below ${usd(floorMin)} now (version ${said.version}).`);
		window.dispatchEvent(new HashChangeEvent('hashchange'));
	} catch (e) {
		notice(`Floors not saved: ${e.message}`, true);
	}
}

// --- settings

async function settingsOf(id) {
	const path = `/api/v1/publishers/${at(id)}/settings`;
	const [now, history] = await Promise.all([get(path), get(`${path}/history`)]);
	const set = Object.entries(now.settings || {});

	const all = id === '*';

	return card(
		'Routing settings',
		set.length
			? table(
					all
						? 'What is set for everybody; the rest comes from the configuration and the defaults'
						: 'What is set for this publisher; the rest comes from the level above',
					[
						{ name: 'Setting', value: r => r[0], text: true },
						{ name: 'Value', value: r => JSON.stringify(r[1]), text: true },
					],
					set
				)
			: empty(
					all
						? 'Nothing is set here: the configuration and the defaults hold.'
						: 'Nothing is set for this publisher: it is routed as everybody.'
				),
		isAdmin() && [
			editor(
				JSON.stringify(now.settings || {}, null, 2),
				'settings',
				text => ask('PUT', path, text),
				() => ask('DELETE', path),
				'Back to the level above'
			),
			h(
				'p',
				{ class: 'dim' },
				'Keys: mode (normal, shadow, bypass), max_bidders, min_bidders, min_score_threshold, anchors, exploration_rate, ',
				'exploration_slots, control_share, audit_share, traffic_share, budget, always_include_bidders, never_include_bidders, diversity, ',
				'qps_limits, slow_ms; docs/routing.md says what each does.'
			),
		],
		versions('Versions of settings', history, 'settings')
	);
}
