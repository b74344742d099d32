"""A Prebid Server host's configuration file: every key of it is known, and what has an effect there has it here."""
import json
import re
import ssl
import subprocess

import pytest

from pbs_stack import BIN, DATA, KEY, JsonServer, Pbs, banner_request, free_port, running, seats

BID = {"seatbid": [{"bid": [{"id": "b", "impid": "1", "price": 2, "mtype": 1, "crid": "c", "adm": "<p>", "w": 300, "h": 250}]}]}


def nexus(*args, **env):
    return subprocess.run([BIN / "nexus-pbs", *args], capture_output=True, text=True, timeout=20,
                          env={"PATH": "/usr/bin:/bin", "API_KEY_DEFAULT": KEY, **env})


def test_every_key_is_known_and_those_without_effect_are_named():
    """That the file has all keys without effect keeps it and the table together."""
    checked = nexus("--check-config", "--config", DATA / "prebid-server.yaml")
    assert checked.returncode == 0, checked.stderr
    warned = re.findall(r" line \d+: (\S+) has no effect: .", checked.stderr)
    ignored = re.findall(r"^- `(\S+)` is accepted and has no effect", nexus("--config-reference").stdout, re.M)
    assert len(ignored) > 40 and sorted(warned) == sorted(ignored)


def test_a_key_that_nobody_has_stops_the_start(tmp_path):
    config = tmp_path / "pbs.yaml"
    config.write_text((DATA / "prebid-server.yaml").read_text() + "unix_socket_nam: x\n")
    checked = nexus("--check-config", "--config", config)
    assert checked.returncode == 1 and "unix_socket_nam: unknown key (did you mean unix_socket_name?)" in checked.stderr


def test_each_kind_of_stored_data_has_its_folder(tmp_path):
    for name, content in {"pages/stored_requests/page.json": {"bcat": ["IAB1"]}, "pages/accounts/pub-1.json": {"disabled": True},
                          "people/accounts/pub-1.json": {"targeting_prefix": "own"},
                          "pages/stored_responses/one.json": BID}.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(json.dumps(content))
    yaml = (f"stored_requests: {{ directory: '{tmp_path / 'pages'}', filesystem: {{ enabled: true }} }}\n"
            f"accounts: {{ filesystem: {{ enabled: true, directorypath: '{tmp_path / 'people'}' }} }}\n"
            "stored_responses: { filesystem: { enabled: false } }\n")
    with running(Pbs(tmp_path, {"aster": "price=2"}, yaml=yaml)) as (pbs,):
        reply = pbs.auction(ext={"prebid": {"storedrequest": {"id": "page"}, "targeting": {}}})
        assert pbs.last_request("aster")["body"]["bcat"] == ["IAB1"]
        assert "own_pb" in seats(reply)["aster"][0]["ext"]["prebid"]["targeting"]
        imp = banner_request(["aster"])["imp"][0]
        imp["ext"]["prebid"]["storedauctionresponse"] = {"id": "one"}
        refused = pbs.post(banner_request(["aster"], imp=[imp]))
        assert refused.status == 400 and 'Stored Response with ID="one" not found' in refused.text


@pytest.mark.parametrize("list_, address, kept", [
    ("", {"ip": "10.1.2.3"}, False),
    ("ipv4_private_networks: [198.51.100.0/24, 127.0.0.0/8]", {"ip": "198.51.100.7"}, False),
    ("ipv4_private_networks: [198.51.100.0/24, 127.0.0.0/8]", {"ip": "10.1.2.3"}, True),  # the list replaces the usual one,
    ("ipv4_private_networks: [198.51.100.0/24, 127.0.0.0/8]", {"ipv6": "fd00::1"}, False),  # but not that of the other family
    ("ipv6_private_networks: ['2001:db9::/32']", {"ipv6": "2001:db9::1"}, False),
    ("ipv6_private_networks: ['2001:db9::/32']", {"ipv6": "fd00::1"}, True),
])
def test_what_is_private_is_the_hosts_to_say(tmp_path, list_, address, kept):
    with running(Pbs(tmp_path, {"aster": ""}, yaml=f"request_validation: {{ {list_} }}\n")) as (pbs,):
        pbs.auction(device=address)
        sent = pbs.last_request("aster")["body"].get("device", {})
        assert {name: sent[name] for name in ("ip", "ipv6") if name in sent} == (address if kept else {})


@pytest.mark.parametrize("yaml, text", [
    ("request_validation: { ipv4_private_networks: ['fc00::/7'] }", 'ipv4_private_networks: "fc00::/7" is no such network'),
    ("request_validation: { ipv6_private_networks: [ten] }", 'ipv6_private_networks: "ten" is no such network'),
    ("certificates_file: /nonexistent.pem", "certificates_file: /nonexistent.pem holds no certificates"),
    ("host: example.com", 'cannot listen on "example.com"'),
    ("host: 203.0.113.9", "cannot listen on 203.0.113.9"),
    ("gdpr: { host_vendor_id: 70000 }", "gdpr.host_vendor_id"),
    ("auth: { keys: [{ publisher: p }] }", "auth.keys: [0]: an API key has"),
    ("gdpr: { default_value: 2 }", "gdpr.default_value"),
    ("gdpr: { tcf2: { purpose2: { enforce_algo: half } } }", "purpose2.enforce_algo"),
    ("account_defaults: { privacy: { allowactivities: { fetchBidz: {} } } }", "account_defaults.privacy.allowactivities"),
    ("bidder_info_dir: /nonexistent", "/nonexistent"),
    ("default_request: { file: { name: /nonexistent.json } }", "default_request.file.name: /nonexistent.json"),
    ("currency_converter: { file: /nonexistent.json }", "currency_converter.file: /nonexistent.json"),
    ("static: { directory: /nonexistent }", "static.directory: /nonexistent"),
    ("analytics: { file: { filename: /nonexistent/log } }", "analytics.file.filename: /nonexistent/log"),
    ("stored_requests: { database: { url: 'postgres//u:secret@h/n' } }", "STORED_DATABASE_URL"),
    ("cache: { builtin: { redis: { url: 'http://x' } } }", "REDIS_URL"),
    ("stored_requests: { directory: FOLDER }", "stored_requests/broken.json"),
])
def test_what_cannot_be_read_stops_the_start_and_the_check(tmp_path, yaml, text):
    config, info = tmp_path / "pbs.yaml", tmp_path / "info"
    (tmp_path / "stored_requests").mkdir()
    (tmp_path / "stored_requests/broken.json").write_text("{")
    info.mkdir()
    (info / "aster.yaml").write_text("endpoint: http://a.example\ncapabilities: { site: { mediaTypes: [banner] } }\n")
    config.write_text(yaml.replace("FOLDER", str(tmp_path)))
    for args in (), ("--check-config",):
        env = {} if "bidder_info_dir" in yaml else {"PBS_BIDDER_INFO_DIR": str(info)}
        refused = nexus(*args, "--config", config, PBS_PORT=str(free_port()), PBS_ADMIN_ENABLED="false", IDR_ENABLED="false", **env)
        assert refused.returncode == 1 and text in refused.stderr, (args, refused.stderr)
        assert "secret" not in refused.stderr and "is sound" not in refused.stdout


def test_the_check_leaves_no_trace_and_may_run_beside_the_server(tmp_path):
    """As it is run in the server's own container."""
    log = tmp_path / "events.log"
    env = {"PBS_ANALYTICS_FILE_FILENAME": str(log), "STORED_DATABASE_URL": "postgresql://127.0.0.1:1/x",
           "REDIS_URL": "redis://127.0.0.1:1"}
    assert nexus("--check-config", **env).stdout.startswith("configuration is sound")
    assert not log.exists()
    with running(Pbs(tmp_path, {"aster": "price=2"}, env=env)) as (pbs,):
        checked = nexus("--check-config", "--config", pbs.config, **pbs.env)
        assert checked.returncode == 0 and checked.stderr == "", checked.stderr
        assert set(seats(pbs.auction())) == {"aster"}


class TlsServer(JsonServer):
    """A bidder whose certificate nobody but its own authority vouches for."""

    def __init__(self, folder):
        super().__init__(lambda *_: BID)
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days",
                        "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout", folder / "key.pem",
                        "-out", folder / "cert.pem"], check=True, capture_output=True)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.server.handle_error = lambda *_: None  # who does not trust it hangs up
        self.url = f"https://localhost:{self.port}"


@pytest.mark.parametrize("trusted", [True, False])
def test_authorities_of_the_hosts_own_are_trusted(tmp_path, trusted):
    bidder = TlsServer(tmp_path)
    yaml = f"certificates_file: {tmp_path / 'cert.pem'}\n" if trusted else ""
    with running(bidder, Pbs(tmp_path, {"aster": bidder.url}, yaml=yaml)) as (_, pbs):
        assert set(seats(pbs.auction())) == ({"aster"} if trusted else set())


@pytest.mark.parametrize("timeouts, told", [
    ("{ default: 0, max: 0 }", (50000, 60000)),
    ("{ default: 0, max: 300 }", (1, 300)),
    ("{ default: 300, max: 0 }", (1, 300)),
])
def test_a_timeout_of_zero_is_no_limit_of_the_hosts(tmp_path, timeouts, told):
    with running(Pbs(tmp_path, {"aster": ""}, yaml=f"auction_timeouts_ms: {timeouts}\n")) as (pbs,):
        request = banner_request(["aster"])
        del request["tmax"]
        assert pbs.post(request).status == 200
        assert told[0] <= pbs.last_request("aster")["body"]["tmax"] <= told[1]
