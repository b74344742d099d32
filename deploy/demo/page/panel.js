// Who was asked, who was not and why, who bid and who won, as ext.debug of the response tells it.
'use strict';
{
    const REASONS = {
        no_marginal_value: 'adds too little', below_threshold: 'scores too low', max_bidders: 'others are better',
        never: 'on the never list', qps_limit: 'over its rate limit', not_selected: 'not chosen',
    };

    function element(tag, attributes, ...children) {
        const e = Object.assign(document.createElement(tag), attributes);

        e.append(...children);
        return e;
    }

    function bidsOf(response, seat) {
        return (response.seatbid || []).filter(s => s.seat === seat).flatMap(s => s.bid);
    }

    function privacyReason(response, name) {
        const verdict = response.ext.debug.privacy?.bidders?.[name];

        return verdict?.verdict === 'blocked' ? (verdict.rules[0]?.rule || 'privacy') : null;
    }

    // One row: {name, state: won|bid|nobid|error|skipped|blocked, text, ms, price}
    function judge(response, name, winners) {
        const ext = response.ext, times = ext.responsetimemillis || {}, routing = ext.debug.routing || {};
        const skipped = (routing.excluded || []).find(e => e.bidder === name);
        const bids = bidsOf(response, name), won = winners.filter(w => w.bidder === name);
        const row = { name, ms: times[name], price: Math.max(0, ...bids.map(b => b.price)) };

        if (won.length)
            return { ...row, state: 'won', text: 'won ' + won.map(w => w.code).join(', ') };
        if (bids.length)
            return { ...row, state: 'bid', text: `bid ${bids.map(b => b.price.toFixed(2)).join(', ')}` };
        if (ext.errors?.[name])
            return { ...row, state: 'error', text: ext.errors[name][0].message };
        if (privacyReason(response, name))
            return { ...row, state: 'blocked', text: `not asked: ${privacyReason(response, name)}` };
        if (skipped)
            return { ...row, state: 'skipped', text: `skipped: ${REASONS[skipped.reason] || skipped.reason.replace(/_/g, ' ')}` };
        return { ...row, state: 'nobid', text: name in times ? 'asked, no bid' : 'not asked' };
    }

    const ORDER = ['won', 'bid', 'nobid', 'error', 'blocked', 'skipped'];

    function showRows(rows) {
        const body = document.getElementById('bidders'), top = Math.max(0.01, ...rows.map(r => r.price));

        body.replaceChildren(...rows.map(r => {
            const bar = element('i', { className: 'bar' }), line = element('tr', { className: r.state });

            bar.style.width = `${100 * r.price / top}%`;
            line.dataset.bidder = r.name;
            line.append(element('td', {}, r.name), element('td', {}, element('span', { className: 'what', title: r.text }, r.text), bar),
                        element('td', {}, r.ms === undefined ? '' : String(r.ms)));
            return line;
        }));
    }

    function fact(value, label) {
        return element('div', { className: 'fact' }, element('b', {}, String(value)), element('span', {}, label));
    }

    window.showAuction = function (codes) {
        const demo = window.demo, response = demo.response, summary = document.getElementById('summary');
        const winners = codes.filter(c => demo.targeting[c]?.hb_adid).map(code => ({
            code, bidder: demo.targeting[code].hb_bidder, bucket: demo.targeting[code].hb_pb,
        }));

        document.getElementById('slots').replaceChildren(...codes.map(code => {
            const w = winners.find(x => x.code === code);

            return element('div', { className: w ? 'unit' : 'unit none' }, element('span', {}, code),
                           element('b', {}, w ? w.bidder : 'no ad'), element('em', {}, w ? `hb_pb ${w.bucket}` : 'slot collapsed'));
        }));
        if (!response?.ext?.debug) {
            const why = demo.status && demo.status !== 200 ? `Prebid Server answered ${demo.status}` : 'Prebid Server gave no answer';

            summary.textContent = `${why}; the page goes on without ads.`;
            document.getElementById('facts').replaceChildren();
            showRows([]);
            return;
        }
        const routing = response.ext.debug.routing || {};
        const rows = window.demoConfig.bidders.map(name => judge(response, name, winners))
            .sort((a, b) => ORDER.indexOf(a.state) - ORDER.indexOf(b.state) || b.price - a.price || a.name.localeCompare(b.name));
        const asked = rows.filter(r => r.ms !== undefined).length;

        if (rows.every(r => r.state === 'blocked'))
            summary.textContent = 'Nobody may be asked without consent, so nobody was, and nobody was synchronised.';
        else summary.textContent = routing.source === 'idr'
            ? `nexus-idr chose whom to ask (mode: ${routing.mode}).`
            : `No word from nexus-idr (${routing.reason}): every bidder was asked.`;
        document.getElementById('facts').replaceChildren(
            fact(asked, 'asked'), fact(rows.filter(r => r.state === 'skipped').length, 'skipped'),
            fact(rows.filter(r => r.price > 0).length, 'bid'), fact(winners.length, 'slots won'));
        showRows(rows);
        demo.rows = rows;
    };
}
