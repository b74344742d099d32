"""Deep comparison of JSON that reports every difference with its path."""

ABSENT = object()


class Finding:
    """One difference. `path` is a tuple of keys; array positions are left out, so that rules can match it."""

    def __init__(self, path, expected, actual):
        self.path, self.expected, self.actual = path, expected, actual

    def __str__(self):
        show = lambda v: "absent" if v is ABSENT else repr(v) if len(repr(v)) < 300 else repr(v)[:300] + "…"
        return f"{'.'.join(map(str, self.path)) or '(all)'}: expected {show(self.expected)}, got {show(self.actual)}"


def same_number(a, b):
    return (isinstance(a, (int, float)) and isinstance(b, (int, float)) and not isinstance(a, bool)
            and not isinstance(b, bool) and abs(a - b) <= 1e-9 * max(1, abs(a)))


def is_empty(v):
    """What the reference leaves out of its own output although a case's author wrote it down."""
    return v is None or v == {} or v == [] or v == "" or (v == 0 and not isinstance(v, bool))


def compare(expected, actual, path=()):
    if isinstance(expected, dict) and isinstance(actual, dict):
        findings = []
        for key in {**expected, **actual}:
            e, a = expected.get(key, ABSENT), actual.get(key, ABSENT)
            if (e is ABSENT and is_empty(a)) or (a is ABSENT and is_empty(e)):
                continue
            findings += compare(e, a, (*path, key))
        return findings
    if isinstance(expected, list) and isinstance(actual, list):
        if len(expected) != len(actual):
            return [Finding(path, expected, actual)]
        return [f for e, a in zip(expected, actual) for f in compare(e, a, path)]
    if expected is ABSENT or actual is ABSENT or (expected != actual and not same_number(expected, actual)) \
            or isinstance(expected, bool) != isinstance(actual, bool):
        return [Finding(path, expected, actual)]
    return []


def by_seat(response):
    """Seats and bids in an order of their own: theirs means nothing."""
    response = dict(response)
    seats = [s for s in response.get("seatbid") or [] if s.get("bid")]
    response["seatbid"] = {s.get("seat", ""): {b.get("id", ""): b for b in s["bid"]} for s in seats}
    return response


def without(obj, *paths):
    """A copy of `obj` without those dotted members; parents that end up empty go too."""
    def drop(node, keys):
        if isinstance(node, list):
            return [drop(n, keys) for n in node]
        if not isinstance(node, dict) or keys[0] not in node:
            return node
        node = dict(node)
        if len(keys) == 1:
            del node[keys[0]]
        else:
            node[keys[0]] = drop(node[keys[0]], keys[1:])
            if node[keys[0]] == {}:
                del node[keys[0]]
        return node
    for path in paths:
        obj = drop(obj, path.split("."))
    return obj
