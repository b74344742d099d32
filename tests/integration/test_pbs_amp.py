"""GET /openrtb2/amp: what the query makes of the stored request, and the targeting that comes back."""
import json
import urllib.parse

import pytest

from pbs_stack import Pbs, running

BIDDERS = {"aster": "price=2", "birch": "price=1"}
TCF = "CPdECS0PdECS0ACABBENAzCv_____3___wAAAQNd_X9cAAAAAAAA"


def stored(**changes):
    imp = {"id": "i", "banner": {"format": [{"w": 300, "h": 250}, {"w": 300, "h": 600}]},
           "ext": {"prebid": {"bidder": {name: {} for name in BIDDERS}}, "data": {"a": 1}}}
    return {"id": "amp-1", "imp": [imp], "site": {"page": "https://stored.example/"}, **changes}


STORED = {
    "tag": stored(),
    "owned": stored(site={"id": "s", "publisher": {"id": "own"}}),
    "app": stored(app={"id": "x"}),
    "none": stored(imp=[]),
    "two": stored(imp=[{}, {}]),
    "text": "text",
    "uuid": stored(id="{{UUID}}"),
}


@pytest.fixture(scope="module")
def pbs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("amp")
    (folder / "data/stored_requests").mkdir(parents=True)
    for name, request in STORED.items():
        (folder / f"data/stored_requests/{name}.json").write_text(json.dumps(request))
    yaml = (f"stored_requests: {{ directory: {folder / 'data'} }}\namp_timeout_adjustment_ms: 100\n"
            "external_cache: { scheme: https, host: c.example, path: /cache }\n"
            "gdpr: { tcf2: { purpose2: { enforce_purpose: false } } }\n")
    with running(Pbs(folder, BIDDERS, yaml=yaml)) as (server,):
        yield server


def amp(pbs, headers=None, tag_id="tag", **query):
    return pbs.get("/openrtb2/amp?" + urllib.parse.urlencode({"tag_id": tag_id, **query}), headers)


def ok(pbs, **query):
    reply = amp(pbs, **query)
    assert reply.status == 200, reply.text
    return reply.json()


def told(pbs, **query):
    """What a bidder is asked."""
    ok(pbs, **query)
    return pbs.last_request("aster")["body"]


def warnings(reply):
    return [w["message"] for w in reply["ortb2"]["ext"].get("warnings", {}).get("general", [])]


def test_the_answer_is_targeting(pbs):
    reply = amp(pbs, {"Origin": "https://pub-example.cdn.ampproject.org"})
    body = reply.json()
    assert set(body) == {"targeting", "ortb2"} and "debug" not in body["ortb2"]["ext"]
    keys = body["targeting"]
    assert (keys["hb_pb"], keys["hb_bidder"], keys["hb_env"], keys["hb_pb_birch"]) == ("2.00", "aster", "amp", "1.00")
    assert keys["hb_cache_host"] == "c.example" and keys["hb_cache_path"] == "/cache"
    assert pbs.get("/cache?uuid=" + keys["hb_cache_id"]).json()["price"] == 2
    assert reply.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert reply.headers["Access-Control-Expose-Headers"] == "AMP-Access-Control-Allow-Source-Origin"
    assert reply.headers["AMP-Access-Control-Allow-Source-Origin"] == "https://pub-example.cdn.ampproject.org"
    assert reply.headers["X-Prebid"].startswith("nexus-pbs/")


def test_the_source_origin_of_the_query_goes_first_and_cannot_add_headers(pbs):
    reply = amp(pbs, {"Origin": "https://a.example"}, __amp_source_origin="https://b.example")
    assert reply.headers["AMP-Access-Control-Allow-Source-Origin"] == "https://b.example"
    reply = amp(pbs, __amp_source_origin="x\r\nX-Evil: 1")
    assert "X-Evil" not in reply.headers


@pytest.mark.parametrize("query, sizes", [
    ({}, [(300, 250), (300, 600)]),
    ({"w": 320, "h": 50}, [(320, 50)]),
    ({"w": 320, "h": 50, "ow": 1, "oh": 2}, [(1, 2)]),
    ({"h": 50, "ow": 1, "w": 9}, [(1, 50)]),
    ({"w": 320, "oh": 2}, [(320, 2)]),
    ({"w": 320, "h": 50, "ms": "728x90,970x250"}, [(320, 50), (728, 90), (970, 250)]),
    ({"ms": "728x90"}, [(728, 90)]),
    ({"ms": "728x90,bad"}, [(300, 250), (300, 600)]),
    ({"w": 111}, [(111, 250), (111, 600)]),
    ({"h": 222}, [(300, 222), (300, 222)]),
    ({"w": "x", "h": -1}, [(300, 250), (300, 600)]),
])
def test_sizes(pbs, query, sizes):
    assert [(f["w"], f["h"]) for f in told(pbs, **query)["imp"][0]["banner"]["format"]] == sizes


def test_page_slot_and_account(pbs):
    request = told(pbs, curl="https://news.example:8443/a?b=1", slot="/12/top", account="p9")
    assert (request["site"]["page"], request["site"]["domain"]) == ("https://news.example:8443/a?b=1", "news.example")
    assert request["imp"][0]["tagid"] == "/12/top" and request["imp"][0]["secure"] == 1
    assert request["site"]["publisher"]["id"] == "p9" and request["site"]["ext"]["amp"] == 1
    assert told(pbs, tag_id="owned", account="p9")["site"]["publisher"]["id"] == "own"
    assert "id" not in told(pbs, account="ACCOUNT_ID")["site"].get("publisher", {})


def test_timeouts(pbs):
    assert told(pbs, timeout=900)["tmax"] <= 800
    assert ok(pbs, timeout=700, debug=1)["ortb2"]["ext"]["debug"]["resolvedrequest"]["tmax"] == 600


def test_targeting_is_first_party_data(pbs):
    assert told(pbs, targeting='{"b":2}')["imp"][0]["ext"]["data"] == {"a": 1, "b": 2}
    (warning,) = [w for w in warnings(ok(pbs, targeting="{")) if "targeting" in w]
    assert warning.startswith("unable to merge imp.ext with targeting data, check targeting data is correct: ")


def test_debug_and_ids(pbs):
    assert "httpcalls" in ok(pbs, debug=1)["ortb2"]["ext"]["debug"]
    assert "debug" not in ok(pbs, debug="true")["ortb2"]["ext"]
    assert told(pbs, tag_id="uuid")["id"] not in ("{{UUID}}", "")


@pytest.mark.parametrize("query, gdpr, consent, us, warning", [
    ({"consent_string": TCF, "consent_type": 2}, 1, TCF, None, None),
    ({"gdpr_consent": TCF, "consent_type": 2, "gdpr_applies": "false"}, 0, TCF, None, None),
    ({"consent_string": TCF, "gdpr_applies": "T"}, 1, TCF, None, None),
    ({"consent_string": "1YNN"}, None, None, "1YNN", None),
    ({"consent_string": "1YNN", "consent_type": 3, "gdpr_applies": "true"}, None, None, "1YNN",
     "AMP request gdpr_applies value was ignored because provided consent string is a CCPA consent string"),
    ({"consent_string": "xyz", "consent_type": 3}, None, None, None,
     "Consent string 'xyz' is not a valid CCPA consent string."),
    ({"consent_string": "xyz", "consent_type": 2}, 1, None, None,
     "Consent string 'xyz' is not a valid TCF2 consent string."),
    ({"consent_string": "CPxyz", "consent_type": 2, "gdpr_applies": "0"}, 0, None, None,
     "illegal base64 data at input byte 4"),
    ({"consent_string": "xyz"}, None, None, None,
     "Consent string 'xyz' is not recognized as one of the supported formats CCPA or TCF2."),
    ({"consent_string": TCF, "consent_type": 1}, None, None, None,
     "TCF1 consent is deprecated and no longer supported."),
])
def test_consent(pbs, query, gdpr, consent, us, warning):
    reply = ok(pbs, debug=1, slot="after", **query)
    request = reply["ortb2"]["ext"]["debug"]["resolvedrequest"]
    regs, user = request.get("regs", {}), request.get("user", {})
    assert (regs.get("gdpr"), user.get("consent"), regs.get("us_privacy")) == (gdpr, consent, us)
    assert [w for w in warnings(reply) if ("onsent" in w or "base64" in w) and "vendor" not in w] == ([warning] if warning else [])
    assert request["imp"][0]["tagid"] == "after"  # the other parameters count all the same


def test_additional_consent(pbs):
    request = ok(pbs, debug=1, addtl_consent="1~1.35.41")["ortb2"]["ext"]["debug"]["resolvedrequest"]
    assert request["user"]["ext"]["ConsentedProvidersSettings"] == {"consented_providers": "1~1.35.41"}
    assert request["user"]["ext"]["consented_providers_settings"] == {"consented_providers": [1, 35, 41]}


@pytest.mark.parametrize("query, text", [
    ({"tag_id": ""}, "AMP requests require an AMP tag_id"),
    ({"tag_id": "nope"}, 'Stored Request with ID="nope" not found.'),
    ({"tag_id": "../tag"}, 'Stored Request with ID="../tag" not found.'),
    ({"tag_id": "text"}, "No AMP config found for tag_id 'text'"),
    ({"tag_id": "none"}, "data for tag_id='none' does not define the required imp array"),
    ({"tag_id": "two"}, "data for tag_id 'two' includes 2 imp elements. Only one is allowed"),
    ({"tag_id": "app"}, "request.app must not exist in AMP stored requests."),
    ({"gdpr_applies": "perhaps"}, 'strconv.ParseBool: parsing "perhaps": invalid syntax'),
    ({"timeout": "soon"}, 'strconv.ParseUint: parsing "soon": invalid syntax'),
    ({"timeout": "-1"}, 'strconv.ParseUint: parsing "-1": invalid syntax'),
])
def test_refusals(pbs, query, text):
    reply = amp(pbs, **query)
    assert (reply.status, reply.text) == (400, f"Invalid request: {text}\n")
    assert reply.headers["X-Content-Type-Options"] == "nosniff"


def test_very_long_queries_are_refused(pbs):
    assert pbs.get("/openrtb2/amp?tag_id=tag&x=" + "y" * 100_000).status in (400, 413, 414, 431)
