#!/usr/bin/env python3
"""Serves a publisher's page with the real Prebid.js beside nexus-pbs, nexus-idr and mock bidders.

The page's API key is good for its publisher and its origin only. Before the page is opened the router has seen some
hundreds of its auctions, so that it has somebody to skip. Where everything is stands in demo.json below --dir.
"""
import argparse
import functools
import http.server
import json
import os
import pathlib
import secrets
import signal
import sys
import threading
import time
import urllib.parse

import run

ACCOUNT, AMP_TAG = "courier", "courier-amp"
UA = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0 Safari/537.36"
FLOORS = {"banner": 0.05, "video": 0.1, "native": 0.05}
BANNER = """<style>body{margin:0}</style><div style="box-sizing:border-box;width:{w}px;height:{h}px;padding:22px;font-family:system-ui,sans-serif;\
color:#fff;background:linear-gradient(135deg,#0f7173,#16213e);display:flex;flex-direction:column;justify-content:flex-end">
<div style="font-size:38px;font-weight:700;letter-spacing:-1px;text-transform:capitalize">{bidder}</div>
<div style="opacity:.85">won this banner for ${price}</div></div>"""
VAST = """<VAST version="3.0"><Ad id="{bidder}"><InLine><AdSystem>{bidder}</AdSystem><AdTitle>Six seconds</AdTitle>\
<Impression><![CDATA[%(page)s/seen/{bidder}]]></Impression><Creatives><Creative><Linear><Duration>00:00:06</Duration>\
<MediaFiles><MediaFile delivery="progressive" type="video/webm" width="640" height="360"><![CDATA[%(page)s/clip.webm]]>\
</MediaFile></MediaFiles></Linear></Creative></Creatives></InLine></Ad></VAST>"""


def native(page):
    return json.dumps({
        "ver": "1.2", "link": {"url": f"{page}/"},
        "assets": [{"id": 1, "title": {"text": "Seeds for every small garden"}},
                   {"id": 2, "img": {"url": f"{page}/garden.svg", "w": 300, "h": 200}},
                   {"id": 3, "data": {"value": "Brought to you by {bidder}"}}]})


class Page(http.server.SimpleHTTPRequestHandler):
    """The page's files; /sync/<bidder>, where a bidder would look up its own cookie; /seen/, its impressions."""

    protocol_version = "HTTP/1.1"
    stack = None

    def do_GET(self):
        path = urllib.parse.urlsplit(self.path)
        if path.path == "/config.js":
            text = f"window.demoConfig = {json.dumps(self.stack.page_config())};\n"
            self.answer(200, text.encode(), "text/javascript")
        elif path.path.startswith("/sync/"):
            back = urllib.parse.parse_qs(path.query).get("r", [""])[0]
            if back.startswith(self.stack.pbs_url + "/setuid?"):
                self.send_response(302)
                self.send_header("Location", back)
                self.send_header("Content-Length", "0")
                self.end_headers()
            else:
                self.answer(400, b"only back to Prebid Server\n")
        elif path.path.startswith("/seen/"):
            self.answer(204)
        else:
            super().do_GET()

    def answer(self, status, body=b"", kind="text/plain"):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def end_headers(self):
        self.send_header("Cache-Control", "no-store")
        super().end_headers()

    def log_message(self, *args):
        pass


class PageStack(run.Stack):
    """The stack of run.py with a key for the page, bidders that synchronise users, and creatives worth looking at."""

    def __init__(self, args, profiles):
        super().__init__(args, profiles)
        self.page_key = secrets.token_urlsafe(24)
        self.server = http.server.ThreadingHTTPServer(
            ("127.0.0.1", args.port), functools.partial(Page, directory=args.www))
        self.server.daemon_threads = True
        self.page_url = f"http://127.0.0.1:{self.server.server_address[1]}"
        self.pbs_url = f"http://127.0.0.1:{self.pbs}"
        Page.stack = self

    def page_config(self):
        return {"pbs": self.pbs_url, "key": self.page_key, "account": ACCOUNT, "bidders": self.names}

    def write_config(self):
        super().write_config()
        for name in self.names:
            with open(self.dir / "bidder-info" / f"{name}.yaml", "a") as f:
                f.write("userSync: { redirect: { url: \"%s/sync/%s?r={{.RedirectURL}}\", userMacro: \"%s-knows-you\" } }\n"
                        % (self.page_url, name, name))
        stored = self.dir / "data" / "stored_requests"
        stored.mkdir(parents=True)
        (stored / f"{AMP_TAG}.json").write_text(json.dumps(amp_request(self.names)))
        (self.dir / "pbs.yaml").write_text(json.dumps({
            "auth": {"keys": [
                {"key": self.page_key, "publisher": ACCOUNT, "name": "page", "origins": [self.page_url]}]},
            "stored_requests": {"directory": str(stored.parent)}}))
        (self.dir / "creatives.json").write_text(json.dumps(
            {"banner": BANNER, "video": VAST % {"page": self.page_url}, "native": native(self.page_url)}))

    def start(self, name, argv, env, ready):
        more = {"mockbidder": ["--keep", "--creatives", self.dir / "creatives.json"],
                "pbs": ["--config", self.dir / "pbs.yaml"]}
        # A laptop that runs all of this and a browser needs longer than a router on its own machine.
        super().start(name, [*argv, *more.get(name, [])], {**env, "IDR_TIMEOUT_MS": "250"}, ready)

    def stop(self):
        if self.serving:
            self.server.shutdown()
        self.server.server_close()
        return super().stop()

    serving = False

    def serve(self):
        self.serving = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def write_facts(self):
        facts = {"page": self.page_url, "pbs": self.pbs_url, "idr": f"http://127.0.0.1:{self.idr}",
                 "mock": f"http://127.0.0.1:{self.mock}", "bidders": self.names,
                 "pids": {name: proc.pid for name, proc in self.procs}}
        part = self.dir / "demo.json.new"
        part.write_text(json.dumps(facts))
        part.rename(self.dir / "demo.json")


def page_request(number, names):
    """An auction like those of the page."""
    assets = [{"id": 1, "required": 1, "title": {"len": 90}}, {"id": 2, "required": 1, "img": {"type": 3, "w": 300, "h": 200}},
              {"id": 3, "required": 1, "data": {"type": 1}}]
    units = {
        "banner": {"topframe": 1, "format": [{"w": 300, "h": 250}]},
        "video": {"mimes": ["video/webm"], "protocols": [2, 3, 5, 6], "plcmt": 4, "minduration": 5, "maxduration": 30,
                  "w": 640, "h": 360},
        "native": {"ver": "1.2", "request": json.dumps({"ver": "1.2", "context": 1, "plcmttype": 1, "assets": assets})},
    }
    bidders = {name: {} for name in names}
    return {
        "id": f"rehearsal-{number}",
        "imp": [{"id": kind, kind: unit, "bidfloor": FLOORS[kind], "bidfloorcur": "USD",
                 "ext": {"prebid": {"bidder": bidders}}} for kind, unit in units.items()],
        "site": {"domain": "127.0.0.1", "page": "http://127.0.0.1/", "publisher": {"id": ACCOUNT}},
        "device": {"ua": UA, "ip": "127.0.0.1", "w": 1280, "h": 800}, "tmax": 400,
    }


def amp_request(names):
    """What is stored for page/amp.html: AMP pages name a request and send no body."""
    imp = {"id": "amp", "banner": {"format": [{"w": 300, "h": 250}]}, "bidfloor": FLOORS["banner"], "bidfloorcur": "USD",
           "ext": {"prebid": {"bidder": {name: {} for name in names}}}}
    return {"id": AMP_TAG, "imp": [imp], "site": {"page": "http://127.0.0.1/"}, "tmax": 400}


def rehearse(stack, client, auctions, threads=16):
    """Auctions before anybody looks. What goes wrong in one is seen in the page's own."""
    lock, numbers = threading.Lock(), iter(range(auctions))

    def worker():
        while True:
            with lock:
                number = next(numbers, None)
            if number is None:
                return
            client.call(stack.pbs, "POST", "/openrtb2/auction", json.dumps(page_request(number, stack.names)), stack.key)

    pool = [threading.Thread(target=worker) for _ in range(threads)]
    for thread in pool:
        thread.start()
    for thread in pool:
        thread.join()
    run.wait_for_learning(stack, client, auctions)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bin", default="build/release/bin")
    parser.add_argument("--www", default="build/demo/www")
    parser.add_argument("--dir", default="var/page")
    parser.add_argument("--port", type=int, default=0, help="of the page; 0 = any free one")
    parser.add_argument("--pbs-port", type=int, default=0)
    parser.add_argument("--idr-port", type=int, default=0)
    parser.add_argument("--rehearsals", type=int, default=400)
    args = parser.parse_args()

    profiles = run.HERE / "bidders.json"
    stack = PageStack(args, json.loads(profiles.read_text()))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        stack.write_config()
        print(f"Starting mock bidders ({len(stack.names)}), nexus-idr and nexus-pbs; logs are in {stack.dir}", flush=True)
        stack.start_all(profiles)
        begin = time.monotonic()
        rehearse(stack, run.Client(), args.rehearsals)
        stack.serve()
        stack.write_facts()
        print(f"The router has learned from {args.rehearsals} auctions in {time.monotonic() - begin:.1f} s.\n\n"
              f"  the page     {stack.page_url}/\n"
              f"  refused      {stack.page_url}/?consent=refused\n"
              f"  AMP          {stack.page_url}/amp.html\n"
              f"  nexus-pbs    {stack.pbs_url}/\n"
              f"  nexus-idr    http://127.0.0.1:{stack.idr}/   API key {stack.key}\n"
              f"  its dashboard is there too: log in as demo with {stack.password}\n\nStop with Ctrl-C.", flush=True)
        try:
            signal.pause()
        except KeyboardInterrupt:
            print()
    finally:
        stack.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
