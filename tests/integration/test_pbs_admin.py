"""The administration port, and what the information endpoints say."""

import signal

import pytest
import yaml

from pbs_stack import KEY, JsonServer, Pbs, request, running, wait_until

INFO = {"cedar": "whiteLabelOnly: true\n", "elm": "disabled: true\n"}
BIDDERS = {"aster": "price=2", "cedar": "price=1", "elm": "price=1"}


class Rates(JsonServer):
    rate = 0.5

    def answer(self, *_):
        return {"conversions": {"USD": {"EUR": self.rate}}}


@pytest.fixture(scope="module")
def stack(tmp_path_factory):
    rates = Rates()
    yaml = f"currency_converter: {{ fetch_url: '{rates.url}/rates', fetch_interval_seconds: 1 }}\n"
    with running(rates, Pbs(tmp_path_factory.mktemp("admin"), BIDDERS, yaml=yaml, info=INFO,
                            env={"PBS_WORKERS": "2"})) as both:
        both[1].process.wait_ready(both[1].admin, "/version")  # the first worker's; the second may be ready before
        yield both


def admin(pbs, path, method="GET"):
    return request(pbs.admin, method, path)


def test_rates_are_those_of_now(stack):
    rates, pbs = stack
    wait_until(lambda: admin(pbs, "/currency/rates").json()["rates"] == {"USD": {"EUR": 0.5}}, what="first rates")
    body = admin(pbs, "/currency/rates", "POST").json()
    assert body["active"] is True and body["source"] == rates.url + "/rates" and body["fetchingIntervalNs"] == 1_000_000_000
    assert body["lastUpdated"].startswith("20") and body["lastUpdated"].endswith("Z")
    rates.rate = 0.25
    wait_until(lambda: admin(pbs, "/currency/rates").json()["rates"] == {"USD": {"EUR": 0.25}}, what="new rates")


def test_version_and_workers(stack):
    _, pbs = stack
    assert set(admin(pbs, "/version").json()) == {"revision", "version"} == set(pbs.get("/version").json())
    body = admin(pbs, "/debug/workers").json()
    assert body["workers"] == 2 and body["resident_bytes"] > 1_000_000 and body["cache"]["entries"] == 0
    assert admin(pbs, "/nothing").status == 404


def test_the_main_port_has_none_of_it(stack):
    _, pbs = stack
    assert pbs.get("/config").status == 404
    assert pbs.get("/currency/rates").status == 404 and pbs.get("/debug/workers").status == 404


def test_bidders_are_listed_without_white_labels(stack):
    _, pbs = stack
    assert pbs.get("/info/bidders").json() == ["aster", "elm"]
    assert pbs.get("/info/bidders?enabledonly=TRUE").json() == ["aster"]
    for query in ("enabledonly=1&baseadaptersonly=1", "enabledonly="):
        reply = pbs.get("/info/bidders?" + query)
        assert (reply.status, reply.text) == \
            (400, "Invalid value for 'enabledonly' query param, must be of boolean type")
    assert pbs.get("/info/bidders/cedar").status == 404
    assert pbs.get("/info/bidders/Aster").json()["status"] == "ACTIVE"
    assert set(pbs.get("/info/bidders/elm").json()) == {"status", "maintainer"}
    assert set(pbs.get("/info/bidders/all").json()) == {"aster", "elm"}


def test_it_can_be_switched_off(tmp_path):
    with running(Pbs(tmp_path, {}, env={"PBS_ADMIN_ENABLED": "false"})) as (pbs,):
        with pytest.raises(OSError):
            admin(pbs, "/version")


SECRET = "never-to-be-read-0123456789"
SECRETS = f"""
auth: {{ keys: [{SECRET}-a, {{ key: {SECRET}-b, publisher: acct }}] }}
adapters: {{ aster: {{ xapi: {{ username: me, password: {SECRET}-c }} }} }}
recaptcha_secret: {SECRET}-d
currency_converter: {{ fetch_url: "http://me:{SECRET}-e@127.0.0.1:1/rates" }}
"""


def test_the_configuration_of_now_without_secrets(tmp_path):
    env = {"API_KEYS": f"{SECRET}-f,{SECRET}-g:acct", "IDR_API_KEY": f"{SECRET}-h",
           "OTEL_EXPORTER_OTLP_HEADERS": f"authorization={SECRET}-i", "REDIS_URL": f"redis://:{SECRET}-j@127.0.0.1:1"}
    with running(Pbs(tmp_path, {"aster": ""}, yaml=SECRETS + "limits: { max_imps: 10, max_connections: 77 }\n", env=env)) as (pbs,):
        def now():
            reply = admin(pbs, "/config")
            assert reply.status == 200 and reply.headers["Content-Type"] == "application/yaml"
            assert reply.headers["Cache-Control"] == "no-store"
            assert SECRET not in reply.text and KEY not in reply.text
            return reply.text

        values = yaml.safe_load(now())
        assert values["auth"]["api_key"] == values["auth"]["api_keys"] == values["recaptcha_secret"] == "***"
        assert values["idr"]["api_key"] == "***" and values["adapters"]["aster"]["xapi"]["password"] == "***"
        assert values["currency_converter"]["fetch_url"] == "http://***@127.0.0.1:1/rates"
        assert values["limits"]["max_imps"] == 10 and values["port"] == pbs.port
        assert f"port: {pbs.port}  # PBS_PORT\n" in now() and "rate_limit_rps: 5000  # default\n" in now()
        line = 1 + (SECRETS + "limits").count("\n")
        assert f"max_imps: 10  # {pbs.config} line {line}\n" in now()
        pbs.config.write_text("\n" + SECRETS + "limits: { max_imps: 3, max_connections: 78 }\n")
        pbs.process.signal(signal.SIGHUP)
        wait_until(lambda: f"max_imps: 3  # {pbs.config} line {line + 1}\n" in now(), what="the new value")
        assert f"max_connections: 77  # {pbs.config} line {line}\n" in now(), "what needs a restart is told as it runs"
