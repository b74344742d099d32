// What a publisher writes: ad units, where Prebid Server is, and what happens once bids are in.
'use strict';

window.pbjs = window.pbjs || { que: [] };
{
    const config = window.demoConfig, demo = window.demo;
    // A TCF string with which somebody said no to every purpose and vendor.
    const REFUSAL = 'CQSU_AAQSU_AAADABBENAwEgAAAAAAAAACQgAAAAAAAA';
    const refused = new URLSearchParams(location.search).get('consent') === 'refused';
    const TEMPLATE = `<style>body{margin:0;font:15px/1.4 system-ui,sans-serif;color:#22303a}
a{display:flex;gap:14px;align-items:center;text-decoration:none;color:inherit}img{width:116px;height:77px;border-radius:6px}
b{display:block;font-size:17px}small{color:#6b7a85}</style>
<a href="##hb_native_linkurl##" target="_blank"><img src="##hb_native_asset_id_2##" alt="">
<span><b>##hb_native_asset_id_1##</b><small>##hb_native_asset_id_3##</small></span></a>`;
    const bids = config.bidders.map(bidder => ({ bidder, params: {} }));
    const adUnits = [
        { code: 'banner', mediaTypes: { banner: { sizes: [[300, 250]] } }, bids },
        {
            code: 'video',
            mediaTypes: {
                video: {
                    context: 'outstream', playerSize: [[640, 360]], mimes: ['video/webm'], protocols: [2, 3, 5, 6], plcmt: 4,
                    minduration: 5, maxduration: 30, playbackmethod: [6], api: [],
                },
            },
            renderer: { url: 'player.js', render: bid => bid.renderer.push(() => window.playOutstream(bid)) },
            bids,
        },
        {
            code: 'native',
            mediaTypes: {
                native: {
                    adTemplate: TEMPLATE,
                    ortb: {
                        ver: '1.2', context: 1, plcmttype: 1,
                        assets: [
                            { id: 1, required: 1, title: { len: 90 } },
                            { id: 2, required: 1, img: { type: 3, w: 300, h: 200 } },
                            { id: 3, required: 1, data: { type: 1 } },
                        ],
                    },
                },
            },
            bids,
        },
    ];

    function settings() {
        const all = {
            bidderTimeout: 1500,
            priceGranularity: 'medium',
            userSync: {
                syncDelay: 0,
                filterSettings: { all: { bidders: '*', filter: 'include' } },
                userIds: refused ? [] : [{ name: 'sharedId', storage: { name: '_sharedid', type: 'cookie', expires: 30 } }],
            },
            currency: { adServerCurrency: 'USD', rates: { USD: { USD: 1, EUR: 0.9, GBP: 0.8 } } },
            floors: {
                data: {
                    currency: 'USD', schema: { fields: ['mediaType'] },
                    values: { banner: 0.05, video: 0.1, native: 0.05 },
                },
            },
            s2sConfig: {
                accountId: config.account, bidders: config.bidders, adapter: 'prebidServer', enabled: true, timeout: 1000,
                endpoint: config.pbs + '/openrtb2/auction',
                syncEndpoint: config.pbs + '/cookie_sync',
                customHeaders: { 'X-API-Key': config.key },
                extPrebid: { debug: true, targeting: { includewinners: true, includebidderkeys: true } },
            },
        };

        if (refused)
            all.consentManagement = {
                gdpr: {
                    cmpApi: 'static',
                    consentData: {
                        getTCData: {
                            tcString: REFUSAL, cmpStatus: 'loaded', eventStatus: 'tcloaded', gdprApplies: true,
                            purpose: { consents: {}, legitimateInterests: {} }, vendor: { consents: {}, legitimateInterests: {} },
                            isServiceSpecific: true, publisherCC: 'DE', tcfPolicyVersion: 4,
                        },
                    },
                },
            };
        return all;
    }

    // The part of the ad server: it sees the targeting keys only, and asks Prebid.js to draw what hb_adid names.
    function draw(code, keys) {
        const slot = document.getElementById(code), old = slot.querySelector('.ad');

        if (old)
            old.remove();
        slot.classList.toggle('empty', !keys.hb_adid);
        if (!keys.hb_adid)
            return;
        if (code === 'video') {
            const box = document.createElement('div');

            box.className = 'ad';
            box.id = 'video-player';
            slot.append(box);
            window.pbjs.renderAd(document, keys.hb_adid);
            return;
        }
        const frame = document.createElement('iframe');

        frame.className = 'ad';
        frame.scrolling = 'no';
        slot.append(frame);
        frame.contentDocument.body.style.margin = 0;
        window.pbjs.renderAd(frame.contentDocument, keys.hb_adid);
    }

    function finish() {
        demo.targeting = window.pbjs.getAdserverTargeting();
        for (const unit of adUnits)
            draw(unit.code, demo.targeting[unit.code] || {});
        window.showAuction(adUnits.map(u => u.code));
        demo.done = (demo.done || 0) + 1;
        document.documentElement.dataset.auctions = demo.done;
    }

    function auction() {
        demo.response = null;
        demo.rendered = [];
        demo.failed = [];
        window.pbjs.requestBids({ bidsBackHandler: finish });
    }

    window.pbjs.que.push(() => {
        window.pbjs.onEvent('adRenderSucceeded', e => demo.rendered.push(e.bid.adUnitCode));
        window.pbjs.onEvent('adRenderFailed', e => demo.failed.push(e.message));
        window.pbjs.setConfig(settings());
        window.pbjs.addAdUnits(adUnits);
        auction();
    });
    document.addEventListener('DOMContentLoaded', () => {
        const link = document.getElementById('consent');

        document.getElementById('again').onclick = auction;
        if (refused) {
            link.href = '?';
            link.textContent = 'Give consent again';
        }
    });
}
