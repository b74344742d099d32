"""Bad input gets a 4xx that names what is wrong, and never more than that."""
import gzip
import json
import socket
import threading

import pytest

from pbs_stack import KEY, Pbs, banner_request, raw_exchange, running, seats


@pytest.fixture(scope="module")
def pbs(tmp_path_factory):
    with running(Pbs(tmp_path_factory.mktemp("pbs"), {"aster": "", "birch": ""},
                     env={"MAX_REQUEST_SIZE": "200000"}, yaml="limits: { idle_timeout_ms: 500 }\n")) as (server,):
        yield server


def changed(**changes):
    return banner_request(["aster"], **changes)


def imp(**changes):
    return changed(imp=[{**banner_request(["aster"])["imp"][0], **changes}])


ROWS = [
    ("nothing", "", "unexpected end of input"),
    ("truncated JSON", '{"id":"a","imp":[{', "line 1"),
    ("an array", "[]", "JSON object"),
    ("depth 10,000", "[" * 10000, "nested too deeply"),
    ("NaN", '{"id":"a","tmax":NaN}', "line 1"),
    ("no id", {"imp": []}, 'request missing required field: "id"'),
    ("no imps", {"id": "a"}, "request.imp must contain at least one element."),
    ("10,000 imps", changed(imp=[{"id": str(i)} for i in range(10000)]), "request.imp has 10000 elements"),
    ("10,000 imps in capitals", {**changed(), "IMP": [{"id": str(i)} for i in range(10000)]}, "request.imp has 10000 elements"),
    ("257 bidders with data of their own", changed(ext={"prebid": {"bidderconfig": [
        {"bidders": [f"b{i}" for i in range(257)], "config": {}}]}}), "ext.prebid.bidderconfig names more than 256 bidders"),
    ("a number for a text", changed(id=7), "id"),
    ("a text for a number", changed(tmax="soon"), "tmax"),
    ("imp ids twice", changed(imp=banner_request(["aster"])["imp"] * 2), 'are both "1". Imp IDs must be unique.'),
    ("negative width", imp(banner={"w": -1, "h": 250}), "request.imp[0].banner.w must be a positive number"),
    ("no media", imp(banner=None), 'must contain at least one of "banner", "video", "audio", or "native"'),
    ("unknown bidder", changed(imp=[{"id": "1", "banner": {"w": 1, "h": 1}, "ext": {"prebid": {"bidder": {"nobody": {}}}}}]),
     "contains unknown bidder: nobody"),
    ("site and app", changed(app={"id": "x"}), "request.site or request.app"),
    ("negative tmax", changed(tmax=-1), "request.tmax must be nonnegative. Got -1"),
]


@pytest.mark.parametrize("why,body,text", ROWS, ids=[r[0] for r in ROWS])
def test_400_names_the_field(pbs, why, body, text):
    reply = pbs.post(body)
    assert reply.status == 400
    assert reply.text.startswith("Invalid request: ") and text in reply.text
    assert reply.headers["Content-Type"] == "text/plain; charset=utf-8"


def test_keys(pbs):
    assert pbs.post(changed(), key=None).status == 401
    assert pbs.post(changed(), key="wrong-key-wrong-key").status == 401
    assert "X-API-Key" in pbs.post(changed(), key=None).json()["error"]
    assert pbs.post(changed(), key=None, headers={"Authorization": f"Bearer {KEY}"}).status == 200


def test_wrong_method_and_path(pbs):
    assert pbs.get("/openrtb2/auction").status == 405
    assert "POST" in pbs.get("/openrtb2/auction").headers["Allow"]
    assert pbs.get("/nothing").status == 404


def test_too_large(pbs):
    assert pbs.post("x" * 200001).status in (400, 413)
    bomb = gzip.compress(b" " * 50_000_000)
    assert pbs.post(bomb, headers={"Content-Encoding": "gzip"}).status in (400, 413)


def test_encodings(pbs):
    body = json.dumps(changed()).encode()
    assert pbs.post(gzip.compress(body), headers={"Content-Encoding": "gzip"}).status == 200
    assert pbs.post(gzip.compress(body), headers={"Content-Encoding": "GZIP"}).status == 200
    assert pbs.post(body, headers={"Content-Encoding": "br"}).status in (400, 415)
    assert pbs.post(body, headers={"Content-Encoding": "gzip"}).status == 400


def test_gzip_reply(pbs):
    reply = pbs.post(changed(test=1), headers={"Accept-Encoding": "gzip"})
    assert reply.headers["Content-Encoding"] == "gzip"
    assert json.loads(gzip.decompress(reply.body))["id"] == "auction-1"


def test_oversize_headers(pbs):
    head = b"POST /openrtb2/auction HTTP/1.1\r\nHost: x\r\nX-Big: " + b"a" * 200000 + b"\r\n\r\n"
    assert b" 431 " in raw_exchange(pbs.port, head).split(b"\r\n")[0]
    assert pbs.get("/status").status == 200


def test_slow_sender_is_timed_out(pbs):
    received = raw_exchange(pbs.port, b"POST /openrtb2/auction HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{", 10)
    assert received == b"" or b"408" in received.split(b"\r\n")[0]


def test_pipelined_requests_are_answered_in_order(pbs):
    bodies = [json.dumps(changed(id=f"p{i}")).encode() for i in range(3)]
    data = b"".join(b"POST /openrtb2/auction HTTP/1.1\r\nHost: x\r\nX-API-Key: %s\r\nContent-Length: %d\r\n\r\n%s"
                    % (KEY.encode(), len(b), b) for b in bodies)
    received = raw_exchange(pbs.port, data, 5)
    positions = [received.find(b'"id":"p%d"' % i) for i in range(3)]
    assert -1 not in positions and positions == sorted(positions)


def test_a_client_that_leaves(pbs):
    """Clients that hang up mid-auction leave nothing behind."""
    body = json.dumps(changed()).encode()
    head = b"POST /openrtb2/auction HTTP/1.1\r\nHost: x\r\nX-API-Key: %s\r\nContent-Length: %d\r\n\r\n" % (KEY.encode(), len(body))

    def leave():
        with socket.create_connection(("127.0.0.1", pbs.port)) as s:
            s.sendall(head + body)

    threads = [threading.Thread(target=leave) for _ in range(50)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert set(seats(pbs.post(changed()).json())) == {"aster"}


def test_request_ids(pbs):
    assert pbs.get("/status", {"X-Request-ID": "abc-123"}).headers["X-Request-ID"] == "abc-123"
    assert pbs.get("/status", {"X-Request-ID": "a b<c>"}).headers["X-Request-ID"] != "a b<c>"


def test_cors(pbs):
    reply = pbs.post(changed(), headers={"Origin": "https://news.example.com"})
    assert reply.headers["Access-Control-Allow-Origin"] == "https://news.example.com"
    assert reply.headers["Access-Control-Allow-Credentials"] == "true"


def test_small_random_damage_is_survived(pbs):
    """Every byte of a good request replaced in turn by a hostile one: an answer each time."""
    good = json.dumps(changed()).encode()
    for i in range(0, len(good), 3):
        for bad in b'"{\x00\xff':
            reply = pbs.post(good[:i] + bytes([bad]) + good[i + 1:])
            assert reply.status in (200, 400)


@pytest.mark.parametrize("why, keywords, kept", [
    ("cut in the middle of an emoji", rb"a\ud83d", "a\ufffd"),
    ("in another code than UTF-8", b"caf\xe9", "caf\ufffd"),
])
def test_text_that_is_damaged_costs_nobody_the_auction(pbs, why, keywords, kept):
    body = json.dumps(changed(user={"keywords": "TEXT"})).encode().replace(b"TEXT", keywords)
    assert set(seats(pbs.post(body).json())) == {"aster"}
    assert pbs.last_request("aster")["body"]["user"]["keywords"] == kept
