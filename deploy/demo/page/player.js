// An outstream player as small as can be: the media file of the VAST, muted, and its impression.
'use strict';

window.playOutstream = function (bid) {
    const vast = new DOMParser().parseFromString(bid.vastXml || bid.ad || '', 'text/xml');
    const file = vast.querySelector('MediaFile'), box = document.getElementById('video-player');

    if (!file || !box)
        return;
    const video = document.createElement('video');

    Object.assign(video, { src: file.textContent.trim(), muted: true, autoplay: true, loop: true, playsInline: true });
    video.addEventListener('playing', () => {
        for (const impression of vast.querySelectorAll('Impression'))
            if (impression.textContent.trim())
                new Image().src = impression.textContent.trim();
        window.demo.playing = true;
    }, { once: true });
    const label = document.createElement('span');

    label.textContent = `video ad · ${bid.bidderCode}`;
    box.append(video, label);
};
