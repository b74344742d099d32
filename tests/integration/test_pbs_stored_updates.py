"""Stored data that changes while the server runs: pushed to it, told by another server, changed in its files, kept by the
router."""
import json

import pytest

from pbs_stack import KEY, JsonServer, Pbs, banner_request, request, running, wait_until

BOUND = "bound-key-0123456789"
PATH = "/storedrequests/openrtb2"


def stored(name):
    body = banner_request(["aster"])
    body["ext"]["prebid"]["storedrequest"] = {"id": name}
    return body


def bcat(pbs, name):
    reply = pbs.post(stored(name))
    return pbs.last_request("aster")["body"]["bcat"] if reply.status == 200 else None


@pytest.fixture(scope="module")
def pbs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("updates")
    (folder / "data/stored_requests").mkdir(parents=True)
    (folder / "data/stored_requests/file.json").write_text('{"bcat":["IAB1"]}')
    yaml = (f"stored_requests: {{ directory: '{folder}/data', cache_events: {{ enabled: true }},\n"
            "  in_memory_cache: { ttl_seconds: 0 } }\n"
            f"auth: {{ keys: [{{ key: {BOUND}, publisher: acct }}] }}\n")
    with running(Pbs(folder, {"aster": "price=2"}, yaml=yaml, env={"PBS_WORKERS": "2"})) as (server,):
        yield server


def delete(pbs, body, key=KEY):
    return request(pbs.port, "DELETE", PATH, json.dumps(body), {"X-API-Key": key})


def test_what_is_pushed_is_served_by_every_worker(pbs):
    reply = pbs.post({"requests": {"pushed": {"bcat": ["IAB2"]}}, "accounts": {"closed": {"disabled": True}}}, PATH)
    assert (reply.status, reply.body) == (200, b"")
    for _ in range(6):
        assert bcat(pbs, "pushed") == ["IAB2"]
        assert pbs.post(banner_request(["aster"], site={"id": "s", "publisher": {"id": "closed"}})).status == 503
    assert delete(pbs, {"requests": ["pushed"], "accounts": ["closed"]}).status == 200
    assert pbs.post(stored("pushed")).status == 400
    assert pbs.post(banner_request(["aster"], site={"id": "s", "publisher": {"id": "closed"}})).status == 200


def test_what_is_pushed_goes_before_files_until_it_is_taken_back(pbs):
    assert bcat(pbs, "file") == ["IAB1"]
    pbs.post({"requests": {"file": {"bcat": ["IAB3"]}}}, PATH)
    assert bcat(pbs, "file") == ["IAB3"]
    delete(pbs, {"requests": ["file"]})
    assert bcat(pbs, "file") == ["IAB1"]


def test_files_are_watched(pbs):
    pbs.post({"requests": {"other": {"bcat": ["IAB4"]}}}, PATH)
    (pbs.folder / "data/stored_requests/file.json").write_text('{"bcat":["IAB5"]}')
    wait_until(lambda: bcat(pbs, "file") == ["IAB5"], what="the file was read anew")
    assert bcat(pbs, "other") == ["IAB4"]  # what has nothing to do with it stays
    (pbs.folder / "data/stored_requests/file.json").write_text('{"bcat":')
    wait_until(lambda: "reload_refused" in pbs.process.log(), what="the bad file was seen")
    assert bcat(pbs, "file") == ["IAB5"]


@pytest.mark.parametrize("method, body, status, text", [
    ("POST", "{", 400, "Invalid update.\n"),
    ("POST", '{"requests":[]}', 400, "Invalid update.\n"),
    ("DELETE", '{"requests":{}}', 400, "Invalid invalidation.\n"),
    ("DELETE", "", 400, "Invalid invalidation.\n"),
    ("GET", None, 405, "Method Not Allowed\n"),
])
def test_refusals(pbs, method, body, status, text):
    for path in (PATH, "/storedrequests/amp"):
        reply = request(pbs.port, method, path, body, {"X-API-Key": KEY})
        assert (reply.status, reply.text) == (status, text)


def test_who_may_not(pbs):
    assert pbs.post({}, PATH, key=None).status == 401
    assert pbs.post({}, PATH, key=BOUND).status == 403
    assert delete(pbs, {}, key=BOUND).status == 403


class Teller(JsonServer):
    """A server that tells of changes, or keeps stored data as nexus-idr does. It routes nothing."""

    def __init__(self):
        self.queries, self.data = [], {}
        super().__init__()

    def answer(self, path, query, body, headers):
        if not body:
            self.queries.append((path, {k: v[0] for k, v in query.items()}, headers["X-API-Key"]))
        return {} if body else self.data


def test_another_server_tells_of_changes(tmp_path):
    teller = Teller()
    teller.data = {"requests": {"a": {"bcat": ["IAB1"]}, "b": {"bcat": ["IAB1"]}}}
    yaml = ("stored_requests: { in_memory_cache: { ttl_seconds: 0 }, http_events: { refresh_rate_seconds: 1,\n"
            f"  endpoint: 'http://127.0.0.1:{teller.port}/all?x=1' }} }}\n")
    with running(teller, Pbs(tmp_path, {"aster": "price=2"}, yaml=yaml)) as (_, pbs):
        wait_until(lambda: bcat(pbs, "a") == ["IAB1"], what="the first load")
        assert teller.queries[0][:2] == ("/all", {"x": "1"})
        teller.data = {"requests": {"a": {"bcat": ["IAB2"]}, "b": {"deleted": True}}}
        wait_until(lambda: bcat(pbs, "a") == ["IAB2"], what="the change")
        assert bcat(pbs, "b") is None
        assert teller.queries[1][1]["last-modified"].endswith("Z")
        teller.status, seen = 500, len(teller.queries)
        wait_until(lambda: len(teller.queries) > seen + 1, what="it is asked again")
        assert bcat(pbs, "a") == ["IAB2"]
        assert pbs.metric("nexus_pbs_stored_request_errors", stored_data_error="network") >= 1
        assert pbs.metric("nexus_pbs_stored_request_fetch_time_seconds_count", stored_data_fetch_type="all") == 1


def test_the_router_keeps_stored_requests_too(tmp_path):
    router = Teller()
    router.data = {"requests": {"kept": {"bcat": ["IAB7"]}}}
    with running(router, Pbs(tmp_path, {"aster": "price=2"}, idr_port=router.port)) as (_, pbs):
        assert bcat(pbs, "kept") == ["IAB7"]
        path, query, key = router.queries[0]
        assert (path, query, key) == ("/stored-requests", {"request-id": "kept"}, KEY)
        before = len(router.queries)
        assert pbs.post(banner_request(["aster"])).status == 200
        assert len(router.queries) == before  # it is asked only for what a request names
