"""GET /setuid, /getuids and /optout: the uids cookie, who may set it, and what hostile callers get."""
import base64
import json
import re
import urllib.parse

import pytest

from pbs_stack import JsonServer, Pbs, banner_request, running

SYNC = """
userSync: { key: %s, iframe: { url: "https://sync.example.com/i?r={{.RedirectURL}}", userMacro: "$UID" } }
"""
PIXEL = """
userSync: { redirect: { url: "https://px.example.com/p?r={{.RedirectURL}}", userMacro: "[ID]" } }
"""
BIDDERS = {"aster": "price=2", "birch": "price=1", "cedar": "price=1"}
CHROME = "Mozilla/5.0 (X11; Linux) AppleWebKit/537.36 Chrome/120.0.0.0 Safari/537.36"


class Captcha(JsonServer):
    """Says yes to the answer "human"."""

    def answer(self, path, query, body, headers):
        return {"success": urllib.parse.parse_qs(body.decode()) == {"secret": ["s3cret"], "response": ["human"]}}


@pytest.fixture(scope="module")
def pbs(tmp_path_factory):
    captcha = Captcha()
    folder = tmp_path_factory.mktemp("setuid")
    accounts = folder / "data/accounts"
    accounts.mkdir(parents=True)
    (accounts / "off.json").write_text('{"disabled": true}')
    (accounts / "quiet.json").write_text('{"privacy": {"allowactivities": {"syncUser": {"default": false}}}}')
    yaml = f"""
external_url: https://pbs.example.com
stored_requests: {{ directory: {folder / 'data'} }}
host_cookie: {{ domain: .example.com, ttl_days: 30, max_cookie_size_bytes: 700, family: hostid, cookie_name: hc,
  opt_out_url: "https://example.com/out", opt_in_url: "https://example.com/in",
  optout_cookie: {{ name: noids, value: "yes" }} }}
recaptcha_url: {captcha.url}/siteverify
recaptcha_secret: s3cret
"""
    with running(captcha, Pbs(folder, BIDDERS, yaml=yaml, info={"aster": SYNC % "sk", "birch": PIXEL})) as (_, server):
        yield server


def uids(**ids):
    """A cookie with ids that expire in a far year."""
    entries = {k: {"uid": v, "expires": "2099-01-01T00:00:00Z"} for k, v in ids.items()}
    return raw_cookie({"tempUIDs": entries})


def raw_cookie(value):
    return "uids=" + base64.urlsafe_b64encode(json.dumps(value).encode()).decode()


def setuid(pbs, cookie=None, ua=None, **query):
    headers = {k: v for k, v in {"Cookie": cookie, "User-Agent": ua}.items() if v}
    return pbs.get("/setuid?" + urllib.parse.urlencode(query), headers)


def stored(reply):
    """The ids in the Set-Cookie of a reply."""
    value = re.match(r"uids=([^;]*);", reply.headers["Set-Cookie"])[1]
    assert len(value) % 4 == 0
    return json.loads(base64.urlsafe_b64decode(value)) if value else {}


def test_an_id_is_stored_under_the_syncers_key(pbs):
    reply = setuid(pbs, bidder="ASTER", uid="u 1")
    assert (reply.status, reply.body, reply.headers["Content-Type"]) == (200, b"", "text/html")
    entry = stored(reply)["tempUIDs"]["sk"]
    assert entry["uid"] == "u 1" and re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", entry["expires"])
    assert re.fullmatch(r"uids=[\w=-]+; Path=/; Domain=example.com; Expires=\w{3}, \d\d \w{3} \d{4} [\d:]{8} GMT",
                        reply.headers["Set-Cookie"])


def test_chrome_is_told_that_the_cookie_is_for_other_sites(pbs):
    assert setuid(pbs, bidder="aster", uid="1", ua=CHROME).headers["Set-Cookie"].endswith("; Secure; SameSite=None")
    for old in ("Chrome/66.0", "Chrome/", "Firefox/120"):
        assert "SameSite" not in setuid(pbs, bidder="aster", uid="1", ua=old).headers["Set-Cookie"]
    assert "SameSite" in setuid(pbs, bidder="aster", uid="1", ua="CriOS/67.1").headers["Set-Cookie"]


def test_an_image_sync_is_answered_with_an_image(pbs):
    reply = setuid(pbs, bidder="birch", uid="1")
    assert reply.headers["Content-Type"] == "image/png" and reply.headers["Content-Length"] == "86"
    assert reply.body.startswith(b"\x89PNG")
    assert setuid(pbs, bidder="birch", uid="1", f="B").headers["Content-Type"] == "text/html"


def test_without_an_id_the_entry_goes_and_others_stay(pbs):
    reply = setuid(pbs, uids(sk="1", other="2"), bidder="aster")
    assert set(stored(reply)["tempUIDs"]) == {"other"}
    assert stored(setuid(pbs, uids(sk="1"), bidder="aster")) == {}


def test_other_ids_keep_their_end(pbs):
    entries = stored(setuid(pbs, raw_cookie({"tempUIDs": {"o": {"uid": "2", "expires": "2031-01-02T03:04:05.123456789Z"}}}),
                            bidder="aster", uid="1"))["tempUIDs"]
    assert list(entries) == ["o", "sk"] and entries["o"]["expires"] == "2031-01-02T03:04:05.123456789Z"


@pytest.mark.parametrize("query, status, text", [
    ({}, 400, '"bidder" query param is required'),
    ({"bidder": "nobody"}, 400, "The bidder name provided is not supported by Prebid Server"),
    ({"bidder": "cedar"}, 400, "The bidder name provided is not supported by Prebid Server"),
    ({"bidder": "aster", "f": "x"}, 400, '"f" query param is invalid. must be "b" or "i"'),
    ({"bidder": "aster", "account": "off"}, 400, "account is disabled, please reach out to the prebid server host"),
    ({"bidder": "aster", "gpp_sid": "2,x"}, 400, "invalid gpp_sid encoding, must be a csv list of integers"),
    ({"bidder": "aster", "gdpr": "2"}, 400, "the gdpr query param must be either 0 or 1. You gave 2"),
    ({"bidder": "aster", "gdpr": "1"}, 400, "GDPR consent is required when gdpr signal equals 1"),
    ({"bidder": "aster", "gpp": "DBABM~x", "gdpr": "2"}, 400, "the gdpr query param must be either 0 or 1. You gave 2"),
    ({"bidder": "aster", "gpp": "DBABh4~BVQ~BVQ"}, 400,
     "error parsing uspca consent string: unable to set field CoreSegment.SensitiveDataProcessing due to parse error: "
     "the segment was only 24 bits long"),
    ({"bidder": "aster", "account": "quiet"}, 451, ""),
])
def test_refusals(pbs, query, status, text):
    reply = setuid(pbs, uid="1", **query)
    assert (reply.status, reply.text) == (status, text) and "Set-Cookie" not in reply.headers


def test_malformed_consent_is_named(pbs):
    reply = setuid(pbs, bidder="aster", uid="1", gdpr="1", gdpr_consent="BROKEN")
    assert reply.status == 400
    assert reply.text.startswith("gdpr_consent was invalid. malformed consent string BROKEN: ")


@pytest.mark.parametrize("query", [
    {"gdpr": "0", "gdpr_consent": "BROKEN"},
    {"gdpr_consent": "BROKEN"},  # this host's default is that GDPR does not apply
    {"gpp_sid": "6", "gpp": "DBABM~BROKEN"},
    {"gpp": "DBABAw~?"},  # a section that the reference does not decode
])
def test_consent_that_nobody_asks_about_may_be_anything(pbs, query):
    assert setuid(pbs, bidder="aster", uid="1", **query).status == 200


def test_markup_is_never_a_page(pbs):
    reply = setuid(pbs, bidder="aster", uid="1", gdpr="<script>alert(1)</script>")
    assert reply.status == 400 and reply.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert reply.headers["X-Content-Type-Options"] == "nosniff"


def test_line_breaks_stay_inside_the_cookie(pbs):
    reply = setuid(pbs, bidder="aster", uid="1\r\nSet-Cookie: evil=1", f="b")
    assert stored(reply)["tempUIDs"]["sk"]["uid"] == "1\r\nSet-Cookie: evil=1"
    assert len(reply.headers.get_all("Set-Cookie")) == 1


def test_opted_out(pbs):
    for cookie in (raw_cookie({"optout": True}), "noids=yes"):
        reply = setuid(pbs, cookie, bidder="aster", uid="1")
        assert (reply.status, reply.body) == (401, b"")
    assert setuid(pbs, "noids=no", bidder="aster", uid="1").status == 200


@pytest.mark.parametrize("cookie", [
    "uids=!!!!", "uids=", "uids=e30", raw_cookie([]), raw_cookie({"tempUIDs": 4}),
    raw_cookie({"tempUIDs": {"x": {"uid": "1", "expires": "yesterday"}}}),
    raw_cookie({"tempUIDs": {"x": "1"}}), "uids=" + "A" * 6000,
])
def test_an_unreadable_cookie_is_an_empty_one(pbs, cookie):
    assert list(stored(setuid(pbs, cookie, bidder="aster", uid="1"))["tempUIDs"]) == ["sk"]


def test_the_first_to_expire_goes_when_the_cookie_is_full(pbs):
    entries = {f"k{i}": {"uid": "x" * 60, "expires": f"20{40 + i}-01-01T00:00:00Z"} for i in range(4)}
    reply = setuid(pbs, raw_cookie({"tempUIDs": entries}), bidder="aster", uid="new")
    kept = stored(reply)["tempUIDs"]
    assert len(re.sub("; Domain=[^;]*", "", reply.headers["Set-Cookie"])) <= 700
    assert "sk" not in kept and "k3" in kept  # the new one ends in two weeks, before all others


def test_an_id_larger_than_the_cookie(pbs):
    reply = setuid(pbs, bidder="aster", uid="x" * 900)
    assert (reply.status, reply.text) == (400, "uid that's trying to be synced is bigger than MaxCookieSize")


def test_getuids(pbs):
    assert pbs.get("/getuids").text == "{}\n"
    assert pbs.get("/getuids", {"Cookie": uids(a="1")}).json() == {"buyeruids": {"a": "1"}}
    assert pbs.get("/getuids", {"Cookie": "hc=h7"}).json() == {"buyeruids": {"hostid": "h7"}}


def test_bidders_get_their_ids(pbs):
    reply = pbs.post(banner_request(list(BIDDERS)), headers={"Cookie": uids(sk="u1", birch="u2")})
    assert reply.status == 200
    told = {name: pbs.last_request(name)["body"].get("user", {}).get("buyeruid") for name in BIDDERS}
    assert told == {"aster": "u1", "birch": "u2", "cedar": None}


def test_opting_out_and_in(pbs):
    reply = pbs.get("/optout?optout=1")
    assert (reply.status, reply.headers["Location"]) == (301, "https://pbs.example.com/static/optout.html")
    assert pbs.get("/optout?optout=1&g-recaptcha-response=robot").status == 401
    reply = pbs.post("optout=1&g-recaptcha-response=human", "/optout",
                     headers={"Content-Type": "application/x-www-form-urlencoded", "Cookie": uids(a="1")})
    assert (reply.status, reply.headers["Location"]) == (301, "https://example.com/out")
    assert stored(reply) == {"optout": True} and "SameSite" not in reply.headers["Set-Cookie"]
    reply = pbs.get("/optout?g-recaptcha-response=human", {"Cookie": raw_cookie({"optout": True})})
    assert (reply.headers["Location"], stored(reply)) == ("https://example.com/in", {})


def test_it_is_counted(pbs):
    before = pbs.metric("nexus_pbs_syncer_sets", syncer="birch", status="ok")
    setuid(pbs, bidder="birch", uid="1")
    assert pbs.metric("nexus_pbs_syncer_sets", syncer="birch", status="ok") == before + 1
    assert pbs.metric("nexus_pbs_setuid_requests", status="opt_out") > 0
