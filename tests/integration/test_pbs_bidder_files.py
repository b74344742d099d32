"""What a host writes into bidders' files reaches the wire, and what is missing there is said once in the log."""
import concurrent.futures
import json
import re
import signal

from pbs_stack import ROOT, Pbs, banner_request, running, seats, wait_until

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


def events(pbs, name):
    lines = [json.loads(line) for line in pbs.process.log().splitlines() if line.startswith("{")]
    return [line for line in lines if line.get("event") == name]


def reasons(pbs, event):
    return {line["bidder"]: line["reason"] for line in events(pbs, event)}


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


def reload(pbs, event="stored_data"):
    before = pbs.process.log().count(event)
    pbs.process.signal(signal.SIGHUP)
    wait_until(lambda: pbs.process.log().count(event) > before, what=event)


def write_info(pbs, name, more="", endpoint="http://127.0.0.1:{port}/bid/{name}?price=2"):
    endpoint = endpoint.replace("{port}", str(pbs.mock_port)).replace("{name}", name)
    (pbs.folder / "bidder-info" / f"{name}.yaml").write_text(
        f"endpoint: \"{endpoint}\"\ncapabilities: {{ site: {{ mediaTypes: [banner] }} }}\n" + more)


def asked(pbs, name):
    reply = ask(pbs, name, {})
    return reply.status == 200 and name in seats(reply.json())


def test_a_file_that_comes_or_goes_counts_after_a_reload(tmp_path):
    with running(Pbs(tmp_path, {"aster": "price=1"})) as (pbs,):
        assert not asked(pbs, "acme")
        write_info(pbs, "acme", "userSync: { redirect: { url: \"https://acme.example/?r={{.RedirectURL}}\" } }\n")
        reload(pbs)
        assert asked(pbs, "acme") and asked(pbs, "aster")
        assert pbs.metric("nexus_pbs_bids_total", bidder="acme") == 1
        assert pbs.get("/info/bidders/acme").json()["status"] == "ACTIVE"
        assert pbs.get("/setuid?bidder=acme&uid=u1").status == 200
        (tmp_path / "bidder-info" / "acme.yaml").unlink()
        reload(pbs)
        assert not asked(pbs, "acme") and asked(pbs, "aster")
        assert pbs.get("/info/bidders/acme").status == 404
        assert pbs.metric("nexus_pbs_bids_total", bidder="acme") == 1


def test_a_file_that_has_become_wrong_changes_nothing(tmp_path):
    wrong = {
        "generic:\n  set: {imp.secure: 1}\n  splitt: imp\n": (5, "generic.splitt: there is no such key"),
        "generic:\n  auth: {type: bearer, token: \"\"}\n": (4, "generic.auth.token is not configured"),
        "gvlVendorID: many\n": (3, "gvlVendorID: expected an integer"),
        "openrtb: [\n": (4, None),
    }
    with running(Pbs(tmp_path, {"aster": "price=1"})) as (pbs,):
        write_info(pbs, "acme")
        reload(pbs)
        for text, (line, reason) in wrong.items():
            write_info(pbs, "acme", text)
            reload(pbs)
            told = events(pbs, "bidder_kept")[-1]
            assert told["bidder"] == "acme" and told["file"].endswith("acme.yaml")
            assert told["line"] == line or f"line {line}" in told["reason"], told
            assert reason is None or told["reason"] == reason
            assert asked(pbs, "acme") and asked(pbs, "aster")
        write_info(pbs, "acme", "disabled: true\n")
        reload(pbs)
        assert not asked(pbs, "acme")


def test_a_user_sync_that_is_wrong_refuses_the_reload(tmp_path):
    with running(Pbs(tmp_path, {"aster": "price=1"})) as (pbs,):
        write_info(pbs, "acme", "userSync: { redirect: { url: \"no url\" } }\n")
        reload(pbs, "reload_refused")
        assert not asked(pbs, "acme") and asked(pbs, "aster")
        pbs.process.stop()
        pbs.start()
        assert not asked(pbs, "acme") and asked(pbs, "aster")
        assert "acme" in reasons(pbs, "bidder_left_out")


def test_an_auction_ends_with_the_bidders_it_began_with(tmp_path):
    with running(Pbs(tmp_path, {"aster": "price=1&latency_ms=400"})) as (pbs,):
        before = pbs.calls().get("aster", 0)
        with concurrent.futures.ThreadPoolExecutor() as pool:
            reply = pool.submit(pbs.auction)
            wait_until(lambda: pbs.calls().get("aster", 0) > before, what="the call to aster")
            (tmp_path / "bidder-info" / "aster.yaml").unlink()
            reload(pbs)
            assert set(seats(reply.result())) == {"aster"}
        assert not asked(pbs, "aster")


def test_openrtb_versions_and_compression(tmp_path):
    """What the file says of both holds for a bidder without code as for any other."""
    chain = {"complete": 1, "ver": "1.0", "nodes": [{"asi": "s.example", "sid": "1", "hp": 1}]}
    versions = {"2.5": {"ext": {"schain": chain}}, "2.6": {"schain": chain}}
    with running(Pbs(tmp_path, {"aster": "price=1"})) as (pbs,):
        for version, source in versions.items():
            for compression in ("", "endpointCompression: GZIP\n"):
                write_info(pbs, "acme", f"openrtb: {{ version: {version} }}\n{compression}")
                reload(pbs)
                reply = pbs.auction(imp=[{"id": "1", "banner": {"w": 1, "h": 1},
                                          "ext": {"prebid": {"bidder": {"acme": {}}}}}],
                                    source={"schain": chain}).get("ext")
                sent = json.loads(reply["debug"]["httpcalls"]["acme"][0]["requestbody"])["source"]
                assert {k: sent[k] for k in source} == source and ("schain" in sent) == (version == "2.6")
                headers = pbs.last_request("acme")["headers"]
                assert ("Content-Encoding: gzip" in headers) == bool(compression)


BY_HOST = "http://{{.host}}:{port}/bid/{name}?price=2"


def test_parameters_do_not_lead_into_the_inside(tmp_path):
    with running(Pbs(tmp_path, {"aster": "price=1"})) as (pbs,):
        write_info(pbs, "acme", endpoint=BY_HOST)
        write_info(pbs, "brook", endpoint="http://127.0.0.1:{port}/bid/{{.host}}?price=2")
        reload(pbs)
        for host in ["127.0.0.1", "localhost", "127.1", "2130706433", "0x7f000001", "[::1]", "169.254.169.254", "0.0.0.0"]:
            reply = ask(pbs, "acme", {"host": host})
            assert seats(reply.json()) == {}
            assert reply.json()["ext"]["errors"]["acme"], host
        assert pbs.calls() == {}
        assert set(seats(ask(pbs, "brook", {"host": "brook"}).json())) == {"brook"}


def test_unless_the_host_allows_it(tmp_path):
    with running(Pbs(tmp_path, {"aster": "price=1"},
                     yaml="http_client: { allow_private_addresses: true }\n")) as (pbs,):
        write_info(pbs, "acme", endpoint=BY_HOST)
        reload(pbs)
        assert set(seats(ask(pbs, "acme", {"host": "127.0.0.1"}).json())) == {"acme"}


def test_the_host_has_the_last_word_on_every_bidder(tmp_path):
    """adapters: in pbs.yaml switches bidders on and off, moves them, and supplies what they need."""
    yaml = """adapters:
  acme: { enabled: false }
  brook: { enabled: true, endpoint: "http://127.0.0.1:%s/bid/brook?price=7" }
  cedar: { extra_info: "{\\"nativeVersion\\":\\"1.2\\"}", generic: { auth: { token: "${CEDAR_TOKEN:-}" } } }
  dune: { generic: { auth: { token: "${DUNE_TOKEN:-}" } } }
"""
    bearer = "generic: { auth: { type: bearer, token: \"\" } }\n"
    info = {"brook": "disabled: true\n", "cedar": bearer, "dune": bearer}
    bidders = {"acme": "price=2", "brook": "price=2", "cedar": "price=2", "dune": "price=2"}
    with running(Pbs(tmp_path, bidders, info=info, env={"CEDAR_TOKEN": "sesame"})) as (pbs,):
        pbs.process.stop()
        pbs.config.write_text(yaml % pbs.mock_port)
        pbs.start()
        assert pbs.get("/info/bidders/acme").json()["status"] == "DISABLED"
        assert seats(ask(pbs, "brook", {}).json())["brook"][0]["price"] == 7
        assert seats(ask(pbs, "cedar", {}).json())["cedar"][0]["price"] == 2
        assert not asked(pbs, "acme")
        assert events(pbs, "bidder_disabled")[-1]["reason"] == "generic.auth.token is not configured"
        assert [e["bidder"] for e in events(pbs, "bidder_disabled")][-1:] == ["dune"]


def test_the_bidder_of_the_manual(tmp_path):
    """docs/bidders.md shows a file and says what the bidder then gets."""
    page = (ROOT / "docs/bidders.md").read_text()
    example = re.search(r"```yaml\n(# acme.yaml\n.*?)```", page, re.S)[1]
    with running(Pbs(tmp_path, {"acme": "", "aster": "price=1"}, env={"ACME_TOKEN": "sesame"})) as (pbs,):
        pbs.process.stop()
        (tmp_path / "bidder-info" / "acme.yaml").write_text(example)
        pbs.config.write_text("adapters: { acme: { endpoint: \"http://127.0.0.1:%d/bid/{{.account}}\" } }\n"
                              % pbs.mock_port)
        pbs.start()
        reply = ask(pbs, "acme", {"account": "pub-7", "zone": 12})
        call = reply.json()["ext"]["debug"]["httpcalls"]["acme"][0]
        assert call["uri"].endswith("/bid/pub-7")
        sent = pbs.last_request("pub-7")
        assert "Authorization: Bearer sesame" in sent["headers"]
        assert sent["body"]["imp"][0]["tagid"] == "12" and sent["body"]["imp"][0]["secure"] == 1
        assert "bidder" not in sent["body"]["imp"][0].get("ext", {})
        assert sent["body"]["ext"]["source"] == "nexus"
        assert "Invalid request" in ask(pbs, "acme", {"account": "Pub 7", "zone": 12}).text
