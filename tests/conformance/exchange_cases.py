"""DIR/exchange: what bidders are sent and what becomes of their answers.

The reference runs these below its HTTP layer, with adapters that are given and give objects. Here the request goes
through the whole server; what the layers above add is listed in ADDED, what only an adapter could say is left out."""
import base64
import json
import re

import stand_ins
from compare import ABSENT, Finding, by_seat, compare, without
from host import Setup
from outcome import Skip

HEADERS = {"Content-Type": "application/json", "User-Agent": "", "X-Real-IP": "10.0.0.1"}
ACCOUNT = "testaccount"  # its name shows in event URLs
HOST_NODE = {"asi": "pbshostcompany.com", "sid": "00001", "rid": "BidRequest", "hp": 1}

# Filled in by the endpoint, where the case starts behind it (§4.3, §4.4).
ADDED = ["at", "tmax", "site.ext.amp", "device.ua", "device.ip", "device.ipv6", "imp.secure", "imp.ext.tid", "source.tid",
         "ext.prebid.channel"]

# What a case may have at its top. What is not acted on here changes nothing that shows over HTTP: how long debug logs
# are kept, which metric counts the request, the time at which it starts.
FLAGS = {"accountprivacy", "account_bid_validations", "account_enforce_deal_floors", "account_floors_enabled",
         "assume_gdpr_applies", "bididgenerator", "debuglog", "description", "enforceccpa", "enforcelmt", "events_enabled",
         "fledge_enabled", "floors_enabled", "gdpr_enabled", "gdpr_enforced", "host_bid_validations", "host_schain_flag",
         "incomingrequest", "multibid", "ortbversion", "outgoingrequests", "passthrough_flag", "requesttype", "response",
         "server", "start_time_ms"}


def setup_of(case):
    account = {"debug_allow": True}
    config = {"auction_timeouts_ms": {"default": 3000, "max": 5000}, "external_url": "http://localhost",
              "external_cache": {"scheme": "https", "host": "www.pbcserver.com", "path": "/pbcache/endpoint"},
              "price_floors": {"enabled": bool(case.get("floors_enabled"))}, "account_defaults": account}
    if case.get("account_floors_enabled"):
        # What the reference's test code does not set is off there.
        account["price_floors"] = {"enabled": True, "adjust_for_bid_adjustment": False, "max_rules": 0,
                                   "max_schema_dims": 0,
                                   "enforce_deal_floors": bool(case.get("account_enforce_deal_floors"))}
    if case.get("host_schain_flag"):
        config["host_schain_node"] = HOST_NODE
    if server := case.get("server"):
        config.update(external_url=server["externalURL"], datacenter=server["dataCenter"],
                      gdpr={"host_vendor_id": server["gvlID"]})
    config["gdpr"] = {**config.get("gdpr", {}), "enabled": gdpr_is_on(case),
                      "default_value": "1" if case.get("assume_gdpr_applies") else "0",
                      "vendor_list": {"enabled": False}}
    config["ccpa"] = {"enforce": bool(case.get("enforceCcpa"))}
    config["lmt"] = {"enforce": bool(case.get("enforceLmt"))}
    if case.get("events_enabled"):
        account["events"] = {"enabled": True}
    if privacy := case.get("accountPrivacy"):
        account["privacy"] = privacy
    if limit := (case.get("multiBid") or {}).get("default_bid_limit"):
        account["default_bid_limit"] = limit
    generator = case.get("bidIDGenerator") or {}
    if generator.get("generateBidID") and not generator.get("returnError"):  # where it fails, bids have no id of ours
        config["generate_bid_id"] = True
    for where in ("host_bid_validations", "account_bid_validations"):
        if given := case.get(where):
            known = {k: v for k, v in given.items() if v not in ("", 0, None)}
            (config if where.startswith("host") else account)["validations"] = known
    if codes := alternate_codes(case):
        account["alternatebiddercodes"] = codes
    return Setup(config, infos_of(case))


def outgoing(case):
    return {name: out for name, out in (case.get("outgoingRequests") or {}).items() if isinstance(out, dict)}


def gdpr_is_on(case):
    return bool(case.get("gdpr_enforced") or case.get("gdpr_enabled"))


def alternate_codes(case):
    """The case's adapters bid for other seats without asking; here they need leave."""
    if json.dumps(case["incomingRequest"]).find("alternatebiddercodes") >= 0:
        return None
    bidders = {name: {"enabled": True, "allowedbiddercodes": ["*"]} for name, out in outgoing(case).items()
               for seat in (out.get("mockResponse") or {}).get("pbsSeatBids") or []
               if seat.get("seat") and seat["seat"].lower() != name.lower()}
    return {"enabled": True, "bidders": bidders} if bidders else None


def infos_of(case):
    """Every bidder reads what `ortbversion` says, 2.5 without; those with auction configs run on the code that knows
    how to read them."""
    aliases = prebid_of(case).get("aliases") or {}
    infos = {}
    for name, out in outgoing(case).items():
        info = infos.setdefault(aliases.get(name, name), {"seatFromResponse": True})
        info["openrtb"] = {"version": float((case.get("ortbversion") or {}).get(name, 2.5))}
        if aliases.get(name, name) in (case["incomingRequest"].get("usersyncs") or {}):
            info["userSync"] = {"key": aliases.get(name, name),
                                "redirect": {"url": "https://sync.example.com/?r={{.RedirectURL}}", "userMacro": "$UID"}}
        if out.get("modifyingVastXmlAllowed"):
            info["modifyingVastXmlAllowed"] = True
        if any(s.get("fledgeAuctionConfigs") for s in (out.get("mockResponse") or {}).get("pbsSeatBids") or []):
            info["adapter"] = "openx"
    return infos


def prebid_of(case):
    return stand_ins.prebid(case["incomingRequest"]["ortbRequest"])


def factor_of(case, name):
    """The case's adapters give prices that are adjusted already."""
    factors = {k.lower(): v for k, v in (prebid_of(case).get("bidadjustmentfactors") or {}).items()}
    return factors.get(name.lower(), 1)


def answer_of(case, name, response):
    def answer(request):
        seats, configs = [], []
        for seat in response.get("pbsSeatBids") or []:
            bids = []
            for given in seat.get("pbsBids") or []:
                bid = dict(given["ortbBid"])
                bid["price"] = bid.get("price", 0) / factor_of(case, name)
                prebid = {}
                if given.get("bidType"):
                    prebid["type"] = given["bidType"]
                if video := given.get("bidVideo"):
                    lower = {k.lower().replace("_", ""): v for k, v in video.items()}
                    prebid["video"] = {"duration": lower.get("duration", 0),
                                       "primary_category": lower.get("primarycategory", "")}
                if given.get("dealPriority"):
                    prebid["dealpriority"] = given["dealPriority"]
                if given.get("bidMeta"):
                    prebid["meta"] = given["bidMeta"]
                ext = bid.get("ext") if isinstance(bid.get("ext"), dict) else {}
                bid["ext"] = {**ext, "prebid": {**(ext.get("prebid") or {}), **prebid}}
                bids.append(bid)
            seats.append({"seat": seat.get("seat") or name, "bid": bids})
            configs += seat.get("fledgeAuctionConfigs") or []
        out = {"id": request["id"], "cur": "USD", "seatbid": seats}
        if configs:
            out["ext"] = {"fledge_auction_configs": {c["impid"]: c["config"] for c in configs}}
        return out
    return answer


def run(name, case, hosts, mock):
    if not isinstance((case.get("incomingRequest") or {}).get("ortbRequest"), dict):
        raise Skip("has no request of a known form")
    findings = judge(case, hosts, mock)
    strange = sorted(k for k in case if k.lower() not in FLAGS and not k.startswith("/"))
    if findings and strange:
        raise Skip(f"needs a setup that is not known here: {', '.join(strange)}")
    return findings


def judge(case, hosts, mock):
    host = hosts.get(setup_of(case))
    aliases = prebid_of(case).get("aliases") or {}
    core_of = {name: aliases.get(name, name) for name in outgoing(case)}
    mock.expect(endpoints(case, core_of))
    request = complete(case["incomingRequest"]["ortbRequest"])
    if case.get("events_enabled") or prebid_of(case).get("events") is not None:
        next(request[k] for k in ("app", "dooh", "site") if k in request)["publisher"] = {"id": ACCOUNT}
    reply = host.post("/openrtb2/auction", json.dumps(request), headers_of(case))
    response = case.get("response") or {}
    if error := response.get("error"):
        return [] if reply.status >= 400 and error in reply.text else \
            [Finding(("error",), error, f"{reply.status} {reply.text[:300]}")]
    if reply.status != 200:
        return [Finding(("status",), 200, f"{reply.status} {reply.text[:300]}")]
    return compare_sent(case, mock, core_of) + compare_response(case, reply.json())


def complete(request):
    """The least that makes the request pass the validation in front of the exchange."""
    request = json.loads(json.dumps(request))
    if "app" not in request and "dooh" not in request:
        site = request.setdefault("site", {})
        if not site.get("id") and not site.get("page"):
            site["page"] = "test.somepage.com"
    for imp in request.get("imp") or []:
        banner = imp.get("banner")
        if banner is not None and not banner.get("format") and not (banner.get("w") and banner.get("h")):
            banner["format"] = [{"w": 300, "h": 250}]
        if "video" in imp:
            imp["video"].setdefault("mimes", ["video/mp4"])
        if "native" in imp:
            imp["native"].setdefault("request", json.dumps({"assets": [{"id": 1, "title": {"len": 75}}]}))
    return request


def plain(request):
    """Native requests are text; what counts is what it says."""
    for imp in request.get("imp") or []:
        if isinstance((imp.get("native") or {}).get("request"), str):
            imp["native"] = {**imp["native"], "request": json.loads(imp["native"]["request"])}
    return request


def endpoints(case, core_of):
    """Aliases share the endpoint of their core bidder: its answer depends on who is asked, which the imps' params or the
    alias entry in ext tell."""
    answers = {}
    for name, core in core_of.items():
        response = outgoing(case)[name].get("mockResponse") or {}
        answers.setdefault(core, []).append((name, answer_of(case, name, response)))

    def pick(choices):
        def answer(request):
            own = ((request.get("ext") or {}).get("prebid") or {}).get("aliases") or {}
            for name, give in choices:
                if name in own or (len(choices) == 1 or (name == core_of[name] and not own)):
                    return give(request)
            return None
        return answer
    return {core: pick(choices) for core, choices in answers.items()}


def headers_of(case):
    syncs = case["incomingRequest"].get("usersyncs")
    if not syncs:
        return HEADERS
    cookie = {"tempUIDs": {k: {"uid": v, "expires": "2099-01-01T00:00:00Z"} for k, v in syncs.items()}}
    return {**HEADERS, "Cookie": "uids=" + base64.urlsafe_b64encode(json.dumps(cookie).encode()).decode()}


def compare_sent(case, mock, core_of):
    findings = []
    for name, out in outgoing(case).items():
        if infos_of(case).get(core_of[name], {}).get("adapter"):
            continue  # a real adapter sends what it likes
        wanted = (out.get("expectRequest") or {}).get("ortbRequest")
        if wanted is None:
            continue
        aliases = lambda r: ((r.get("ext") or {}).get("prebid") or {}).get("aliases") or {}
        is_own = lambda r: not aliases(r) if core_of[name] == name else name in aliases(r)
        sent = [r for r in mock.received.get(core_of[name], []) if is_own(r)]
        if not sent:
            findings.append(Finding(("to", name), wanted, None))
            continue
        added = [p for p in ADDED if p not in ("tmax", "at") or p not in wanted]
        server = [] if case.get("server") else ["ext.prebid.server"]
        codes = ["ext.prebid.alternatebiddercodes"] if alternate_codes(case) else []
        drop = [*added, *server, *codes, "tmax", *(f"{p}.publisher" for p in ("site", "app") if case.get("events_enabled"))]
        findings += compare(plain(without(complete(wanted), *drop)), plain(without(sent[0], *drop)), ("to", name))
    return findings


def compare_response(case, actual):
    response, findings = case.get("response") or {}, []
    expected = response.get("bids")
    if expected:
        want, got = bids_of(expected), bids_of(actual)
        for member in ("id", "cur"):
            if member not in expected:
                got.pop(member, None)
        for seat in got["seatbid"]:
            for bid in got["seatbid"][seat]:
                reduce_bid(want["seatbid"].get(seat, {}).get(bid, {}), got["seatbid"][seat][bid])
        findings += compare(want, got, ("response",))
    ext = response.get("ext") or {}
    mine = actual.get("ext") or {}
    for part, rest in (("prebid", ("auctiontimestamp",)), ("warnings", ()), ("errors", ())):
        if part not in ext:
            continue
        given = {k: v for k, v in ext[part].items() if part == "prebid" or not is_adapters(case, k)}
        have = {k: v for k, v in (mine.get(part) or {}).items() if k not in rest and (k in given or part == "prebid")}
        if part == "prebid":
            findings += compare(by_pair(given), by_pair(have), ("response", "ext", part))
        else:
            findings += compare_messages(given, have, part)
    resolved = (ext.get("debug") or {}).get("resolvedrequest")
    if resolved and asks_for_debug(case):
        have = without((mine.get("debug") or {}).get("resolvedrequest") or {}, *ADDED)
        findings += compare(without(resolved, *ADDED), have, ("response", "ext", "debug", "resolvedrequest"))
    return findings


def by_pair(prebid):
    """Statuses in an order of their own: seat, imp. The cases' adapters name no currency."""
    seats = {}
    for seat in prebid.get("seatnonbid") or []:
        for nonbid in seat["nonbid"]:
            bid = (((nonbid.get("ext") or {}).get("prebid") or {}).get("bid") or {})
            bid.pop("origbidcur", None)
            seats.setdefault(seat["seat"], {}).setdefault(nonbid["impid"], []).append(nonbid)
    return {**prebid, "seatnonbid": seats} if "seatnonbid" in prebid else prebid


def compare_messages(given, have, part):
    """Bucket by bucket, in any order; each missing or additional message is a finding of its own."""
    findings = []
    for bucket in {**given, **have}:
        key = lambda m: json.dumps(m, sort_keys=True)
        want, got = ({key(m): m for m in (d.get(bucket) or [])} for d in (given, have))
        path = ("response", "ext", part, bucket)
        findings += [Finding(path, want[k], ABSENT) for k in want if k not in got]
        findings += [Finding(path, ABSENT, got[k]) for k in got if k not in want]
    return findings


def asks_for_debug(case):
    return case["incomingRequest"]["ortbRequest"].get("test") == 1 or bool(prebid_of(case).get("debug"))


def is_adapters(case, bucket):
    """Errors that the case puts into an adapter's mouth."""
    return bool(((outgoing(case).get(bucket) or {}).get("mockResponse") or {}).get("errors"))


def bids_of(response):
    return {k: v for k, v in by_seat(response).items() if k in ("id", "seatbid", "cur")}


def reduce_bid(want, got):
    """Members that the server adds to every bid, where the case's adapters did not."""
    want_ext, ext = want.get("ext") or {}, got.get("ext") or {}
    if "origbidcur" not in want_ext:
        ext.pop("origbidcur", None)
    for prebids in (ext.get("prebid") or {}, want_ext.get("prebid") or {}):
        for kind, url in (prebids.get("events") or {}).items():
            prebids["events"][kind] = re.sub(r"ts=\d+", "ts=0", url)
    for b in (want, got):
        if isinstance(b.get("adm"), str):
            b["adm"] = re.sub(r"ts=\d+", "ts=0", b["adm"])
    prebid, want_prebid = ext.get("prebid") or {}, want_ext.get("prebid") or {}
    if not (want_prebid.get("meta") or {}).get("adaptercode"):
        (prebid.get("meta") or {}).pop("adaptercode", None)
    if re.fullmatch("[0-9a-f-]{36}", prebid.get("bidid", "")) and "bidid" in want_prebid:
        prebid["bidid"] = want_prebid["bidid"]
    if "type" not in want_prebid:
        prebid.pop("type", None)
    if "video" not in want_prebid and not any((prebid.get("video") or {}).values()):
        prebid.pop("video", None)
