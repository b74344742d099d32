"""SIGHUP reads stored data and accounts anew; what cannot be read changes nothing."""
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
        reload(pbs, "stored_data")
        assert pbs.post(banner_request(["aster"])).status == 503
        put(data, "accounts", "pub-1", {"disabled": False})
        reload(pbs, "stored_data")
        assert set(seats(pbs.post(stored("two")).json())) == {"aster"}
        assert pbs.last_request("aster")["body"]["bcat"] == ["IAB2"]
        put(data, "stored_requests", "three", "{")
        reload(pbs, "reload_refused")
        assert "stored_requests/three.json" in pbs.process.log()
        assert pbs.post(stored("two")).status == 200
