"""Stored data for cases whose own lives in the reference's test code: what a case expects says what kind it must be."""
BID = {"id": "stored-bid", "impid": "any", "price": 1, "crid": "c", "mtype": 1, "adm": "<div></div>"}
SEATS = [{"seat": "stored", "bid": [BID]}]
IMP = {"banner": {"format": [{"w": 300, "h": 250}]}, "ext": {"prebid": {"bidder": {"appnexus": {"placementId": 1}}}}}
BROKEN = "a document that is no object"  # for cases whose stored data is not JSON: read, and found to be unusable


def prebid(obj):
    ext = obj.get("ext") if isinstance(obj, dict) else None
    found = ext.get("prebid") if isinstance(ext, dict) else None
    return found if isinstance(found, dict) else {}


def imps_of(request):
    imps = request.get("imp") if isinstance(request, dict) else None
    return [i for i in imps if isinstance(i, dict)] if isinstance(imps, list) else []


def ref_of(obj, member):
    """The id of a {"id": …} in ext.prebid, when it is one that a file could have."""
    ref = prebid(obj).get(member)
    name = ref.get("id") if isinstance(ref, dict) else None
    return name if isinstance(name, str) and name and "/" not in name else None


def expected_imp_ids(case):
    seats = (case.get("expectedBidResponse") or {}).get("seatbid") or []
    return [b["impid"] for s in seats for b in s.get("bid") or [] if b.get("impid")]


def stored_imp(imp, case):
    """An imp that the request's own can stand on; with the id that is expected of it where it has none."""
    ids = [i for i in expected_imp_ids(case) if i not in {i.get("id") for i in imps_of(case.get("mockBidRequest"))}]
    return {**IMP, "id": imp.get("id") or (ids or ["stored-imp"])[0]}


def make(case, known):
    """{kind: {id: document}} for what the case refers to and nobody has. `known` holds (kind, id) of files."""
    request, message = case.get("mockBidRequest"), case.get("expectedErrorMessage") or ""
    good, broken = case.get("expectedReturnCode") == 200, "Invalid JSON" in message
    made = {"stored_requests": {}, "stored_imps": {}, "stored_responses": {}}

    def add(kind, name, document):
        if name and (kind, name) not in known and (good or broken):
            made[kind][name] = document if good else BROKEN

    add("stored_requests", ref_of(request, "storedrequest"), {"tmax": 500})
    for imp in imps_of(request):
        add("stored_imps", ref_of(imp, "storedrequest"), stored_imp(imp, case))
        add("stored_responses", ref_of(imp, "storedauctionresponse"), SEATS)
        for ref in prebid(imp).get("storedbidresponse") or []:
            if isinstance(ref, dict) and isinstance(ref.get("id"), str):
                add("stored_responses", ref["id"], {"id": "stored", "cur": "USD", "seatbid": SEATS})
    return made


def names_of(case, known, made):
    """Stored data that the case refers to and that is neither there nor stood in for."""
    request = case.get("mockBidRequest")
    refs = [("stored_requests", ref_of(request, "storedrequest"))]
    for imp in imps_of(request):
        refs += [("stored_imps", ref_of(imp, "storedrequest")), ("stored_responses", ref_of(imp, "storedauctionresponse"))]
        refs += [("stored_responses", r.get("id")) for r in prebid(imp).get("storedbidresponse") or [] if isinstance(r, dict)]
    return [name for kind, name in refs if name and (kind, name) not in known and name not in made[kind]]
