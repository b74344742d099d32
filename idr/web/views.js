// The views that are one question each: login, overview, bidders, audit.
import { h, card, empty, field, select, table, count, percent, usd, latency, when } from './ui.js';
import { ask, get, at, refresh, session, Refused } from './api.js';
import { PERIODS, query, cards, charts, lift, breakdown } from './figures.js';

export const HOW_EVENTS_COME = [
	h('p', {}, 'The router has recorded no auction in this time. Events come from nexus-pbs:'),
	h(
		'ul',
		{},
		h('li', {}, 'IDR_URL of nexus-pbs leads here, and IDR_ENABLED and EVENT_RECORD_ENABLED are true,'),
		h('li', {}, 'both know the same API key (API_KEY_DEFAULT),'),
		h('li', {}, 'and auctions are held: POST /openrtb2/auction of nexus-pbs.')
	),
];

export function off() {
	return h(
		'div',
		{ class: 'login' },
		card(
			'The login is off',
			h('p', {}, 'No user is configured, so nobody can log in; the API works as always. To switch the login on:'),
			h(
				'pre',
				{},
				"nexus-idr hash-password      # asks for a password\nexport ADMIN_USERS='ada:$2b$12$…'\nexport SECRET_KEY=$(openssl rand -hex 32)"
			),
			h('p', {}, 'and start the router again with both. Further: docs/hardening.md.')
		)
	);
}

export function login(done) {
	const said = h('p', { role: 'alert', class: 'bad' });
	const user = h('input', {
		name: 'user',
		autocomplete: 'username',
		autocapitalize: 'none',
		spellcheck: 'false',
		required: true,
	});
	const password = h('input', { name: 'password', type: 'password', autocomplete: 'current-password', required: true });
	const code = h('input', { name: 'code', inputmode: 'numeric', autocomplete: 'one-time-code', maxlength: 6 });
	const button = h('button', { class: 'main' }, 'Log in');

	async function send(e) {
		e.preventDefault();
		button.disabled = true;
		said.textContent = '';
		try {
			await ask('POST', '/login', { user: user.value, password: password.value, code: code.value });
			await refresh();
			/* A browser drops a Secure cookie that came over plain HTTP, and tells nobody. */
			if (session.login !== 'ok')
				throw new Refused(
					0,
					'The password is right, but the browser did not keep the session: it does over HTTPS, and at localhost.'
				);
			await done();
		} catch (refused) {
			said.textContent = refused.wait ? `${refused.message}; try again in ${refused.wait} s` : refused.message;
			password.select();
		} finally {
			button.disabled = false;
		}
	}

	setTimeout(() => user.focus());
	return h(
		'div',
		{ class: 'login' },
		card(
			'Log in',
			h(
				'form',
				{ onsubmit: send },
				field('Name', user),
				field('Password', password),
				session.codes && field('One-time code, if your account has one', code),
				said,
				button
			)
		)
	);
}

function head(title, ...controls) {
	return h('div', { class: 'head' }, h('h1', {}, title), h('div', { class: 'row' }, controls));
}

const period = (days, to) =>
	field(
		'Time',
		select(PERIODS, days, value => {
			location.hash = `${to}?days=${value}`;
		})
	);

async function keptEstimate() {
	const found = /^nexus_idr_kept_estimate ([\d.-]+)$/m.exec(await get('/metrics'));

	return found && Number(found[1]) >= 0 ? Number(found[1]) : null;
}

function state(health) {
	const part = (name, value) => {
		const text = value.status || value,
			tone = text === 'ok' ? 'good' : text === 'not configured' ? 'dim' : 'bad';

		return h('span', {}, `${name}: `, h('span', { class: tone }, text));
	};

	return h(
		'p',
		{ class: 'legend' },
		h('span', {}, 'Router: ', h('span', { class: health.status === 'healthy' ? 'good' : 'bad' }, health.status)),
		part('store', health.store),
		part('Redis', health.redis),
		part('database', health.postgres),
		h('span', {}, `version ${health.version}`)
	);
}

export async function overview(args) {
	const days = args.get('days') || '7';
	const [stats, health, kept] = await Promise.all([
		get(`/stats${query(days)}`),
		get('/health'),
		keptEstimate().catch(() => null),
	]);
	const link = id => h('a', { href: `#/publisher/${at(id)}` }, id || '(none)');

	return [
		head('Overview', period(days, '#/')),
		state(health),
		stats.totals.auctions === 0
			? card('Nothing yet', HOW_EVENTS_COME)
			: [
					cards(stats, kept),
					charts(stats),
					lift(stats),
					card(
						'Publishers',
						table(
							`Figures in ${stats.currency}, from ${when(stats.from)}`,
							[
								{ name: 'Publisher', value: r => r.publisher_id, cell: r => link(r.publisher_id) },
								{ name: 'Auctions', key: 'auctions' },
								{ name: 'Calls saved', key: 'calls_saved_rate', write: percent },
								{ name: 'Revenue', key: 'revenue', write: usd },
								{ name: 'Per 1,000 auctions', key: 'revenue_per_1000_auctions', write: usd },
								{ name: 'Bid rate', key: 'bid_rate', write: percent },
								{ name: '95 % within', key: 'latency_p95_ms', write: latency },
							],
							stats.publishers,
							3
						),
						stats.publishers_known > stats.publishers.length &&
							h(
								'p',
								{ class: 'dim' },
								`The first ${count(stats.publishers.length)} of ${count(stats.publishers_known)} are shown.`
							)
					),
				],
	];
}

export async function bidders(args) {
	const days = args.get('days') || '7',
		stats = await get(`/stats${query(days)}`);

	return [
		head(
			'Bidders',
			period(days, '#/bidders'),
			h('a', { href: `/stats?days=${at(days)}&format=csv`, download: 'bidders.csv' }, 'Download CSV')
		),
		stats.totals.auctions === 0
			? card('Nothing yet', HOW_EVENTS_COME)
			: card(
					null,
					breakdown(
						stats,
						`All publishers, ${stats.currency}, from ${when(stats.from)}. Failing: over 5 % errors; late: over 10 % timeouts; often late: over 3 %.`
					)
				),
	];
}

export async function audit() {
	const rows = [],
		place = h('div'),
		more = h('button', { type: 'button', onclick: () => load() }, 'Older');

	async function load() {
		const before = rows.length ? `&before=${rows[rows.length - 1].id}` : '';
		const next = (await get(`/api/v1/audit?limit=100${before}`)).audit;

		rows.push(...next);
		more.hidden = next.length < 100;
		place.replaceChildren(
			rows.length
				? table(
						'Newest first',
						[
							{ name: 'Time', value: r => when(r.at_ms), text: true },
							{ name: 'Who', key: 'who', text: true },
							{ name: 'From', key: 'address', text: true },
							{ name: 'Action', key: 'action', text: true },
							{ name: 'Of', key: 'object', text: true },
							{
								name: 'Version',
								value: r => r.version,
								cell: r => (r.version ? `${r.version_before} → ${r.version}` : ''),
							},
							{
								name: 'Outcome',
								value: r => r.outcome,
								cell: r => h('span', { class: r.outcome === 'ok' ? 'good' : 'bad' }, r.outcome),
							},
						],
						rows
					)
				: empty('Nothing was done yet.')
		);
	}

	await load();
	return [head('Audit'), card(null, place, h('p', {}, more))];
}
