"""What nexus-pbs fetches beside auctions: exchange rates and floors."""
import http.server
import json
import threading

import pytest

from pbs_stack import FakeRouter, Pbs, banner_request, running, seats, wait_until

FLOORS = {"currency": "USD", "modelgroups": [{"schema": {"fields": ["mediaType"]}, "values": {"banner": 1.5}}]}


class Source:
    """Serves documents by path with an ETag, and counts."""

    def __init__(self, documents, headers=()):
        outer = self
        self.documents, self.seen, self.not_modified = documents, [], 0

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                outer.seen.append((self.path, self.headers.get("X-API-Key")))
                document = outer.documents.get(self.path)
                if document is not None and self.headers.get("If-None-Match") == '"1"':
                    outer.not_modified += 1
                    self.send_response(304)
                    self.send_header("Content-Length", "0")
                    return self.end_headers()
                text = json.dumps(document).encode()
                self.send_response(200 if document is not None else 404)
                self.send_header("Content-Length", str(len(text)))
                self.send_header("ETag", '"1"')
                for name, value in headers:
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *args):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


def price_in_eur(pbs):
    bids = seats(pbs.auction(cur=["EUR"])).get("aster")
    return bids and bids[0]["price"]


def test_rates_are_fetched_and_replaced(tmp_path):
    source = Source({"/rates": {"conversions": {"USD": {"EUR": 0.5}}}})
    bundled = tmp_path / "bundled.json"
    bundled.write_text(json.dumps({"conversions": {"USD": {"EUR": 0.25}}}))
    yaml = (f"currency_converter: {{ fetch_url: '{source.url}/rates', file: {bundled}, fetch_interval_seconds: 1,\n"
            "  stale_rates_seconds: 3 }\n")
    with running(source, Pbs(tmp_path, {"aster": "price=2"}, yaml=yaml)) as (_, pbs):
        wait_until(lambda: price_in_eur(pbs) == 1, 10, "the fetched rate is used")
        source.documents["/rates"] = {"conversions": {"USD": {"EUR": 4}}}
        wait_until(lambda: price_in_eur(pbs) == 8, 10, "the new rate is used")
        source.documents.clear()
        assert price_in_eur(pbs) == 8  # a failed fetch changes nothing…
        wait_until(lambda: price_in_eur(pbs) is None, 10, "…until the rates are stale")
        reply = pbs.auction(cur=["EUR"])
        assert reply["ext"]["errors"]["aster"][0]["message"] == "Currency conversion rate not found: 'USD' => 'EUR'"


def test_bundled_rates_serve_when_nothing_is_fetched(tmp_path):
    with running(Pbs(tmp_path, {"aster": "price=2"}, yaml="currency_converter: { fetch_url: '' }\n")) as (pbs,):
        assert 1 < price_in_eur(pbs) < 3


def floor_of(pbs):
    pbs.auction()
    return pbs.last_request("aster")["body"]["imp"][0].get("bidfloor")


ACCOUNT = "account_defaults: {{ price_floors: {{ enabled: true, use_dynamic_data: true, fetch: {fetch} }} }}\n"


def test_floors_of_an_account_are_fetched_once_and_checked_by_etag(tmp_path):
    source = Source({"/floors.json": FLOORS})
    yaml = ACCOUNT.format(fetch=f"{{ url: '{source.url}/floors.json', period_sec: 1 }}") + \
        "price_floors: { fetch: { allowed_hosts: [127.0.0.1] } }\n"
    with running(source, Pbs(tmp_path, {"aster": "price=2"}, yaml=yaml)) as (_, pbs):
        wait_until(lambda: floor_of(pbs) == 1.5, 10, "the floor is told to the bidder")
        wait_until(lambda: floor_of(pbs) == 1.5 and source.not_modified, 10, "it is asked for again, by its ETag")
        reply = pbs.auction()["ext"]["debug"]["resolvedrequest"]["ext"]["prebid"]["floors"]
        assert reply["location"] == "fetch" and reply["fetchstatus"] == "success"


@pytest.mark.parametrize("name,value", [("max-age", "1"), ("Cache-Control", "public, max-age=1")])
def test_the_source_says_how_long_its_floors_are_good(tmp_path, name, value):
    source = Source({"/floors.json": FLOORS}, [(name, value)])
    yaml = ACCOUNT.format(fetch=f"{{ url: '{source.url}/floors.json' }}") + \
        "price_floors: { fetch: { allowed_hosts: [127.0.0.1] } }\n"
    with running(source, Pbs(tmp_path, {"aster": "price=2"}, yaml=yaml)) as (_, pbs):
        wait_until(lambda: floor_of(pbs) == 1.5, 10, "the floor is told to the bidder")
        wait_until(lambda: floor_of(pbs) is None, 10, "it is forgotten long before the next fetch")
        assert len(source.seen) == 1


def test_floors_of_the_router(tmp_path):
    source = Source({"/floors/pub-1": FLOORS})
    yaml = ACCOUNT.format(fetch="{ period_sec: 60 }")
    with running(source, Pbs(tmp_path, {"aster": "price=2"}, idr_port=source.port, yaml=yaml)) as (_, pbs):
        wait_until(lambda: floor_of(pbs) == 1.5, 10, "the floor is told to the bidder")
        assert [key for path, key in source.seen if path == "/floors/pub-1"] == ["integration-test-key"]


@pytest.mark.parametrize("why,hosts", [("inside the network", ""), ("not on the list", "floors.example.com")])
def test_floors_are_not_fetched_from_anywhere(tmp_path, why, hosts):
    source = Source({"/floors.json": FLOORS})
    yaml = ACCOUNT.format(fetch=f"{{ url: '{source.url}/floors.json' }}") + \
        f"price_floors: {{ fetch: {{ allowed_hosts: [{hosts}] }} }}\n"
    with running(source, Pbs(tmp_path, {"aster": "price=2"}, yaml=yaml)) as (_, pbs):
        asked = {"ext": {"prebid": {"targeting": {}, "floors": {"floorendpoint": {"url": f"{source.url}/request"}}}}}
        for _ in range(5):
            assert "bidfloor" not in pbs.last_request("aster")["body"]["imp"][0] if pbs.auction(**asked) else True
        assert source.seen == []


def test_the_router_reports_as_a_module(tmp_path):
    router = FakeRouter()
    router.behave = FakeRouter.select(["aster"])
    with running(router, Pbs(tmp_path, {"aster": "", "birch": ""}, idr_port=router.port)) as (_, pbs):
        reply = pbs.auction(ext={"prebid": {"targeting": {}, "trace": "basic"}})
        stage = reply["ext"]["prebid"]["modules"]["trace"]["stages"][0]
        result = stage["outcomes"][0]["groups"][0]["invocation_results"][0]
        assert stage["stage"] == "processed_auction_request" and result["status"] == "success"
        assert result["action"] == "update" and result["message"] == "1 of 2 bidders left out"
        assert result["analytics_tags"] == {}
        assert '"execution_time_millis": 0' not in json.dumps(stage)  # time that was none is left out
        assert "modules" not in pbs.auction()["ext"]["prebid"]
        router.behave = lambda handler, body: handler.answer(500, b"")
        assert pbs.auction()["ext"]["prebid"]["modules"]["errors"]["nexus.router"]["select-bidders"]


def test_a_bidder_of_one_format_gets_the_preferred_one(tmp_path):
    bidders = {"aster": "", "birch": "", "cedar": ""}
    one = ", ".join(f"{name}: {{ openrtb: {{ multiformat-supported: false }} }}" for name in bidders)
    yaml = f"account_defaults: {{ preferredmediatype: {{ aster: video, birch: native }} }}\nadapters: {{ {one} }}\n"
    with running(Pbs(tmp_path, bidders, yaml=yaml)) as (pbs,):
        imp = {**banner_request(["aster", "birch", "cedar"])["imp"][0],
               "video": {"mimes": ["video/mp4"], "w": 300, "h": 250}}
        reply = pbs.auction(imp=[imp], ext={"prebid": {
            "targeting": {}, "returnallbidstatus": True, "biddercontrols": {"aster": {"prefmtype": "banner"}}}})
        assert set(pbs.last_request("aster")["body"]["imp"][0]) >= {"banner"} and set(seats(reply)) == {"aster"}
        assert "video" not in pbs.last_request("aster")["body"]["imp"][0]
        nonbid = {s["seat"]: s["nonbid"][0]["statuscode"] for s in reply["ext"]["prebid"]["seatnonbid"]}
        assert nonbid == {"birch": 202, "cedar": 202}
        errors = reply["ext"]["errors"]
        assert "does not have a preferred NATIVE media type" in errors["birch"][0]["message"]
        assert "preferred media type is not defined" in errors["cedar"][0]["message"]
