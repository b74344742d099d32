"""What a host writes into bidders' files reaches the wire, and what is missing there is said once in the log."""
import json

from pbs_stack import Pbs, banner_request, running, seats

ACME = """generic:
  auth: {type: bearer, token: "${ACME_TOKEN:-}"}
  params: {zone: imp.tagid, floor: imp.bidfloor}
  set: {imp.secure: 1, ext.source: nexus}
  remove: [imp.ext.bidder]
  split: imp
  schema:
    type: object
    properties: {zone: {type: [integer, string]}}
    required: [zone]
"""


def ask(pbs, name, params):
    body = banner_request([name])
    body["imp"][0]["ext"]["prebid"]["bidder"][name] = params
    return pbs.post(body)


def reasons(pbs, event):
    lines = [json.loads(line) for line in pbs.process.log().splitlines() if line.startswith("{")]
    return {line["bidder"]: line["reason"] for line in lines if line.get("event") == event}


def test_a_bidder_made_of_yaml(tmp_path):
    with running(Pbs(tmp_path, {"acme": "price=2"}, info={"acme": ACME}, env={"ACME_TOKEN": "sesame"})) as (pbs,):
        reply = ask(pbs, "acme", {"zone": 12, "floor": 0.5})
        assert seats(reply.json())["acme"][0]["price"] == 2
        call = reply.json()["ext"]["debug"]["httpcalls"]["acme"][0]
        assert "sesame" not in json.dumps(call)
        sent = json.loads(call["requestbody"])
        assert sent["imp"][0]["tagid"] == "12"
        assert sent["imp"][0]["bidfloor"] == 0.5
        assert sent["imp"][0]["secure"] == 1
        assert "bidder" not in sent["imp"][0].get("ext", {})
        assert sent["ext"]["source"] == "nexus"
        assert ask(pbs, "acme", {}).status == 400 or "acme" not in seats(ask(pbs, "acme", {}).json())


def test_without_its_secret_it_is_disabled(tmp_path):
    with running(Pbs(tmp_path, {"acme": "price=2", "aster": "price=1"}, info={"acme": ACME})) as (pbs,):
        assert reasons(pbs, "bidder_disabled") == {"acme": "generic.auth.token is not configured"}


def test_a_wrong_file_leaves_the_others_alone(tmp_path):
    info = {"acme": "generic: {splitt: imp}\n", "brook": "generic: {auth: {type: basic, username: \"${NOT_SET_HERE}\"}}\n"}
    with running(Pbs(tmp_path, {"acme": "price=2", "brook": "price=2", "aster": "price=1"}, info=info)) as (pbs,):
        assert reasons(pbs, "bidder_disabled")["acme"] == "generic.splitt: there is no such key"
        assert "NOT_SET_HERE" in reasons(pbs, "bidder_left_out")["brook"]
        assert set(seats(ask(pbs, "aster", {}).json())) == {"aster"}


def test_rubicon_gets_its_credentials_from_the_environment(tmp_path):
    xapi = "xapi: {username: \"${RUBICON_XAPI_USERNAME:-}\", password: \"${RUBICON_XAPI_PASSWORD:-}\"}\nadapter: rubicon\n"
    env = {"RUBICON_XAPI_USERNAME": "u", "RUBICON_XAPI_PASSWORD": "p"}
    with running(Pbs(tmp_path, {"rubicon": "price=2"}, info={"rubicon": xapi}, env=env)) as (pbs,):
        assert reasons(pbs, "bidder_disabled") == {}
        reply = ask(pbs, "rubicon", {"accountId": 1, "siteId": 2, "zoneId": 3})
        sent = json.loads(reply.json()["ext"]["debug"]["httpcalls"]["rubicon"][0]["requestbody"])
        assert sent["imp"][0]["ext"]["rp"]["target"]["pbs_login"] == "u"


def test_rubicon_without_them_says_so(tmp_path):
    xapi = "xapi: {username: \"${RUBICON_XAPI_USERNAME:-}\"}\nadapter: rubicon\n"
    with running(Pbs(tmp_path, {"rubicon": "price=2", "aster": "price=1"}, info={"rubicon": xapi})) as (pbs,):
        assert reasons(pbs, "bidder_disabled") == {"rubicon": "xapi.username and xapi.password are not configured"}
