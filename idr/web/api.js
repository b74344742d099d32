// The way to the server: the session's token on every change, one bar while anything is under way, and one place that
// knows when the session is over.

export const session = { login: 'needed' };
let pending = 0,
	onEnd = () => {};

export const whenOver = act => {
	onEnd = act;
};

function busy(by) {
	pending += by;
	document.getElementById('progress').hidden = pending === 0;
	document.getElementById('main').setAttribute('aria-busy', String(pending > 0));
}

export class Refused extends Error {
	constructor(status, message, wait) {
		super(message);
		this.status = status;
		this.wait = wait;
	}
}

async function read(reply) {
	const text = await reply.text();
	let body = text;

	if ((reply.headers.get('Content-Type') || '').startsWith('application/json')) body = JSON.parse(text);
	if (reply.ok) return body;
	throw new Refused(
		reply.status,
		body.error || `${reply.status} ${reply.statusText}`,
		Number(reply.headers.get('Retry-After')) || 0
	);
}

export async function ask(method, path, body) {
	const headers = { Accept: 'application/json' };

	if (body !== undefined) headers['Content-Type'] = 'application/json';
	if (method !== 'GET' && session.csrf) headers['X-CSRF-Token'] = session.csrf;
	busy(1);
	try {
		return await read(
			await fetch(path, {
				method,
				headers,
				cache: 'no-store',
				credentials: 'same-origin',
				body: body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body),
			})
		);
	} catch (e) {
		if (e instanceof Refused && e.status === 401 && path !== '/login') onEnd();
		if (!(e instanceof Refused))
			throw new Refused(0, 'The router cannot be reached. Is it running, and the connection up?');
		throw e;
	} finally {
		busy(-1);
	}
}

export const get = path => ask('GET', path);

export async function refresh() {
	const s = await get('/api/v1/session');

	for (const key of Object.keys(session)) delete session[key];
	Object.assign(session, s);
	return session;
}

export const isAdmin = () => session.role === 'admin';
export const at = name => encodeURIComponent(name);
