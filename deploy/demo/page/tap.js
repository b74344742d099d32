// Prebid.js keeps what it needs of Prebid Server's response; the panel shows the rest too, so it reads along.
'use strict';

window.demo = { response: null, request: null, status: 0 };
{
    const fetch = window.fetch;

    window.fetch = async function (resource, options) {
        const url = String(resource.url || resource);
        const reply = await fetch.call(this, resource, options);

        if (url.startsWith(window.demoConfig.pbs + '/openrtb2/auction')) {
            window.demo.status = reply.status;
            window.demo.response = await reply.clone().json().catch(() => null);
        }
        return reply;
    };
}
