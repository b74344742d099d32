"""POST /cookie_sync: who is synchronised, in which way, and why not the others."""
import base64
import json
import urllib.parse

import pytest

from pbs_stack import Pbs, running

BOTH = """
userSync:
  key: sk
  iframe: { url: "https://a.example/i?gdpr={{.GDPR}}&c={{.GDPRConsent}}&usp={{ .USPrivacy }}&r={{.RedirectURL}}", userMacro: "$UID" }
  redirect: { url: "https://a.example/p?gpp={{.GPP}}&sid={{.GPPSID}}&r={{.RedirectURL}}", userMacro: "$UID" }
"""
PIXEL = 'userSync: { redirect: { url: "https://b.example/p?r={{.RedirectURL}}", userMacro: "[ID]" } }\n'
INFO = {
    "aster": BOTH,
    "birch": PIXEL,
    "cedar": "userSync: { key: sk }\n",
    "elm": 'userSync: { skipwhen: { gdpr: true, gpp_sid: ["7"] }, redirect: { url: "https://e.example/p" } }\n',
    "fir": 'userSync: { enabled: false, redirect: { url: "https://f.example/p" } }\n',
    "hazel": "disabled: true\n" + PIXEL,
}
BIDDERS = {name: "price=1" for name in (*INFO, "gorse")}
YAML = """
external_url: https://pbs.example.com
stored_requests: { directory: %s }
cookie_sync: { disabled_iframe_bidders: [oak] }
user_sync: { priority_groups: [[birch], [elm]] }
"""
ACCOUNTS = {
    "off": {"disabled": True},
    "broken": [],
    "quiet": {"privacy": {"allowactivities": {"syncUser": {"rules": [
        {"condition": {"componentName": ["birch"]}, "allow": False}]}}}},
    "coop": {"cookie_sync": {"default_coop_sync": True, "priority_groups": [["elm"]], "priority_groups_only": True,
                             "default_limit": 1, "max_limit": 2}},
    "flat": {"cookie_sync": {"disabled_iframe_bidders": ["*"]}},
    "label": {"privacy": {"privacysandbox": {"cookiedeprecation": {"enabled": True, "ttl_sec": 60}}}},
}


@pytest.fixture(scope="module")
def pbs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cookie-sync")
    (folder / "data/accounts").mkdir(parents=True)
    for name, settings in ACCOUNTS.items():
        (folder / f"data/accounts/{name}.json").write_text(json.dumps(settings))
    with running(Pbs(folder, BIDDERS, yaml=YAML % (folder / "data"), info=INFO)) as (server,):
        yield server


def cookie(**ids):
    entries = {k: {"uid": v, "expires": "2099-01-01T00:00:00Z"} for k, v in ids.items()}
    return {"Cookie": "uids=" + base64.urlsafe_b64encode(json.dumps({"tempUIDs": entries}).encode()).decode()}


def ask(pbs, headers=None, **body):
    return pbs.post({"debug": True, **body}, "/cookie_sync", key=None, headers=headers)


def chosen(reply):
    assert reply.status == 200, reply.text
    return {s["bidder"]: s["usersync"] for s in reply.json()["bidder_status"]}


def reasons(reply):
    return {d["bidder"]: d.get("error") for d in reply.json().get("debug", [])}


def test_the_answer_has_one_entry_per_syncer(pbs):
    reply = ask(pbs, bidders=["birch"])
    assert reply.headers["Content-Type"] == "application/json; charset=utf-8" and reply.text.endswith("}\n")
    redirect = urllib.parse.quote("https://pbs.example.com/setuid?bidder=birch&gdpr=", safe="")
    assert reply.json()["status"] == "no_cookie" and "debug" not in reply.json()
    (entry,) = reply.json()["bidder_status"]
    assert (entry["bidder"], entry["no_cookie"], entry["usersync"]["type"]) == ("birch", True, "redirect")
    assert entry["usersync"]["url"].startswith("https://b.example/p?r=" + redirect)
    assert entry["usersync"]["url"].endswith("%26f%3Di%26uid%3D%5BID%5D")


def test_a_shared_key_is_synchronised_once_with_the_bidders_own_name(pbs):
    reply = ask(pbs, bidders=["cedar"])
    assert "bidder%3Dcedar" in chosen(reply)["cedar"]["url"]
    reply = ask(pbs, bidders=["aster", "cedar"])
    (left_out,) = set(reasons(reply)) - set(chosen(reply))
    assert reasons(reply)[left_out] == "Duplicate bidder synced as sk"


def test_reasons(pbs):
    reply = ask(pbs, cookie(sk="1"), bidders=["nobody", "hazel", "gorse", "aster", "fir", "Elm", "elm"], gdpr=0,
                gpp_sid="7")
    assert reasons(reply) == {"nobody": "Unsupported bidder", "hazel": "Unsupported bidder", "gorse": "No sync config",
                              "aster": "Already in sync", "fir": "Sync disabled by config",
                              next(n for n in reasons(reply) if n.lower() == "elm"): None}
    assert reply.json()["status"] == "ok" and chosen(reply) == {}


def test_macros_hold_what_is_safe_to_hold(pbs):
    url = chosen(ask(pbs, bidders=["aster"], gdpr=0, gdpr_consent="C-_.1", us_privacy="1YNN"))["aster"]["url"]
    assert url.startswith("https://a.example/i?gdpr=0&c=C-_.1&usp=1YNN&r=https%3A%2F%2Fpbs.example.com%2Fsetuid")
    assert "gdpr_consent%3DC-_.1%26" in url
    url = chosen(ask(pbs, bidders=["aster"], gdpr=0, gdpr_consent="x&r=https://evil.example", us_privacy="1?"))["aster"]["url"]
    assert "evil" not in url and "&c=&usp=&" in url


def test_every_bidder_when_none_is_named(pbs):
    reply = ask(pbs)
    assert {*chosen(reply), *reasons(reply)} == {"aster", "birch", "cedar", "elm", "fir"}


def test_filters(pbs):
    only = {"iframe": {"bidders": ["aster"], "filter": "exclude"}}
    assert chosen(ask(pbs, bidders=["aster"], filterSettings=only))["aster"]["type"] == "redirect"
    none = {"iframe": {"bidders": "*", "filter": "exclude"}, "image": {"bidders": [], "filter": "include"}}
    reply = ask(pbs, bidders=["aster", "birch"], filterSettings=none)
    assert reasons(reply) == {"aster": "Rejected by request filter", "birch": "Rejected by request filter"}
    mixed = {"iframe": {"bidders": ["ASTER"], "filter": "include"}, "image": {"bidders": "*", "filter": "exclude"}}
    assert chosen(ask(pbs, bidders=["Aster"], filterSettings=mixed))["Aster"]["type"] == "iframe"
    star = {"image": {"bidders": ["*"], "filter": "include"}, "iframe": {"bidders": ["*"], "filter": "exclude"}}
    assert chosen(ask(pbs, bidders=["aster"], filterSettings=star))["aster"]["type"] == "iframe"  # nobody is called "*"
    assert chosen(ask(pbs, bidders=["aster"], account="flat"))["aster"]["type"] == "redirect"


def test_limits_and_cooperation(pbs):
    assert len(chosen(ask(pbs, limit=1))) == 1
    assert set(chosen(ask(pbs, bidders=["aster"], coopSync=True, limit=2))) == {"aster", "birch"}
    assert set(chosen(ask(pbs, bidders=["aster"], coopSync=True, limit=9))) >= {"aster", "birch", "elm"}
    assert set(chosen(ask(pbs, account="coop", limit=-1))) == {"elm"}
    assert set(chosen(ask(pbs, account="coop", bidders=["aster", "birch"], limit=5))) == {"aster", "birch"}
    assert len(chosen(ask(pbs, account="coop", bidders=["aster", "birch"]))) == 1


def test_activities(pbs):
    assert reasons(ask(pbs, account="quiet", bidders=["birch"])) == {"birch": "Rejected by privacy"}


def test_gdpr_without_a_usable_string_means_no_sync(pbs):
    reply = ask(pbs, bidders=["birch"], gdpr=1, gdpr_consent="BROKEN")
    assert reasons(reply) == {"birch": "Rejected by privacy"}


def test_the_label_for_browsers_without_third_party_cookies(pbs):
    first = ask(pbs, account="label").headers["Set-Cookie"]
    assert first.startswith("receive-cookie-deprecation=1; Path=/; Expires=")
    assert first.endswith("; HttpOnly; Secure; SameSite=None; Partitioned;")
    assert "Set-Cookie" not in ask(pbs, {"Cookie": "receive-cookie-deprecation=1"}, account="label").headers


@pytest.mark.parametrize("body, text", [
    ({"account": "off"}, "account is disabled, please reach out to the prebid server host"),
    ({"account": "broken"}, "account config is malformed and could not be read"),
    ({"gpp_sid": "2,x"}, 'strconv.ParseInt: parsing "x": invalid syntax'),
    ({"gpp_sid": "2,"}, 'strconv.ParseInt: parsing "": invalid syntax'),
    ({"gpp_sid": "+-2"}, 'strconv.ParseInt: parsing "+-2": invalid syntax'),
    ({"gpp_sid": "300"}, 'strconv.ParseInt: parsing "300": value out of range'),
    ({"gdpr": 2}, "GDPR signal should be integer 0 or 1"),
    ({"gdpr": 1}, "gdpr_consent is required if gdpr=1"),
    ({"gpp_sid": "2", "gdpr": 0}, "gdpr_consent is required if gdpr=1"),
    ({"filterSettings": {"iframe": {"bidders": "*"}}},
     "error parsing filtersettings.iframe: invalid filter value ''. must be either 'include' or 'exclude'"),
    ({"filterSettings": {"image": {"bidders": "x", "filter": "include"}}},
     "error parsing filtersettings.image: invalid bidders value `x`. must either be '*' or a string array"),
    ({"filterSettings": {"image": {"bidders": [1], "filter": "include"}}},
     "error parsing filtersettings.image: invalid bidders type. must either be a string '*' or a string array of "
     "bidders"),
])
def test_refusals(pbs, body, text):
    reply = ask(pbs, **body)
    assert (reply.status, reply.text) == (400, text + "\n")
    assert reply.headers["X-Content-Type-Options"] == "nosniff"


def test_broken_json_and_bad_gpp(pbs):
    for body in ("", "{", "[]", '{"bidders":"x"}'):
        reply = pbs.post(body, "/cookie_sync", key=None)
        assert reply.status == 400 and reply.text.startswith("JSON parsing failed: "), body
    assert ask(pbs, gpp="nonsense").status == 400
    assert ask(pbs, gpp="DBABL~BVQl").text.startswith("error parsing uspnat consent string: ")


def test_gdpr_is_not_looked_at_beside_gpp_sid(pbs):
    assert ask(pbs, gpp_sid="+7,-1", gdpr=9).status == 200


def test_opted_out(pbs):
    out = "uids=" + base64.urlsafe_b64encode(b'{"optout":true}').decode()
    reply = ask(pbs, {"Cookie": out})
    assert (reply.status, reply.text) == (401, "User has opted out\n")


def test_a_very_long_list_is_bounded(pbs):
    reply = ask(pbs, bidders=[f"b{i}" for i in range(20000)] + ["birch"])
    assert reply.status == 200 and len(reasons(reply)) <= 2000


def test_it_is_counted(pbs):
    before = pbs.metric("nexus_pbs_syncer_requests", syncer="birch", status="ok")
    ask(pbs, bidders=["birch"])
    assert pbs.metric("nexus_pbs_syncer_requests", syncer="birch", status="ok") == before + 1
    assert pbs.metric("nexus_pbs_cookie_sync_requests", status="bad_request") > 0
