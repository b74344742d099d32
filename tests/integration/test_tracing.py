"""One trace from the caller through both services to the bidders that may know, and its spans at a collector."""
import json
import re
import subprocess

import pytest

from idr_stack import Idr, event
from pbs_stack import BIN, KEY, FakeRouter, JsonServer, Pbs, banner_request, free_port, running, seats, wait_until

ID = "7d1c0a5be34f48d2962b0c8e1fa35d60"
PARENT = "1a9e42c07b6d5f83"
CALLER = {"traceparent": f"00-{ID}-{PARENT}-01"}


class Collector(JsonServer):
    """Takes OTLP over HTTP; `status` is what it answers."""

    def __init__(self, status=200):
        self.batches, self.headers = [], []
        super().__init__(status=status)

    def answer(self, path, query, body, headers):
        self.headers.append((path, dict(headers)))
        self.batches.append(json.loads(body))
        return {}

    def spans(self):
        return [s for b in self.batches for r in b["resourceSpans"] for scope in r["scopeSpans"] for s in scope["spans"]]

    def named(self, name):
        return next(s for s in self.spans() if s["name"] == name)


def tracing(collector, **more):
    return {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, "OTEL_TRACES_SAMPLER_ARG": "1", "PBS_TRACING_OTLP_FLUSH_MS": "10", **more}


def attributes(span):
    return {a["key"]: next(iter(a["value"].values())) for a in span.get("attributes", [])}


def seen_by_router(router):
    """Makes the router keep the traceparent of every question."""
    seen = []
    answer = router.behave

    def behave(handler, body):
        seen.append(handler.headers.get("traceparent"))
        answer(handler, body)
    router.behave = behave
    return seen


def sent_headers(reply):
    return {name: {k.lower(): v for k, v in calls[0]["requestheaders"].items()}
            for name, calls in reply["ext"]["debug"]["httpcalls"].items()}


def test_the_callers_trace_goes_on_to_the_router_and_to_bidders_that_may_know(tmp_path):
    router = FakeRouter()
    seen = seen_by_router(router)
    with running(router, Pbs(tmp_path, {"aster": "", "birch": ""}, router.port, yaml="adapters: {birch: {traceparent: true}}\n")) as (_, pbs):
        reply = pbs.post(json.dumps(request_body(pbs)), headers=CALLER).json()
        assert set(seats(reply)) == {"aster", "birch"}
        assert re.fullmatch(rf"00-{ID}-[0-9a-f]{{16}}-01", seen[0]) and PARENT not in seen[0]
        headers = sent_headers(reply)
        assert "traceparent" not in headers["aster"], "bidders could tell by it that they see the same auction"
        assert re.fullmatch(rf"00-{ID}-[0-9a-f]{{16}}-01", headers["birch"]["traceparent"][0])


@pytest.mark.parametrize("sent", [{}, {"traceparent": "00-zz-1-01"}, {"traceparent": "00-" + "0" * 32 + "-" + PARENT + "-01"}])
def test_a_trace_begins_where_there_is_none(tmp_path, sent):
    router = FakeRouter()
    seen = seen_by_router(router)
    with running(router, Pbs(tmp_path, {"aster": ""}, router.port)) as (_, pbs):
        for _ in range(2):
            assert pbs.post(json.dumps(request_body(pbs)), headers=sent).status == 200
    ids = [re.fullmatch(r"00-([0-9a-f]{32})-[0-9a-f]{16}-00", s)[1] for s in seen]
    assert len(set(ids)) == 2 and "0" * 32 not in ids


def test_switched_off_nobody_is_told(tmp_path):
    router = FakeRouter()
    seen = seen_by_router(router)
    with running(router, Pbs(tmp_path, {"aster": ""}, router.port, env={"TRACING_ENABLED": "false"}, yaml="log: {access: all}\n"
                             "adapters: {aster: {traceparent: true}}\n")) as (_, pbs):
        reply = pbs.post(json.dumps(request_body(pbs)), headers=CALLER).json()
        assert seen == [None] and "traceparent" not in sent_headers(reply)["aster"]
        wait_until(lambda: '"event":"request"' in pbs.process.log(), what="the request's line")
        assert "trace_id" not in pbs.process.log()


def test_log_lines_of_both_services_name_the_trace(tmp_path):
    (tmp_path / "pbs").mkdir()
    with running(Idr(tmp_path, env={"LOG_LEVEL": "debug"})) as (idr,):
        with running(Pbs(tmp_path / "pbs", {"aster": ""}, idr.port, yaml="log: {access: all}\n", env={
                "IDR_TIMEOUT_MS": "1000", "IDR_API_KEY": KEY})) as (pbs,):
            assert pbs.post(json.dumps(request_body(pbs)), headers=CALLER).status == 200
            # a request's line is written after its reply
            line = wait_until(lambda: [json.loads(text) for text in pbs.process.log().splitlines()
                                       if '"event":"request"' in text and ID in text], what="the request's line")[0]
            assert line["trace_id"] == ID and line["path"] == "/openrtb2/auction" and line["request_id"]
            lines = wait_until(lambda: [json.loads(text) for text in idr.process.log().splitlines() if ID in text], what="a line of the router")
            assert lines[0]["path"] == "/route" and lines[0]["trace_id"] == ID


def test_spans_tell_what_an_auction_waited_for(tmp_path):
    collector, router = Collector(), FakeRouter()
    seen = seen_by_router(router)
    with running(collector, router, Pbs(tmp_path, {"aster": "", "birch": "mode=error"}, router.port, env=tracing(
            collector, OTEL_EXPORTER_OTLP_HEADERS="x-team=ads, authorization=Bearer abc"))) as (_, _, pbs):
        assert pbs.post(json.dumps(request_body(pbs)), headers=CALLER).status == 200
        wait_until(lambda: any(s["name"] == "birch" for s in collector.spans()), what="spans")
        path, headers = collector.headers[0]
        assert path == "/v1/traces" and headers["Content-Type"] == "application/json"
        assert headers["x-team"] == "ads" and headers["authorization"] == "Bearer abc"
        resource = attributes(collector.batches[0]["resourceSpans"][0]["resource"])
        assert resource["service.name"] == "nexus-pbs" and resource["service.version"]
        spans = {s["name"]: s for s in collector.spans()}
        assert spans.keys() >= {"openrtb2", "resolve", "enrich", "check", "privacy", "route", "bid", "judge", "reply", "POST /route",
                                "aster", "birch"}
        assert {s["traceId"] for s in spans.values()} == {ID} and len({s["spanId"] for s in spans.values()}) == len(spans)
        root = spans["openrtb2"]
        assert root["parentSpanId"] == PARENT and root["kind"] == 2
        assert attributes(root)["http.response.status_code"] == "200" and attributes(root)["nexus.bidders.called"] == "2"
        assert spans["bid"]["parentSpanId"] == root["spanId"]
        assert spans["aster"]["parentSpanId"] == spans["bid"]["spanId"] and "status" not in spans["aster"]
        assert attributes(spans["aster"])["nexus.outcome"] == "bid"
        assert spans["birch"]["status"] == {"code": 2} and attributes(spans["birch"])["http.response.status_code"] == "500"
        assert spans["POST /route"]["parentSpanId"] == spans["route"]["spanId"]
        assert seen[0].split("-")[2] == spans["POST /route"]["spanId"], "the router's part hangs on the call"
        for s in spans.values():
            assert int(root["startTimeUnixNano"]) <= int(s["startTimeUnixNano"]) <= int(s["endTimeUnixNano"]), s["name"]
        text = json.dumps(collector.batches)
        assert "203.0.114.7" not in text and "news.example.com" not in text
        wait_until(lambda: pbs.metric("nexus_pbs_spans_total", fate="sent") >= len(spans), what="they are counted")


@pytest.mark.parametrize("follow, sampled", [("false", 0), ("true", 2)])
def test_who_decides_what_is_exported(tmp_path, follow, sampled):
    """The host does, unless it trusts its callers: strangers could otherwise have every auction exported."""
    collector = Collector()
    with running(collector, Pbs(tmp_path, {"aster": ""}, env=tracing(collector, OTEL_TRACES_SAMPLER_ARG="0"),
                                yaml=f"tracing: {{follow_caller: {follow}}}\n")) as (_, pbs):
        for headers in (CALLER, CALLER, {}, {"traceparent": CALLER["traceparent"][:-1] + "0"}):
            assert pbs.post(json.dumps(request_body(pbs)), headers=headers).status == 200
    assert len([s for s in collector.spans() if s["name"] == "openrtb2"]) == sampled, "what waits is sent before the end"


@pytest.mark.parametrize("status, fate", [(400, "refused"), (503, "dropped"), (None, "dropped")])
def test_a_collector_that_does_not_take_them_costs_nothing_but_spans(tmp_path, status, fate):
    collector = Collector(status or 200)
    env = tracing(collector)
    if status is None:
        env["OTEL_EXPORTER_OTLP_ENDPOINT"] = f"http://127.0.0.1:{free_port()}"
    with running(collector, Pbs(tmp_path, {"aster": ""}, env=env, yaml="tracing: {otlp: {max_bytes: 8192}}\n")) as (_, pbs):
        for _ in range(20):
            assert set(seats(pbs.auction())) == {"aster"}
        wait_until(lambda: pbs.metric("nexus_pbs_spans_total", fate=fate) > 0, what=f"spans are {fate}")
        assert pbs.metric("nexus_pbs_spans_total", fate="sent") == 0


def test_a_refused_request_has_its_spans_too(tmp_path):
    collector = Collector()
    with running(collector, Pbs(tmp_path, {"aster": ""}, env=tracing(collector))) as (_, pbs):
        assert pbs.post("{", headers=CALLER).status == 400
        wait_until(lambda: collector.spans(), what="spans")
        assert attributes(collector.named("openrtb2"))["http.response.status_code"] == "400"
        assert not [s for s in collector.spans() if s["name"] == "bid"]


@pytest.mark.parametrize("service", ["nexus-pbs", "nexus-idr"])
def test_a_collector_must_be_a_url(service):
    done = subprocess.run([BIN / service, "--check-config"], capture_output=True, text=True, env={
        "API_KEY_DEFAULT": "0123456789abcdef", "OTEL_EXPORTER_OTLP_ENDPOINT": "collector:4318"})
    assert done.returncode == 1 and "tracing.otlp.endpoint" in done.stderr


# --- the router's part


def router_tracing(collector, **more):
    return {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, "IDR_TRACING_OTLP_FLUSH_MS": "10", **more}


def ask_route(idr, **more):
    return idr.ask("POST", "/route", {"auction_id": "r", "publisher_id": "p1", "bid_request": {"imp": [{"id": "1", "banner": {}}]},
                                      "configured_bidders": ["aster", "birch"]}, **more)


def test_the_routers_spans_hang_on_the_callers(tmp_path):
    collector = Collector()
    with running(collector, Idr(tmp_path, env=router_tracing(collector, OTEL_EXPORTER_OTLP_HEADERS="x-team=ads"))) as (_, idr):
        assert ask_route(idr, headers=CALLER).status == 200
        assert idr.ask("POST", "/analytics", [event("a1"), event("a1"), {"ts": 1}], headers=CALLER).status == 400
        wait_until(lambda: len(collector.spans()) >= 2, what="spans")
        assert collector.headers[0][1]["x-team"] == "ads"
        resource = attributes(collector.batches[0]["resourceSpans"][0]["resource"])
        assert resource["service.name"] == "nexus-idr" and resource["service.version"]
        route, analytics = collector.named("route"), collector.named("analytics")
        assert len({route["spanId"], analytics["spanId"], PARENT}) == 3
        for span in route, analytics:
            assert span["traceId"] == ID and span["parentSpanId"] == PARENT and span["kind"] == 2 and "status" not in span
            assert int(span["startTimeUnixNano"]) <= int(span["endTimeUnixNano"])
        assert attributes(route) == {"http.response.status_code": "200", "nexus.publisher": "p1", "nexus.router.mode": "learning",
                                     "nexus.bidders": "2", "nexus.bidders.selected": "2"}
        assert attributes(analytics) == {"http.response.status_code": "400", "nexus.events.accepted": "2",
                                         "nexus.events.duplicate": "1", "nexus.events.rejected": "1"}
        wait_until(lambda: idr.metric('nexus_idr_spans_total{fate="sent"}') >= 2, what="they are counted")


def test_the_router_exports_what_the_caller_keeps_and_lets_in(tmp_path):
    """Nothing of callers that are not let in: strangers could fill the collector."""
    collector, unsampled = Collector(), {"traceparent": CALLER["traceparent"][:-1] + "0"}
    with running(collector, Idr(tmp_path, env=router_tracing(collector))) as (_, idr):
        for headers, key, status in ((unsampled, KEY, 200), ({}, KEY, 200), (CALLER, "wrong-key", 401), (CALLER, None, 401)):
            assert ask_route(idr, headers=headers, key=key).status == status
        assert idr.ask("GET", "/health", headers=CALLER).status == 200
        assert ask_route(idr, headers=CALLER).status == 200
        assert idr.ask("POST", "/route", "{", headers=CALLER).status == 400
    assert [attributes(s)["http.response.status_code"] for s in collector.spans()] == ["200", "400"], "what waits is sent before the end"


def test_switched_off_the_router_exports_nothing(tmp_path):
    collector = Collector()
    with running(collector, Idr(tmp_path, env=router_tracing(collector, TRACING_ENABLED="false"))) as (_, idr):
        assert ask_route(idr, headers=CALLER).status == 200
    assert not collector.batches


@pytest.mark.parametrize("status, fate", [(400, "refused"), (503, "dropped"), (None, "dropped")])
def test_a_collector_that_does_not_take_the_routers_spans_costs_nothing_else(tmp_path, status, fate):
    collector = Collector(status or 200)
    env = router_tracing(collector, IDR_TRACING_OTLP_MAX_BYTES="4096")
    if status is None:
        env["OTEL_EXPORTER_OTLP_ENDPOINT"] = f"http://127.0.0.1:{free_port()}"
    with running(collector, Idr(tmp_path, env=env)) as (_, idr):
        for _ in range(40):
            assert ask_route(idr, headers=CALLER).status == 200
        wait_until(lambda: idr.metric(f'nexus_idr_spans_total{{fate="{fate}"}}') > 0, what=f"spans are {fate}")
        assert idr.metric('nexus_idr_spans_total{fate="sent"}') == 0


def test_one_trace_through_both_services(tmp_path):
    collector = Collector()
    (tmp_path / "pbs").mkdir()
    with running(collector, Idr(tmp_path, env=router_tracing(collector))) as (_, idr):
        with running(Pbs(tmp_path / "pbs", {"aster": ""}, idr.port, env=tracing(collector, IDR_TIMEOUT_MS="1000"))) as (pbs,):
            assert pbs.post(json.dumps(request_body(pbs)), headers=CALLER).status == 200
            wait_until(lambda: len([s for s in collector.spans() if s["kind"] == 2]) == 2, what="both services' spans")
    call = collector.named("POST /route")
    asked = next(s for s in collector.spans() if s["name"] == "route" and s["kind"] == 2)
    assert asked["parentSpanId"] == call["spanId"] and asked["traceId"] == call["traceId"] == ID
    assert attributes(asked)["nexus.bidders"] == "1"


def request_body(pbs):
    return banner_request(list(pbs.bidders))
