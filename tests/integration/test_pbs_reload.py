"""SIGHUP reads configuration, stored data and accounts anew; what cannot be read changes nothing."""
import json
import signal

from pbs_stack import Pbs, banner_request, running, seats, wait_until


def put(folder, kind, name, value):
    (folder / kind).mkdir(exist_ok=True)
    (folder / kind / f"{name}.json").write_text(value if isinstance(value, str) else json.dumps(value))


def stored(name):
    body = banner_request(["aster"])
    body["ext"]["prebid"]["storedrequest"] = {"id": name}
    return body


def reload(pbs, event):
    before = pbs.process.log().count(event)
    pbs.process.signal(signal.SIGHUP)
    wait_until(lambda: pbs.process.log().count(event) > before, what=event)


def test_new_data_is_served_and_bad_data_is_refused(tmp_path):
    data = tmp_path / "data"
    data.mkdir()
    put(data, "stored_requests", "one", {"bcat": ["IAB1"]})
    with running(Pbs(tmp_path, {"aster": ""}, env={"PBS_STORED_REQUESTS_DIRECTORY": str(data)})) as (pbs,):
        assert pbs.post(stored("one")).status == 200
        assert pbs.post(stored("two")).status == 400
        put(data, "stored_requests", "two", {"bcat": ["IAB2"]})
        put(data, "accounts", "pub-1", {"disabled": True})
        reload(pbs, '"reloaded"')
        assert pbs.post(banner_request(["aster"])).status == 503
        put(data, "accounts", "pub-1", {"disabled": False})
        reload(pbs, '"reloaded"')
        assert set(seats(pbs.post(stored("two")).json())) == {"aster"}
        assert pbs.last_request("aster")["body"]["bcat"] == ["IAB2"]
        put(data, "stored_requests", "three", "{")
        reload(pbs, "reload_refused")
        assert "stored_requests/three.json" in pbs.process.log()
        assert pbs.post(stored("two")).status == 200


def test_the_configuration_changes_while_auctions_run(tmp_path):
    """A key is withdrawn, an account's defaults and a limit change; what cannot change is named and stays."""
    with running(Pbs(tmp_path, {"aster": ""}, yaml="limits: { max_imps: 10 }\n")) as (pbs,):
        body = banner_request(["aster"])
        assert pbs.post(body, key="second-key-for-the-test").status == 401
        pbs.config.write_text("auth: { keys: [{ key: second-key-for-the-test, publisher: pub-1 }] }\n"
                              "limits: { max_imps: 1, max_connections: 77 }\n"
                              "account_defaults: { truncate_target_attr: 12 }\n")
        reload(pbs, '"reloaded"')
        reply = pbs.post(body, key="second-key-for-the-test")
        assert reply.status == 200, reply.text
        keys = seats(reply.json())["aster"][0]["ext"]["prebid"]["targeting"]
        assert max(map(len, keys)) == 12
        two = banner_request(["aster"], imp=[{**body["imp"][0], "id": name} for name in ("1", "2")])
        assert pbs.post(two).status == 400
        assert "limits.max_connections: changed, which needs a restart" in pbs.process.log()


def test_a_wrong_configuration_is_refused_with_its_line(tmp_path):
    with running(Pbs(tmp_path, {"aster": ""}, yaml="limits: { max_imps: 1 }\n")) as (pbs,):
        pbs.config.write_text("rate_limit_rps: 10\nlimits:\n  max_imps: many\n")
        reload(pbs, "reload_refused")
        assert "line 3: limits.max_imps" in pbs.process.log()
        body = banner_request(["aster"])
        two = banner_request(["aster"], imp=[{**body["imp"][0], "id": name} for name in ("1", "2")])
        assert pbs.post(two).status == 400
        assert pbs.post(body).status == 200


def test_no_auction_is_lost_while_the_configuration_is_read_again_and_again(tmp_path):
    with running(Pbs(tmp_path, {"aster": "latency_ms=20"}, yaml="max_bid_price: 50\n")) as (pbs,):
        for round in range(20):
            pbs.config.write_text(f"max_bid_price: {50 + round}\naccount_defaults: {{ truncate_target_attr: {12 + round % 3} }}\n")
            pbs.process.signal(signal.SIGHUP)
            assert set(seats(pbs.auction())) == {"aster"}
