"""/metrics has every family that dashboards of Prebid Server chart, with its labels, and counts what happens."""
import json
import pathlib
import re

import pytest

from pbs_stack import FakeRouter, Pbs, banner_request, request, running, wait_until

# Family, type, labels. From the table of the reference's metrics; what cannot happen here (panics of adapters, signed
# calls, notifications of timeouts) is left out.
FAMILIES = [
    ("connections_opened", "counter", ""), ("connections_closed", "counter", ""),
    ("connections_error", "counter", "connection_error"), ("tmax_timeout", "counter", ""), ("debug_requests", "counter", ""),
    ("stored_responses", "counter", ""), ("gvl_requests", "counter", ""), ("live_gvl_fetch", "counter", "success"),
    ("requests", "counter", "request_status request_type"), ("requests_without_cookie", "counter", "request_type"),
    ("request_time_seconds", "histogram", "request_type"), ("request_size_bytes", "histogram", "request_size"),
    ("request_queue_time", "histogram", "request_status request_type"),
    ("impressions_requests", "counter", "audio banner native video"),
    ("cookie_sync_requests", "counter", "status"), ("setuid_requests", "counter", "status"),
    ("syncer_requests", "counter", "status syncer"), ("syncer_sets", "counter", "status syncer"),
    ("prebidcache_write_time_seconds", "histogram", "success"),
    ("stored_request_cache_performance", "counter", "cache_result"),
    ("stored_impressions_cache_performance", "counter", "cache_result"),
    ("account_cache_performance", "counter", "cache_result"),
    *[(f"stored_{kind}_fetch_time_seconds", "histogram", "stored_data_fetch_type")
      for kind in ("account", "amp", "category", "request", "video", "response")],
    *[(f"stored_{kind}_errors", "counter", "stored_data_error")
      for kind in ("account", "amp", "category", "request", "video", "response")],
    ("dns_lookup_time", "histogram", ""), ("tls_handshake_time", "histogram", ""),
    ("bidder_server_response_time_seconds", "histogram", ""),
    ("privacy_ccpa", "counter", "opt_out source"), ("privacy_coppa", "counter", "source"), ("privacy_lmt", "counter", "source"),
    ("privacy_tcf", "counter", "source version"),
    ("adapter_requests", "counter", "adapter cookie has_bids"), ("adapter_bids", "counter", "adapter delivery"),
    ("adapter_errors", "counter", "adapter adapter_error"), ("adapter_throttled", "counter", "adapter"),
    ("adapter_gdpr_requests_blocked", "counter", "adapter"), ("adapter_buyeruids_scrubbed", "counter", "adapter"),
    ("adapter_prices", "histogram", "adapter"), ("adapter_request_time_seconds", "histogram", "adapter"),
    ("adapter_connection_created", "counter", "adapter"), ("adapter_connection_reused", "counter", "adapter"),
    ("adapter_connection_wait", "histogram", "adapter"), ("adapter_connection_dial_errors", "counter", "adapter"),
    ("adapter_connection_dial_time", "histogram", "adapter"),
    *[(f"adapter_response_validation_{what}", "counter", "adapter success")
      for what in ("size_err", "size_warn", "secure_err", "secure_warn")],
    ("overhead_time_seconds", "histogram", "overhead_type"),
    ("account_requests", "counter", "account"), ("account_debug_requests", "counter", "account"),
    ("account_stored_responses", "counter", "account"),
    *[(f"account_response_validation_{what}", "counter", "account success")
      for what in ("size_err", "size_warn", "secure_err", "secure_warn")],
    ("modules_nexus_router_duration", "histogram", "stage"),
    *[(f"modules_nexus_router_{what}", "counter", "stage")
      for what in ("called", "failed", "success_noops", "success_updates", "success_rejects", "execution_errors", "timeouts")],
]
YAML = """
stored_requests: { directory: '%s' }
metrics: { max_accounts: 2 }
validations: { secure_markup: warn }
video: { enable_deprecated_endpoint: true }
request_timeout_headers: { request_time_in_queue: X-Waited, request_timeout_in_queue: X-May-Wait }
"""


@pytest.fixture(scope="module")
def pbs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("metrics")
    (folder / "accounts").mkdir()
    for name in ("first", "second", "third"):
        (folder / f"accounts/{name}.json").write_text("{}")
    router = FakeRouter()
    bidders = {"aster": "price=2", "birch": "mode=error", "cedar": "http://127.0.0.1:1/"}
    with running(router, Pbs(folder, bidders, idr_port=router.port, yaml=YAML % folder)) as (_, server):
        yield server


def samples(pbs):
    """{family: (type, label names)}; and the sum of the series per family and set of labels."""
    types, labels = {}, {}
    for line in pbs.get("/metrics").text.splitlines():
        if line.startswith("# TYPE "):
            _, _, name, kind = line.split(" ")
            types[name] = kind
        elif m := re.match(r"([a-zA-Z_:0-9]+)(?:\{(.*)\})? (\S+)$", line):
            name = m[1]
            base = re.sub(r"_(bucket|sum|count)$", "", name)
            family = name if name in types else base
            labels.setdefault(family, set()).update(re.findall(r'(\w+)="', m[2] or ""))
    return types, labels


@pytest.mark.parametrize("name, kind, _", FAMILIES)
def test_every_family_is_there(pbs, name, kind, _):
    types, _ = samples(pbs)
    assert types.get(f"nexus_pbs_{name}") == kind


def test_labels_are_those_of_the_reference(pbs):
    pbs.auction(user={"buyeruid": "x"})
    _, labels = samples(pbs)
    for name, _, want in FAMILIES:
        got = labels.get(f"nexus_pbs_{name}", set()) - {"le"}
        assert got in (set(), set(want.split())), name


def change(pbs, do, name, **labels):
    before = pbs.metric(f"nexus_pbs_{name}", **labels)
    do()
    return pbs.metric(f"nexus_pbs_{name}", **labels) - before


@pytest.mark.parametrize("name, labels", [
    ("requests", {"request_type": "openrtb2-web", "request_status": "ok"}),
    ("requests_without_cookie", {"request_type": "openrtb2-web"}),
    ("request_time_seconds_count", {"request_type": "openrtb2-web"}),
    ("request_size_bytes_count", {"request_size": "auction"}),
    ("impressions_requests", {"banner": "true", "video": "false", "audio": "false", "native": "false"}),
    ("debug_requests", {}),
    ("adapter_requests", {"adapter": "aster", "cookie": "no", "has_bids": "true"}),
    ("adapter_requests", {"adapter": "birch", "has_bids": "false"}),
    ("adapter_bids", {"adapter": "aster", "delivery": "adm"}),
    ("adapter_prices_count", {"adapter": "aster"}),
    ("adapter_prices_sum", {"adapter": "aster"}),
    ("adapter_errors", {"adapter": "birch", "adapter_error": "badserverresponse"}),
    ("adapter_errors", {"adapter": "cedar", "adapter_error": "unknown_error"}),
    ("adapter_connection_dial_errors", {"adapter": "cedar"}),
    ("adapter_request_time_seconds_count", {"adapter": "aster"}),
    ("overhead_time_seconds_count", {"overhead_type": "pre-bidder"}),
    ("overhead_time_seconds_count", {"overhead_type": "make-bidder-requests"}),
    ("overhead_time_seconds_count", {"overhead_type": "make-auction-response"}),
    ("account_requests", {"account": "other"}),
    ("modules_nexus_router_called", {"stage": "processed_auction_request"}),
    ("modules_nexus_router_success_noops", {"stage": "processed_auction_request"}),
    ("modules_nexus_router_duration_count", {"stage": "processed_auction_request"}),
])
def test_an_auction_counts(pbs, name, labels):
    want = 2000 if name.endswith("_sum") else 1
    assert change(pbs, lambda: pbs.auction(), name, **labels) == want


@pytest.mark.parametrize("changes, name, labels", [
    ({"regs": {"us_privacy": "1YYN"}}, "privacy_ccpa", {"source": "request", "opt_out": "true"}),
    ({"regs": {"coppa": 1}}, "privacy_coppa", {"source": "request"}),
    ({"device": {"lmt": 1}}, "privacy_lmt", {"source": "request"}),
    ({"regs": {"gdpr": 1}, "user": {"consent": "nonsense"}}, "privacy_tcf", {"version": "err", "source": "request"}),
    ({"site": None, "app": {"bundle": "com.example", "publisher": {"id": "p"}}}, "requests",
     {"request_type": "openrtb2-app", "request_status": "ok"}),
])
def test_what_requests_say_counts(pbs, changes, name, labels):
    body = {k: v for k, v in banner_request(["aster"], **changes).items() if v is not None}
    assert change(pbs, lambda: pbs.post(body), name, **labels) == 1


def test_refusals_count(pbs):
    bad = lambda: pbs.post({"id": "x", "imp": []})
    assert change(pbs, bad, "requests", request_type="openrtb2-web", request_status="badinput") == 1
    assert change(pbs, lambda: pbs.get("/openrtb2/amp"), "requests", request_type="amp", request_status="badinput") == 1


def test_connections_count(pbs):
    opened = pbs.metric("nexus_pbs_connections_opened")
    pbs.get("/status")
    assert pbs.metric("nexus_pbs_connections_opened") >= opened + 2
    wait_until(lambda: pbs.metric("nexus_pbs_connections_closed") >= opened, what="they were closed")


def test_families_that_the_host_wants_not_are_not_there(tmp_path):
    families = {"account_debug": ["account_debug_requests"], "account_stored_responses": ["account_stored_responses"],
                "adapter_connections_metrics": ["adapter_connection_created", "adapter_connection_reused",
                                                "adapter_connection_wait"],
                "adapter_connections_dial_metrics": ["adapter_connection_dial_errors", "adapter_connection_dial_time"],
                "adapter_buyeruid_scrubbed": ["adapter_buyeruids_scrubbed"],
                "adapter_gdpr_request_blocked": ["adapter_gdpr_requests_blocked"]}
    hidden = ", ".join(f"{name}: true" for name in families)
    with running(Pbs(tmp_path, {"aster": ""}, yaml=f"metrics: {{ disabled_metrics: {{ {hidden} }} }}\n")) as (pbs,):
        types, _ = samples(pbs)
    assert {f"nexus_pbs_{name}" for name, _, _ in FAMILIES} - set(types) == \
        {f"nexus_pbs_{name}" for names in families.values() for name in names}


def test_accounts_are_bounded(pbs):
    for name in ("first", "second", "third", "nobody-knows", "first"):
        pbs.auction(site={"id": "s", "publisher": {"id": name}})
    value = lambda name: pbs.metric("nexus_pbs_account_requests", account=name)
    assert (value("first"), value("second"), value("third"), value("nobody-knows")) == (2, 1, 0, 0)
    assert value("other") >= 2


@pytest.mark.parametrize("waited, may_wait, status, label", [
    ("0.5", "3", 500, "requestAcceptedLabel"),  # in time; the body is refused later
    ("3", "3", 408, "requestRejectedLabel"),
    ("soon", "3", 500, None),
    ("1", None, 500, None),
])
def test_requests_that_waited_too_long(pbs, waited, may_wait, status, label):
    headers = {"X-Waited": waited, **({"X-May-Wait": may_wait} if may_wait else {})}
    ask = lambda: replies.append(pbs.post({}, "/openrtb2/video", headers=headers))
    replies = []
    got = change(pbs, ask, "request_queue_time_count", request_type="video", **({"request_status": label} if label else {}))
    assert (replies[0].status, got) == (status, 1 if label else 0)
    if status == 408:
        assert replies[0].text == "Queued request processing time exceeded maximum"
    if waited == "soon":
        assert replies[0].text == "Request timeout headers are incorrect (wrong format)"
