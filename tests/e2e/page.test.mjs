// The demo's page in a real browser: Prebid.js against the running nexus-pbs and nexus-idr. The order matters: towards the
// end the router is killed, then Prebid Server.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import test, { after, before } from 'node:test';

const { CHROMIUM, DEMO, BIN, OUT, PYTHON } = process.env;
const { chromium } = createRequire(path.resolve(DEMO, 'package.json'))('playwright-core');
const ROOT = path.resolve(import.meta.dirname || path.dirname(new URL(import.meta.url).pathname), '../..');
const CODES = ['banner', 'video', 'native'];
const FLAGS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
    '--disable-component-update', '--disable-sync', '--autoplay-policy=no-user-gesture-required'];
const WAIT = 15000;
let stack, facts, browser;

async function until(condition, what, ms = WAIT) {
    const end = Date.now() + ms;

    for (;;) {
        const value = await condition();

        if (value)
            return value;
        assert.ok(Date.now() < end, `not within ${ms} ms: ${what}`);
        await new Promise(resolve => setTimeout(resolve, 25));
    }
}

async function json(url) {
    return (await fetch(url)).json();
}

before(async () => {
    const dir = path.join(OUT, 'stack');
    const file = path.join(dir, 'demo.json');

    fs.rmSync(dir, { recursive: true, force: true });
    fs.mkdirSync(OUT, { recursive: true });
    stack = spawn(PYTHON, ['-B', path.join(ROOT, 'deploy/demo/serve.py'), '--bin', BIN, '--www', path.join(DEMO, 'www'), '--dir', dir],
                  { stdio: ['ignore', fs.openSync(path.join(OUT, 'stack.log'), 'w'), 'inherit'] });
    await until(() => fs.existsSync(file) || stack.exitCode !== null, 'the stack is up', 90000);
    assert.equal(stack.exitCode, null, `the stack ended; see ${OUT}/stack.log`);
    facts = JSON.parse(fs.readFileSync(file));
    browser = await chromium.launch({ executablePath: CHROMIUM, args: FLAGS });
});

after(async () => {
    await browser?.close();
    if (stack && stack.exitCode === null) {
        stack.kill('SIGTERM');
        await once(stack, 'exit');
    }
});

// A page in a browser profile of its own (or of `context`), with what went wrong and what was sent.
async function open({ query = '', origin = facts.page, context } = {}) {
    const page = await (context || await browser.newContext({ viewport: { width: 1280, height: 970 } })).newPage();

    page.setDefaultTimeout(WAIT);
    page.errors = [];
    page.sent = [];
    page.on('pageerror', e => page.errors.push(e.stack));
    page.on('request', r => page.sent.push(r.url()));
    await page.goto(`${origin}/${query}`);
    await auctionDone(page, 1);
    return page;
}

async function auctionDone(page, n) {
    await page.waitForFunction(count => Number(document.documentElement.dataset.auctions) >= count, n);
}

async function again(page) {
    const n = Number(await page.evaluate(() => document.documentElement.dataset.auctions));

    await page.click('#again');
    await auctionDone(page, n + 1);
}

async function close(page, shot) {
    await page.screenshot({ path: path.join(OUT, `${shot}.png`) });
    assert.deepEqual(page.errors, []);
    await page.context().close();
}

const result = page => page.evaluate(() => ({
    response: demo.response, targeting: demo.targeting, rows: demo.rows, failed: demo.failed, status: demo.status,
}));
const visible = (page, code) => page.locator(`#${code}`).isVisible();
const uids = async page => {
    const cookie = (await page.context().cookies()).find(c => c.name === 'uids');

    return cookie ? JSON.parse(Buffer.from(cookie.value, 'base64url')).tempUIDs || {} : {};
};
const calls = async () => Object.values(await json(`${facts.mock}/stats`)).reduce((sum, b) => sum + b.requests, 0);

function winnerOf(response, code) {
    const impid = code; // Prebid.js names an imp after its ad unit
    const bids = response.seatbid.flatMap(s => s.bid.filter(b => b.impid === impid).map(b => ({ ...b, seat: s.seat })));

    return bids.reduce((best, b) => (!best || b.price > best.price ? b : best), null);
}

// An auction in which the router left somebody out and every slot was won; some auctions are audits that ask everybody.
async function routed(page) {
    for (let i = 0; i < 12; i++) {
        const r = await result(page);

        if (r.response?.ext.debug.routing.excluded.length && CODES.every(c => r.targeting[c]?.hb_adid))
            return r;
        await again(page);
    }
    assert.fail('in none of twelve auctions was a bidder left out and every slot won');
}

test('winners are rendered by Prebid.js, in all three formats', async () => {
    const page = await open();
    const { targeting, failed } = await routed(page);

    await page.waitForFunction(() => ['banner', 'video', 'native'].every(c => demo.rendered.includes(c)));
    assert.deepEqual(failed, []);
    const creative = page.frameLocator('#banner iframe.ad').frameLocator('iframe');
    const shown = await until(() => creative.locator('body').innerText(), 'the banner has text');
    assert.match(shown.toLowerCase(), new RegExp(targeting.banner.hb_bidder));
    await page.waitForFunction(() => demo.playing);
    assert.match(await page.locator('#video-player span').innerText(), new RegExp(targeting.video.hb_bidder));
    const native = page.frameLocator('#native iframe.ad');
    assert.match(await native.locator('a').innerText(), new RegExp(`Seeds[^]*Brought to you by ${targeting.native.hb_bidder}`));
    await until(() => page.sent.some(u => u.includes('/seen/')), 'the video impression');
    await close(page, 'auction');
});

test('targeting keys are those of the response', async () => {
    const page = await open();
    const { response, targeting } = await routed(page);

    for (const code of CODES) {
        const winner = winnerOf(response, code);
        const theirs = winner.ext.prebid.targeting;

        assert.equal(targeting[code].hb_bidder, winner.seat, code);
        for (const key of ['hb_bidder', 'hb_pb', `hb_pb_${winner.seat}`])
            assert.equal(targeting[code][key], theirs[key], `${code} ${key}`);
    }
    await close(page, 'targeting');
});

test('the panel shows who was asked, skipped and won', async () => {
    const page = await open();
    const { response, targeting } = await routed(page);
    const row = name => page.locator(`#bidders tr[data-bidder=${name}]`);

    assert.equal(await page.locator('#bidders tr').count(), facts.bidders.length);
    for (const e of response.ext.debug.routing.excluded) {
        assert.equal(await row(e.bidder).getAttribute('class'), 'skipped');
        assert.match(await row(e.bidder).innerText(), /skipped: /);
        assert.ok(!(e.bidder in response.ext.responsetimemillis), `${e.bidder} was skipped and not called`);
    }
    assert.equal(await page.locator('#bidders tr.skipped').count(), response.ext.debug.routing.excluded.length);
    for (const code of CODES)
        assert.match(await row(targeting[code].hb_bidder).innerText(), new RegExp(`won .*${code}`));
    assert.match(await page.locator('#summary').innerText(), /nexus-idr chose/);
    await close(page, 'panel');
});

test('cookie sync sets ids and the next auction carries them; a refusal stops both', async () => {
    const page = await open();
    // Syncs that run at once overwrite each other's cookie; the next page view makes up for it, as in life.
    const known = await until(async () => {
        await page.waitForLoadState('networkidle');
        const ids = await uids(page);

        if (Object.keys(ids).length >= 3)
            return ids;
        await page.reload();
        await auctionDone(page, 1);
        return null;
    }, 'three bidders have set their ids', 30000);

    for (const [name, id] of Object.entries(known))
        assert.equal(id.uid, `${name}-knows-you`);
    const carried = await until(async () => {
        await again(page);
        const asked = Object.keys((await result(page)).response?.ext.responsetimemillis || {});

        return asked.find(name => name in known);
    }, 'somebody is asked who knows the browser');
    const last = await json(`${facts.mock}/last/${carried}`);
    assert.equal(last.body.user.buyeruid, `${carried}-knows-you`);
    assert.ok(last.body.user.ext?.eids?.length || last.body.user.eids?.length, 'the shared id goes along');

    const count = await calls();
    const refused = await open({ query: '?consent=refused', context: page.context() });
    assert.equal(await calls(), count, 'nobody gets to see this browser');
    assert.ok(!refused.sent.some(u => u.includes('/sync/')), 'and nobody is synchronised');
    await close(refused, 'synced');
});

test('without consent there is no sync, no id and no ad', async () => {
    const page = await open({ query: '?consent=refused' });
    const { rows } = await result(page);

    assert.ok(page.sent.some(u => u.endsWith('/cookie_sync')), 'Prebid.js asked for syncs');
    assert.ok(!page.sent.some(u => u.includes('/sync/') || u.includes('/setuid')));
    assert.deepEqual(await page.context().cookies(), []);
    assert.ok(rows.length && rows.every(r => r.state === 'blocked'), JSON.stringify(rows));
    for (const code of CODES)
        assert.equal(await visible(page, code), false);
    await close(page, 'consent-refused');
});

test('an AMP page gets its targeting', async () => {
    const page = await (await browser.newContext()).newPage();
    let amp;

    for (let i = 0; i < 12 && !amp?.targeting?.hb_bidder; i++) { // not every auction has a bid
        await page.goto(`${facts.page}/amp.html`);
        await page.waitForFunction(() => window.amp.done, null, { timeout: WAIT });
        amp = await page.evaluate(() => window.amp);
        assert.equal(amp.error, undefined);
        assert.equal(amp.source, facts.page);
    }
    const { hb_bidder: winner, hb_pb: bucket, hb_size: size } = amp.targeting;

    assert.ok(facts.bidders.includes(winner));
    assert.match(bucket, /^\d+\.\d\d$/);
    assert.equal(size, '300x250');
    const { body } = await json(`${facts.mock}/last/${winner}`);
    assert.equal(body.site.publisher.id, 'courier');
    assert.equal(body.imp[0].tagid, '/1234/courier');
    await page.screenshot({ path: path.join(OUT, 'amp.png') });
    await page.context().close();
});

test('a page of another origin cannot use the key', async () => {
    const page = await open({ origin: facts.page.replace('127.0.0.1', 'localhost') });

    assert.equal((await result(page)).status, 403);
    assert.equal(await visible(page, 'banner'), false);
    await close(page, 'other-origin');
});

test('without the router bids still come', async () => {
    process.kill(facts.pids.idr, 'SIGKILL');
    const page = await open();
    const { response, targeting } = await result(page);

    assert.equal(response.ext.debug.routing.source, 'fallback');
    assert.equal(Object.keys(response.ext.responsetimemillis).length, facts.bidders.length, 'everybody is asked');
    assert.ok(CODES.some(c => targeting[c]?.hb_adid));
    assert.match(await page.locator('#summary').innerText(), /No word from nexus-idr/);
    await close(page, 'idr-down');
});

test('without Prebid Server the page still works', async () => {
    process.kill(facts.pids.pbs, 'SIGKILL');
    const page = await open();

    for (const code of CODES)
        assert.equal(await visible(page, code), false, `${code} takes no room`);
    assert.ok(await page.locator('article').isVisible());
    assert.match(await page.locator('#summary').innerText(), /gave no answer/);
    await again(page);
    await close(page, 'pbs-down');
});
