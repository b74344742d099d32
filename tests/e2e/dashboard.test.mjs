// The dashboard in a real browser, at a router with a week of a market behind it. The order matters: what is changed in one
// test is seen in a later one, and towards the end the router is gone.
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
const FLAGS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
    '--disable-component-update', '--disable-sync', '--host-resolver-rules=MAP router.example 127.0.0.1'];
const WAIT = 15000;
let stack, facts, browser, ada;

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

before(async () => {
    const dir = path.join(OUT, 'dashboard');
    const file = path.join(dir, 'dashboard.json');

    fs.rmSync(dir, { recursive: true, force: true });
    fs.mkdirSync(dir, { recursive: true });
    stack = spawn(PYTHON, ['-B', path.join(ROOT, 'tests/e2e/dashboard.py'), dir],
                  { env: { ...process.env, NEXUS_BIN: BIN }, stdio: ['ignore', fs.openSync(path.join(OUT, 'dashboard.log'), 'w'), 'inherit'] });
    await until(() => fs.existsSync(file) || stack.exitCode !== null, 'the router has its week', 90000);
    assert.equal(stack.exitCode, null, `the stack ended; see ${OUT}/dashboard.log`);
    facts = JSON.parse(fs.readFileSync(file));
    browser = await chromium.launch({ executablePath: CHROMIUM, args: FLAGS });
    ada = await open();
});

after(async () => {
    await browser?.close();
    if (stack && stack.exitCode === null) {
        stack.kill('SIGTERM');
        await once(stack, 'exit');
    }
});

// A page in a profile of its own. What the browser's console says is kept: a refusal of the content security policy is there.
async function open(options = {}) {
    const page = await (await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options })).newPage();

    page.setDefaultTimeout(WAIT);
    page.errors = [];
    page.asked = [];
    page.on('pageerror', e => page.errors.push(e.stack));
    page.on('console', m => m.type() === 'error' && !/status of 40[013]/.test(m.text()) && page.errors.push(m.text()));
    page.on('request', r => page.asked.push(r.url()));
    page.on('dialog', d => d.accept());
    await page.goto(`${facts.page}/`);
    return page;
}

async function login(page, user, password = facts.password) {
    await page.getByLabel('Name').fill(user);
    await page.getByLabel('Password').fill(password);
    await page.keyboard.press('Enter');
}

const title = (page, text) => page.getByRole('heading', { level: 1, name: text }).waitFor();
const shot = (page, name, more) => page.screenshot({ path: path.join(OUT, `${name}.png`), ...more });

test('who has no password does not get in', async () => {
    await login(ada, 'ada', 'wrong horse battery');
    await ada.getByRole('alert').getByText('wrong').waitFor();
    assert.ok(!(await ada.context().cookies()).length);
    await shot(ada, 'login');
});

test('an admin sees what the router brings', async () => {
    await login(ada, 'ada');
    await title(ada, 'Overview');
    await ada.getByRole('img', { name: /Calls to bidders: configured .*called/ }).waitFor();
    const saved = await ada.locator('.card', { hasText: 'Calls saved' }).first().locator('.big').innerText();
    assert.ok(parseFloat(saved) > 20, `calls were saved: ${saved}`);
    assert.match(await ada.locator('main').innerText(), /Revenue against control[^]*US dollars per 1,000 auctions/);
    for (const name of ['news.example', 'games.example', 'weather.example'])
        await ada.getByRole('link', { name }).waitFor();
    assert.ok(await ada.locator('svg.chart path.line').count() >= 7, 'lines are drawn');
    await shot(ada, 'overview');
    await shot(ada, 'overview-whole', { fullPage: true });
});

test('a time chosen is a time shown', async () => {
    await ada.getByRole('combobox', { name: 'Time' }).selectOption('1');
    await ada.waitForURL(/days=1$/);
    await ada.getByText(/\d\d:00/).first().waitFor();
    await ada.goBack();
    await ada.waitForURL(/#\/$|\/$/);
});

test('bidders, with how they do', async () => {
    await ada.getByRole('link', { name: 'Bidders' }).click();
    await title(ada, 'Bidders');
    for (const name of facts.bidders)
        await ada.getByRole('cell', { name, exact: true }).waitFor();
    assert.match(await ada.getByRole('row', { name: /kale/ }).innerText(), /late/);
    await ada.getByRole('button', { name: 'Revenue' }).press('Enter');
    assert.equal(await ada.locator('th[aria-sort]').innerText(), 'Revenue');
    const [csv] = await Promise.all([ada.waitForEvent('download'), ada.getByText('Download CSV').click()]);
    assert.match(fs.readFileSync(await csv.path(), 'utf8'), /^at,bidder,auctions/);
    await shot(ada, 'bidders');
});

test('a floor that is changed is in force, and in the audit', async () => {
    await ada.goto(`${facts.page}/#/publisher/news.example`);
    await title(ada, 'Publisher news.example');
    await ada.getByLabel('Least floor').fill('0.77');
    await ada.getByRole('button', { name: 'Set', exact: true }).click();
    await ada.getByText('no floor is below $0.7700').waitFor();
    await ada.getByText('bounded by what an administrator put').waitFor();
    await ada.getByText('Change floors').click();
    await ada.getByLabel('floors').fill(JSON.stringify({ currency: 'USD', modelGroups: [
        { schema: { fields: ['mediaType'] }, values: { banner: 1.23 } }] }));
    await ada.getByRole('button', { name: 'Save', exact: true }).first().click();
await ada.getByText('Saved: floors, version 2').waitFor();
    await ada.getByText('as put by an administrator').waitFor();
    await ada.getByRole('row', { name: 'banner $1.23' }).waitFor();
    await shot(ada, 'publisher', { fullPage: true });
    await ada.getByRole('link', { name: 'Audit' }).click();
    const row = ada.getByRole('row', { name: /ada.*floors\.put.*news\.example.*1 → 2.*ok/ });
    await row.waitFor();
    await ada.getByRole('row', { name: /ada.*login.*wrong password/ }).waitFor();
    await shot(ada, 'audit');
});

test('a mistake is named and changes nothing', async () => {
    await ada.goto(`${facts.page}/#/publisher/games.example`);
    await ada.getByText('Change settings').click();
    await ada.getByLabel('settings', { exact: true }).fill('{"max_biders": 3}');
    await ada.getByRole('button', { name: 'Save', exact: true }).last().click();
    await ada.locator('#notice.bad', { hasText: 'max_biders' }).waitFor();
    await ada.getByText('Nothing is set for this publisher').waitFor();
});

test('what holds for everybody is set in one place', async () => {
    await ada.getByRole('link', { name: 'Publishers' }).click();
    await ada.getByText('Settings of everybody').click();
    await title(ada, 'Everybody');
    await ada.getByRole('cell', { name: 'control_share' }).waitFor();
    await ada.getByText('Change settings').click();
    await ada.getByLabel('settings', { exact: true }).fill('{"control_share": 0.25}');
    await ada.getByRole('button', { name: 'Save', exact: true }).click();
    await ada.getByRole('cell', { name: '0.25', exact: true }).waitFor();
    await ada.getByText('Versions of settings').click();
    await ada.getByRole('row', { name: /2.*ada.*"control_share":0.25/ }).waitFor();
});

test('a decision is explained', async () => {
    await ada.goto(`${facts.page}/#/explain?publisher=weather.example`);
    await ada.getByLabel('Country').fill('GBR');
    await ada.getByRole('button', { name: 'Explain' }).click();
    await ada.getByRole('heading', { name: 'The decision' }).waitFor();
    for (const name of facts.bidders)
        await ada.getByRole('cell', { name, exact: true }).waitFor();
    assert.equal(await ada.locator('svg[aria-label^="Bid rate"]').count(), facts.bidders.length);
    assert.match(await ada.locator('main').innerText(), /Mode (normal|shadow).* of 12 bidders would be called/);
    await shot(ada, 'explain', { fullPage: true });
});

test('a viewer sees it all and is offered no change', async () => {
    const bob = await open({ colorScheme: 'dark', viewport: { width: 390, height: 800 } });

    await login(bob, 'bob');
    await title(bob, 'Overview');
    assert.equal(await bob.getByRole('link', { name: 'Audit' }).count(), 0);
    await shot(bob, 'narrow-and-dark');
    const wide = await bob.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
    assert.ok(wide <= 0, `nothing sticks out of a narrow screen: ${wide}`);
    await bob.goto(`${facts.page}/#/publisher/news.example`);
    await bob.getByRole('heading', { name: 'Floors', exact: true }).waitFor();
    assert.equal(await bob.getByText('Change floors').count(), 0);
    assert.deepEqual(bob.errors, []);
    await bob.context().close();
});

test('the keyboard leads everywhere', async () => {
    await ada.goto(`${facts.page}/#/`);
    await ada.reload();
    await title(ada, 'Overview');
    const met = new Set();

    for (let i = 0; i < 14; i++) {
        await ada.keyboard.press('Tab');
        met.add(await ada.evaluate(() => document.activeElement.textContent.trim().slice(0, 20)));
    }
    for (const name of ['To the content', 'Overview', 'Bidders', 'Explain', 'Audit', 'Log out'])
        assert.ok(met.has(name), `${name} is reached: ${[...met]}`);
});

test('logged out is out, and nothing was asked of anybody else', async () => {
    const cookies = await ada.context().cookies();

    assert.ok(cookies.every(c => c.httpOnly && c.sameSite === 'Strict'));
    await ada.getByRole('button', { name: 'Log out' }).click();
    await ada.getByRole('heading', { name: 'Log in' }).waitFor();
    await ada.context().addCookies(cookies);
    await ada.reload();
    await ada.getByRole('heading', { name: 'Log in' }).waitFor();
    assert.deepEqual(ada.asked.filter(url => !url.startsWith(facts.page)), []);
    assert.deepEqual(ada.errors, []);
});

test('a session that a browser cannot keep is explained', async () => {
    const page = await open();

    await page.goto(`${facts.page.replace('localhost', 'router.example')}/`);
    await login(page, 'bob');
    await page.getByRole('alert').getByText('it does over HTTPS, and at localhost').waitFor();
    await page.context().close();
});

test('a router that is gone is said to be', async () => {
    await login(ada, 'ada');
    await title(ada, 'Overview');
    process.kill(facts.pid, 'SIGTERM');
    await once(stack, 'exit');
    await ada.getByRole('link', { name: 'Bidders' }).click();
    await ada.getByText('The router cannot be reached').waitFor();
    await ada.getByRole('button', { name: 'Try again' }).waitFor();
});
