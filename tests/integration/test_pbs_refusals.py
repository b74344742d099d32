"""What is refused, and in which words: rules of the request, each alone, through the whole server. The bodies are Prebid
Server's, to the byte."""
import copy
import json

import pytest

from pbs_stack import Pbs, running

NATIVE = "https://iabtechlab.com/wp-content/uploads/2016/07/OpenRTB-Native-Ads-Specification-Final-1.2.pdf"
ORTB = "https://www.iab.com/wp-content/uploads/2016/03/OpenRTB-API-Specification-Version-2-5-FINAL.pdf"
BASE = {
    "id": "r", "site": {"page": "https://news.example/"}, "device": {"ip": "203.0.114.7"},
    "imp": [{"id": "1", "banner": {"format": [{"w": 300, "h": 250}]}, "ext": {"prebid": {"bidder": {"aster": {}}}}}],
}
GONE = object()


@pytest.fixture(scope="module")
def pbs(tmp_path_factory):
    info = {"sleepy": "disabled: true\n", "label": "whiteLabelOnly: true\n", "both": "disabled: true\nwhiteLabelOnly: true\n"}
    bidders = {"aster": "", "birch": "", "sleepy": "", "label": "", "both": ""}
    with running(Pbs(tmp_path_factory.mktemp("refusals"), bidders, info=info, yaml="blocked_apps: [spam]\n")) as (server,):
        yield server


def changed(changes):
    """BASE with members set: a dotted path to its value. A number in the path is a place in a list."""
    request = copy.deepcopy(BASE)
    for path, value in changes.items():
        *parents, last = [int(k) if k.isdigit() else k for k in path.split(".")]
        node = request
        for key in parents:
            node = node[key] if isinstance(key, int) else node.setdefault(key, {})
        if value is GONE:
            node.pop(last, None)
        else:
            node[last] = value
    return request


def body(*lines):
    return "".join(f"Invalid request: {line}\n" for line in lines)


def prebid(**members):
    return {f"ext.prebid.{k}": v for k, v in members.items()}


def media(kind, **members):
    return {"imp.0.banner": GONE, f"imp.0.{kind}": members}


def native(**request):
    return media("native", request=json.dumps(request))


def asset(**members):
    return native(assets=[members])


def granularity(**members):
    return prebid(targeting={"pricegranularity": members})


NATIVE_AT = "request.imp[0].native.request."
ASSET_AT = NATIVE_AT + "assets[0]."
FORMAT_AT = "request.imp[0].banner.format[0]"
TITLE = {"id": 1, "title": {"len": 10}}
VIDEO = {"mimes": ["video/mp4"], "minduration": 1, "maxduration": 2, "protocols": [2]}
PERMISSION = "request.ext.prebid.data.eidpermissions[0]"
BUYERUIDS = ('request.user.ext.prebid requires a "buyeruids" property with at least one ID defined. If none exist, then '
             "request.user.ext.prebid should not be defined.")
DISABLED = ('Bidder "sleepy" has been disabled on this instance of Prebid Server. Please work with the PBS host to enable '
            "this bidder again.")
NOBODY = "request.imp[0].ext.prebid.bidder must contain at least one bidder"
REQUEST = [
    ("no id", {"id": GONE}, 'request missing required field: "id"'),
    ("negative tmax", {"tmax": -2}, "request.tmax must be nonnegative. Got -2"),
    ("no imp", {"imp": []}, "request.imp must contain at least one element."),
    ("alias of a disabled bidder", prebid(aliases={"x": "sleepy"}),
     "request.ext.prebid.aliases.x refers to disabled bidder: sleepy"),
    ("alias of a white label that is disabled", prebid(aliases={"x": "both"}),
     "request.ext.prebid.aliases.x refers to disabled bidder: both"),
    ("alias of a retired bidder", prebid(aliases={"x": "lifestreet"}),
     "request.ext.prebid.aliases.x refers to disabled bidder: lifestreet"),
    ("alias of a white label", prebid(aliases={"x": "label"}),
     "request.ext.prebid.aliases.x refers to a bidder that cannot be aliased: label"),
    ("alias of nobody", prebid(aliases={"x": "nobody"}), "request.ext.prebid.aliases.x refers to unknown bidder: nobody"),
    ("alias of itself", prebid(aliases={"aster": "aster"}), "request.ext.prebid.aliases.aster defines a no-op alias. Choose a "
     "different alias, or remove this entry."),
    ("vendor id of no alias", prebid(aliasgvlids={"x": 3}),
     "request.ext.prebid.aliasgvlids. vendorId 3 refers to unknown bidder alias: x"),
    ("vendor id 0", prebid(aliases={"x": "aster"}, aliasgvlids={"x": 0}), "request.ext.prebid.aliasgvlids. Invalid vendorId 0 "
     "for alias: x. Choose a different vendorId, or remove this entry."),
    ("factor 0", prebid(bidadjustmentfactors={"aster": 0}),
     "request.ext.prebid.bidadjustmentfactors.aster must be a positive number. Got 0.000000"),
    ("factors by case", prebid(bidadjustmentfactors={"aster": 1, "ASTER": 2}),
     "cannot have multiple bidders that differ only in case style"),
    ("factor of nobody", prebid(bidadjustmentfactors={"nobody": 1}),
     "request.ext.prebid.bidadjustmentfactors.nobody is not a known bidder or alias"),
    ("two chains", prebid(schains=[{"bidders": ["a"], "schain": {}}, {"bidders": ["a"], "schain": {}}]),
     "request.ext.prebid.schains contains multiple schains for bidder a; it must contain no more than one per bidder."),
    ("permission without source", prebid(data={"eidpermissions": [{"bidders": ["*"]}]}),
     f'{PERMISSION} missing required field: "source"'),
    ("permission twice", prebid(data={"eidpermissions": [{"source": "s", "bidders": ["*"]}, {"source": "s", "bidders": ["*"]}]}),
     'request.ext.prebid.data.eidpermissions[1] duplicate entry with field: "source"'),
    ("permission for nobody", prebid(data={"eidpermissions": [{"source": "s", "bidders": []}]}),
     f'{PERMISSION} missing or empty required field: "bidders"'),
    ("permission for all and one", prebid(data={"eidpermissions": [{"source": "s", "bidders": ["*", "aster"]}]}),
     f'{PERMISSION} contains bidder wildcard "*" mixed with specific bidders'),
    ("rate of no currency", prebid(currency={"rates": {"USD": {"XXZ": 1}}}), "currency code XXZ is not recognized or malformed"),
    ("channel without name", prebid(channel={"name": "", "version": "1"}), "ext.prebid.channel.name can't be empty"),
    ("site and app", {"app.id": "a"},
     "No more than one of request.site or request.app or request.dooh can be defined"),
    ("cache of nothing", prebid(cache={}), 'request.ext is invalid: request.ext.prebid.cache requires one of the "bids" or '
     '"vastxml" properties'),
    ("negative precision", granularity(precision=-1, ranges=[{"max": 1, "increment": 0.1}]),
     "Price granularity error: precision must be non-negative"),
    ("precision 16", granularity(precision=16, ranges=[{"max": 1, "increment": 0.1}]),
     "Price granularity error: precision of more than 15 significant figures is not supported"),
    ("ranges out of order", granularity(ranges=[{"max": 2, "increment": 0.1}, {"max": 1, "increment": 0.1}]),
     'Price granularity error: range list must be ordered with increasing "max"'),
    ("increment 0", granularity(ranges=[{"max": 2, "increment": 0}]),
     "Price granularity error: increment must be a nonzero positive number"),
    ("granularity of a media type", prebid(targeting={"mediatypepricegranularity": {"native": {
        "ranges": [{"max": 2, "increment": -1}]}}}), "Price granularity error: increment must be a nonzero positive number"),
    ("neither site id nor page", {"site": {"name": "n"}},
     "request.site should include at least one of request.site.id or request.site.page."),
    ("amp 2", {"site.ext.amp": 2}, "request.site.ext.amp must be either 1, 0, or undefined"),
    ("dooh without id and venue", {"site": GONE, "dooh.name": "n"},
     "request.dooh should include at least one of request.dooh.id or request.dooh.venuetype."),
    ("accuracy of the user's place", {"user.geo.accuracy": -1}, "request.user.geo.accuracy must be a positive number"),
    ("ids of nobody", {"user.ext.prebid": {}}, BUYERUIDS),
    ("no ids", {"user.ext.prebid": {"buyeruids": {}}}, BUYERUIDS),
    ("ids of a stranger", {"user.ext.prebid": {"buyeruids": {"nobody": "1"}}},
     "request.user.ext.nobody is neither a known bidder name nor an alias in request.ext.prebid.aliases"),
    ("gdpr 2", {"regs.gdpr": 2}, "request.regs.gdpr must be either 0 or 1"),
    ("gdpr 2 in its old place", {"regs.ext.gdpr": 2}, "request.regs.gdpr must be either 0 or 1"),
    *((f"device.{k}", {f"device.{k}": -1}, f"request.device.{k} must be a positive number")
      for k in ("w", "h", "ppi", "geo.accuracy")),
    ("nosale for all and one", prebid(nosale=["*", "aster"]),
     "request.ext.prebid.nosale is invalid: can only specify all bidders if no other bidders are provided"),
    ("nosale for a stranger", prebid(nosale=["nobody"]), "request.ext.prebid.nosale is invalid: unrecognized bidder 'nobody'"),
    ("interstitial without a share", {"imp.0.instl": 1, "device.ext.prebid.interstitial": {"minheightperc": 1}},
     "request.device.ext.prebid.interstitial.minwidthperc must be a number between 0 and 100"),
    ("interstitial of 101 %", {"imp.0.instl": 1,
                               "device.ext.prebid.interstitial": {"minwidthperc": 1, "minheightperc": 101}},
     "request.device.ext.prebid.interstitial.minheightperc must be a number between 0 and 100"),
    ("interstitial without a size", {"imp.0.instl": 1, "imp.0.banner": {},
                                     "device.ext.prebid.interstitial": {"minwidthperc": 1, "minheightperc": 1}},
     "Unable to read max interstitial size for Imp id=1 (No Device and no Format objects)"),
    ("interstitial that nothing fits", {"imp.0.instl": 1, "imp.0.banner": {}, "device.w": 9, "device.h": 9,
                                        "device.ext.prebid.interstitial": {"minwidthperc": 50, "minheightperc": 50}},
     "Unable to set interstitial size list for Imp id=1 (No valid sizes between 4x4 and 9x9)"),
    ("data for a site that is none", {"site": GONE, "app.id": "a", **prebid(bidderconfig=[
        {"bidders": ["aster"], "config": {"ortb2": {"site": {"page": "p"}}}}])},
     "incorrect First Party Data for bidder aster: Site object is not defined in request, but defined in FPD config"),
    ("data twice", prebid(bidderconfig=[{"bidders": ["aster", "aster"], "config": {"ortb2": {"user": {}}}}]),
     "multiple First Party Data bidder configs provided for bidder: aster"),
    ("data for an imp that breaks it", {"imp.0.ext.prebid.imp": {"aster": {"banner": {"format": [{"w": -1}]}}}},
     f"merging bidder imp first party data for imp 1 results in an invalid imp: [{FORMAT_AT}.w must be a positive number]"),
]

IMP = [
    ("no id", {"imp.0.id": ""}, 'request.imp[0] missing required field: "id"'),
    ("metric", {"imp.0.metric": [{"type": "t", "value": 1}]},
     "request.imp[0].metric is not yet supported by prebid-server. Support may be added in the future"),
    ("no media", {"imp.0.banner": GONE},
     'request.imp[0] must contain at least one of "banner", "video", "audio", or "native"'),
    *((f"banner.{k}", {f"imp.0.banner.{k}": -1}, f"request.imp[0].banner.{k} must be a positive number") for k in "wh"),
    *((f"banner.{k}", {f"imp.0.banner.{k}": 50}, f'request.imp[0].banner uses unsupported property: "{k}". Use the "format" '
       "array instead.") for k in ("wmin", "wmax", "hmin", "hmax")),
    *((f"banner with {k} alone", {"imp.0.banner": {k: 50}}, 'request.imp[0].banner has no sizes. Define "w" and "h", or include '
       '"format" elements.') for k in "wh"),
    *((f"format.{k}", {"imp.0.banner.format": [{k: -1}]}, f"{FORMAT_AT}.{k} must be a positive number")
      for k in ("w", "h", "wratio", "hratio", "wmin")),
    ("format of both kinds", {"imp.0.banner.format": [{"w": 1, "wratio": 1}]}, "Request imp[0].banner.format[0] should define "
     "*either* {w, h} *or* {wmin, wratio, hratio}, but not both. If both are valid, send two \"format\" objects in the request."),
    ("format of no kind", {"imp.0.banner.format": [{}]}, "Request imp[0].banner.format[0] should define *either* {w, h} (for "
     "static size requirements) *or* {wmin, wratio, hratio} (for flexible sizes) to be non-zero."),
    ("format without height", {"imp.0.banner.format": [{"w": 1}]},
     'Request imp[0].banner.format[0] must define non-zero "h" and "w" properties.'),
    ("format without wmin", {"imp.0.banner.format": [{"wratio": 1, "hratio": 1}]},
     'Request imp[0].banner.format[0] must define non-zero "wmin", "wratio", and "hratio" properties.'),
    *((f"{k} without mimes", media(k, w=1, sequence=1), f"request.imp[0].{k}.mimes must contain at least one supported MIME type")
      for k in ("video", "audio")),
    *((f"video.{k}", media("video", mimes=["m"], **{k: -1}), f"request.imp[0].video.{k} must be a positive number")
      for k in ("w", "h", "minbitrate", "maxbitrate")),
    *((f"audio.{k}", media("audio", mimes=["m"], **{k: -1}), f"request.imp[0].audio.{k} must be a positive number")
      for k in ("sequence", "maxseq", "minbitrate", "maxbitrate")),
    ("deal without id", {"imp.0.pmp.deals": [{"bidfloor": 1}]}, 'request.imp[0].pmp.deals[0] missing required field: "id"'),
    ("nobody", {"imp.0.ext": {"prebid": {"bidder": {}}}}, NOBODY),
    ("no ext", {"imp.0.ext": GONE}, NOBODY),
    ("a stranger", {"imp.0.ext.prebid.bidder": {"nobody": {}}}, "request.imp[0].ext.prebid.bidder contains unknown bidder: "
     "nobody. Did you forget an alias in request.ext.prebid.aliases?"),
    ("a stored answer without id", {"imp.0.ext.prebid.storedauctionresponse": {}},
     'request.imp[0] has ext.prebid.storedauctionresponse specified, but "id" field is missing '),
    ("a stored bid without bidder", {"imp.0.ext.prebid.storedbidresponse": [{"id": "s"}]},
     'request.imp[0] has ext.prebid.storedbidresponse specified, but "id" or/and "bidder" fields are missing '),
]

SPEC = f"See {NATIVE}"
NATIVE_ROWS = [
    ("no request", media("native", request=""), 'request.imp[0].native missing required property "request"'),
    ("context 4", native(context=4, assets=[TITLE]), f"{NATIVE_AT}context is invalid. {SPEC}#page=39"),
    ("negative subtype", native(context=1, contextsubtype=-1, assets=[TITLE]),
     f"{NATIVE_AT}contextsubtype value can't be less than 0. {SPEC}#page=39"),
    ("subtype of another context", native(context=1, contextsubtype=20, assets=[TITLE]),
     f"{NATIVE_AT}context is 1, but contextsubtype is 20. This is an invalid combination. {SPEC}#page=39"),
    ("subtype 16", native(context=1, contextsubtype=16, assets=[TITLE]), f"{NATIVE_AT}contextsubtype is invalid. {SPEC}#page=39"),
    ("placement 5", native(plcmttype=5, assets=[TITLE]), f"{NATIVE_AT}plcmttype is invalid. {SPEC}#page=40"),
    ("no assets", native(), f"{NATIVE_AT}assets must be an array containing at least one object"),
    ("an empty asset", asset(), f"{ASSET_AT[:-1]} must define exactly one of {{title, img, video, data}}"),
    ("two kinds", asset(title={"len": 1}, img={}), f"{ASSET_AT[:-1]} must define exactly one of {{title, img, video, data}}"),
    ("an id twice", native(assets=[TITLE, TITLE]), f"{NATIVE_AT}assets[1].id is already being used by another asset. Each asset "
     "ID must be unique."),
    ("a title of no length", asset(title={}), f"{ASSET_AT}title.len must be a positive number"),
    *((f"img.{k}", asset(img={k: -1}), f"{ASSET_AT}img.{k} must be a positive integer") for k in ("w", "h", "wmin", "hmin")),
    ("video without mimes", asset(video={**VIDEO, "mimes": []}),
     f"{ASSET_AT}video.mimes must be an array with at least one MIME type"),
    *((f"video.{k}", asset(video={**VIDEO, k: 0}), f"{ASSET_AT}video.{k} must be a positive integer")
      for k in ("minduration", "maxduration")),
    ("video without protocols", asset(video={**VIDEO, "protocols": []}),
     f"{ASSET_AT}video.protocols must be an array with at least one element"),
    ("protocol 11", asset(video={**VIDEO, "protocols": [2, 11]}),
     f"{ASSET_AT}video.protocols[1] is invalid. See Section 5.8: {ORTB}#page=52"),
    ("data of type 13", asset(data={"type": 13}), f"{ASSET_AT}data.type is invalid. See section 7.4: {NATIVE}#page=40"),
    ("event 5", native(assets=[TITLE], eventtrackers=[{"event": 5, "methods": [1]}]),
     f"{NATIVE_AT}eventtrackers[0].event is invalid. See section 7.6: {NATIVE}#page=43"),
    ("no methods", native(assets=[TITLE], eventtrackers=[{"event": 1, "methods": []}]),
     f"{NATIVE_AT}eventtrackers[0].method is required. See section 7.7: {NATIVE}#page=43"),
    ("method 3", native(assets=[TITLE], eventtrackers=[{"event": 1, "methods": [3]}]),
     f"{NATIVE_AT}eventtrackers[0].methods[0] is invalid. See section 7.7: {NATIVE}#page=43"),
]


@pytest.mark.parametrize("why,changes,line", REQUEST, ids=[r[0] for r in REQUEST])
def test_request(pbs, why, changes, line):
    reply = pbs.post(changed(changes))
    assert (reply.status, reply.text) == (400, body(line))


@pytest.mark.parametrize("why,changes,line", IMP, ids=[r[0] for r in IMP])
def test_imp(pbs, why, changes, line):
    reply = pbs.post(changed(changes))
    assert (reply.status, reply.text) == (400, body(line))


@pytest.mark.parametrize("why,changes,line", NATIVE_ROWS, ids=[r[0] for r in NATIVE_ROWS])
def test_native(pbs, why, changes, line):
    reply = pbs.post(changed(changes))
    assert (reply.status, reply.text) == (400, body(line))


def test_a_blocked_app(pbs):
    reply = pbs.post(changed({"site": GONE, "app.id": "spam"}))
    assert (reply.status, reply.text) == (503, body("Prebid-server does not process requests from App ID: spam"))


def test_imp_ids_are_told_of_with_what_comes_after(pbs):
    imp = BASE["imp"][0]
    reply = pbs.post(changed({"imp": [imp, {**imp, "banner": {}}]}))
    assert (reply.status, reply.text) == (400, body(
        'request.imp[0].id and request.imp[1].id are both "1". Imp IDs must be unique.',
        'request.imp[1].banner has no sizes. Define "w" and "h", or include "format" elements.'))


def test_warnings_stand_with_the_error_they_led_to(pbs):
    for name, text in (("sleepy", DISABLED), ("label", 'Bidder "label" can only be aliased and cannot be used directly.'),
                       ("yssp", 'Bidder "yssp" is no longer available in Prebid Server. If you\'re looking to use the Yahoo SSP '
                                'adapter, please rename it to "yahooAds" in your configuration.')):
        reply = pbs.post(changed({"cur": ["EUR", "USD"], "imp.0.ext.prebid.bidder": {name: {}}}))
        assert (reply.status, reply.text) == (400, body(
            "A prebid request can only process one currency. Taking the first currency in the list, EUR, as the active "
            "currency", text, NOBODY))


def test_a_stored_answer_for_one_imp_of_two(pbs):
    """Which of the two says so first depends on where the stored answers are looked for: they are fetched before."""
    imp = BASE["imp"][0]
    stored = {**imp, "ext": {"prebid": {"bidder": {"aster": {}}, "storedauctionresponse": {"id": "gone"}}}}
    assert pbs.post(changed({"imp": [stored, {**imp, "id": "2"}]})).text == body('Stored Response with ID="gone" not found.')


WARNINGS = [
    ("a stranger in legacy places", {"imp.0.ext": {"aster": {}, "nobody": {}}}, 0,
     "request.imp[0].ext contains unknown bidder: 'nobody', ignoring"),
    ("a stranger in a permission", prebid(data={"eidpermissions": [{"source": "s", "bidders": ["nobody"]}]}), 0,
     f'{PERMISSION} contains unrecognized bidder "nobody"'),
    ("adjustments", prebid(bidadjustments={"mediatype": {"banner": {"aster": {"*": [{"adjtype": "cpm", "value": 1}]}}}}), 10008,
     "bid adjustment from request was invalid"),
    ("gpp", {"regs.gpp": "malformed"}, 10001, "GPP consent string is invalid and will be ignored. ("),
    ("gdpr against gpp_sid", {"regs": {"gdpr": 0, "gpp_sid": [2]}}, 10001,
     "regs.gdpr signal conflicts with GPP (regs.gpp_sid) and will be ignored"),
    ("us_privacy", {"regs.us_privacy": "1"}, 10001,
     "CCPA consent is invalid and will be ignored. (request.regs.ext.us_privacy "),
    ("an eid without source", {"user.eids": [{"uids": [{"id": "1"}]}]}, 10013,
     "request.user.eids[0] removed due to missing source"),
    ("a uid without id", {"user.eids": [{"source": "s", "uids": [{"id": "1"}, {"atype": 1}]}]}, 10014,
     "request.user.eids[0].uids[1] removed due to empty ids"),
    ("an eid without uids", {"user.eids": [{"source": "s", "uids": []}]}, 10013,
     "request.user.eids[0] (source: s) removed due to empty uids"),
]


@pytest.mark.parametrize("why,changes,code,text", WARNINGS, ids=[r[0] for r in WARNINGS])
def test_what_is_only_warned_of(pbs, why, changes, code, text):
    reply = pbs.post(changed(changes))
    assert reply.status == 200, reply.text
    warnings = reply.json()["ext"]["warnings"]["general"]
    assert any(w["code"] == code and w["message"].startswith(text) for w in warnings), warnings
