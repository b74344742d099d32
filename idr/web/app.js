// Start: who is logged in decides what there is; the address behind # decides what is shown.
import { h, card, notice } from './ui.js';
import { ask, refresh, session, isAdmin, whenOver } from './api.js';
import { login, off, overview, bidders, audit } from './views.js';
import { publisher } from './publisher.js';
import { explain } from './explain.js';

const VIEWS = [
	['', 'Overview', overview],
	['publisher', 'Publishers', publisher],
	['bidders', 'Bidders', bidders],
	['explain', 'Explain', explain],
	['audit', 'Audit', audit, true],
];
const main = document.getElementById('main'),
	nav = document.getElementById('nav'),
	who = document.getElementById('who');
let turn = 0;

function frame(name) {
	nav.hidden = false;
	nav.replaceChildren(
		...VIEWS.filter(v => !v[3] || isAdmin()).map(([key, title]) =>
			h('a', { href: `#/${key}`, 'aria-current': key === name ? 'page' : null }, title)
		)
	);
	who.replaceChildren(
		h('span', {}, `${session.user} (${session.role})`),
		h('button', { type: 'button', onclick: leave }, 'Log out')
	);
}

function alone(...nodes) {
	turn++;
	nav.hidden = true;
	who.replaceChildren();
	main.replaceChildren(...nodes);
}

async function leave() {
	try {
		await ask('POST', '/logout');
	} finally {
		location.hash = '#/';
		location.reload();
	}
}

async function show() {
	const [path, query] = location.hash.replace(/^#\/?/, '').split('?');
	const [name, id] = path.split('/');
	const view = VIEWS.find(v => v[0] === name && (!v[3] || isAdmin())) || VIEWS[0];
	const mine = ++turn,
		before = main.dataset.path,
		same = before === path;

	frame(view[0]);
	document.title = `${view[1]} – Nexus demand router`;
	if (!same) main.replaceChildren(card(null, h('p', { class: 'dim' }, 'Loading…')));
	try {
		const nodes = await view[2](new URLSearchParams(query), decodeURIComponent(id || ''));

		/* Somebody who went on meanwhile must not be taken back. */
		if (mine !== turn) return;
		main.replaceChildren(...[nodes].flat(Infinity).filter(Boolean));
		main.dataset.path = path;
		/* Where the eye goes the keyboard goes too; at the first view it stays at the top of the page. */
		if (!same && before !== undefined) main.focus({ preventScroll: true });
	} catch (e) {
		if (mine === turn)
			main.replaceChildren(
				card(
					'This did not work',
					h('p', { class: 'bad' }, e.message),
					h('button', { type: 'button', onclick: show }, 'Try again')
				)
			);
	}
}

async function start() {
	try {
		await refresh();
	} catch (e) {
		alone(
			card(
				'This did not work',
				h('p', { class: 'bad' }, e.message),
				h('button', { type: 'button', onclick: start }, 'Try again')
			)
		);
		return;
	}
	if (session.login === 'ok') await show();
	else alone(session.login === 'off' ? off() : login(start));
}

whenOver(() => {
	if (session.login === 'ok') {
		session.login = 'needed';
		delete session.csrf;
		notice('The session is over. Log in again to go on.');
		alone(
			login(() => {
				notice('');
				return start();
			})
		);
	}
});
window.addEventListener('hashchange', e => {
	if (e.isTrusted) notice('');
	if (session.login === 'ok') show();
});
start();
