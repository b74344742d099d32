"""The production nginx.conf, unchanged, on its real ports before two real PBS nodes."""
import json
import shutil
import subprocess
import time

import pytest

from namespace import BIN, ROOT, Namespace, need

KEY = "nginx-test-key-0123456789"
HOST = "ads.example.com"
NODES = {"pbs-1": "127.0.0.11", "pbs-2": "127.0.0.12"}
AUCTION = json.dumps({"id": "r1", "imp": [{"id": "1", "banner": {"format": [{"w": 300, "h": 250}]},
                                           "ext": {"prebid": {"bidder": {"aster": {}}}}}],
                      "site": {"page": "https://news.example.com/"}})


class Site:
    def __init__(self, folder):
        need("nginx", "openssl", "curl")
        self.folder = folder
        self.etc = folder / "etc-nginx"
        shutil.copytree(ROOT / "nginx/nexus", self.etc / "nexus")
        shutil.copy(ROOT / "nginx/nginx.conf", self.etc)
        shutil.copy(ROOT / "nginx/upstreams.conf", self.etc)
        shutil.copy("/etc/nginx/mime.types", self.etc)
        subprocess.run([ROOT / "deploy/scripts/make-secrets", "--dir", folder, "--domain", HOST], check=True,
                       capture_output=True)
        shutil.copytree(folder / "tls", self.etc / "tls")
        info = folder / "bidder-info"
        info.mkdir()
        (info / "aster.yaml").write_text("endpoint: http://127.0.0.1:9000/bid/aster\nmaintainer: {email: a@example.com}\n"
                                         "capabilities: {site: {mediaTypes: [banner]}}\n")
        self.ns = Namespace(folder, [(a, n) for n, a in NODES.items()] + [("127.0.0.1", HOST)],
                            f"mount --bind {self.etc} /etc/nginx; mount -t tmpfs none /run; mount -t tmpfs none /var; "
                            "mkdir -p /var/cache/nginx /var/lib/nginx /var/log/nginx /var/www/acme/.well-known/acme-challenge; "
                            "echo proof > /var/www/acme/.well-known/acme-challenge/token;")
        self.ns.start("mockbidder", BIN / "mockbidder", "--port", "9000")
        self.nodes = {name: self.node(name) for name in NODES}
        for name in NODES:
            self.wait(f"http://{name}:8000/ready")
        self.ns.run("nginx", "-t")
        self.nginx = self.ns.start("nginx", "nginx", "-g", "daemon off;")
        self.wait("http://127.0.0.1:8081/nginx-health", "204")

    def node(self, name):
        return self.ns.start(name, BIN / "nexus-pbs", env={
            "PBS_HOST": NODES[name], "PBS_PORT": "8000", "API_KEY_DEFAULT": KEY, "PBS_WORKERS": "1", "IDR_ENABLED": "false",
            "EVENT_RECORD_ENABLED": "false", "PBS_GDPR_VENDOR_LIST_ENABLED": "false",
            "PBS_BIDDER_INFO_DIR": str(self.folder / "bidder-info")})

    def wait(self, url, status="200", seconds=15):
        deadline = time.monotonic() + seconds
        while self.curl(url, check=False).status != status:
            assert time.monotonic() < deadline, f"{url} within {seconds} s\n{self.logs()}"
            time.sleep(0.02)

    def logs(self):
        return "\n".join(f"{n}: {self.ns.log(n)[-1000:]}" for n in ("nginx", *NODES))

    def curl(self, url, *options, check=True):
        done = self.ns.run("curl", "-sk", "-i", "--max-time", "5", *options, "-w", "\n%{http_code} %{http_version}", url,
                           check=check)
        return Answer(done.stdout)

    def auction(self, *options):
        return self.curl(f"https://{HOST}/openrtb2/auction", "--json", AUCTION, "-H", f"X-API-Key: {KEY}", *options)

    def statuses(self, url, count, *options):
        """Of `count` requests over one connection."""
        done = self.ns.run("curl", "-sk", "--max-time", "20", "-o", "/dev/null", "-w", "%{http_code}\n", *options,
                           f"{url}?[1-{count}]")
        return done.stdout.split()

    def requests_of(self, name, route):
        text = self.curl(f"http://{name}:8000/metrics", check=False).body
        return sum(float(line.split()[-1]) for line in text.splitlines()
                   if line.startswith(f'nexus_pbs_requests_total{{route="{route}"'))


class Answer:
    def __init__(self, text):
        text, _, last = text.replace("\r\n", "\n").rpartition("\n")
        self.status, self.version = (last.split() + ["000", "0"])[:2]
        head, _, self.body = text.partition("\n\n")
        self.headers = {}
        for line in head.splitlines()[1:]:
            name, _, value = line.partition(": ")
            self.headers.setdefault(name.lower(), []).append(value)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    s = Site(tmp_path_factory.mktemp("nginx"))
    yield s
    s.ns.close()


def test_http_redirects_and_keeps_the_method(site):
    reply = site.curl(f"http://{HOST}/openrtb2/auction?a=1")
    assert (reply.status, reply.headers["location"]) == ("308", [f"https://{HOST}/openrtb2/auction?a=1"])


def test_acme_challenges_are_served_over_http(site):
    reply = site.curl(f"http://{HOST}/.well-known/acme-challenge/token")
    assert (reply.status, reply.body.strip()) == ("200", "proof")
    assert site.curl(f"http://{HOST}/.well-known/acme-challenge/other").status == "404"


def test_an_auction_over_http2(site):
    reply = site.auction("--http2")
    assert (reply.status, reply.version) == ("200", "2")
    assert json.loads(reply.body)["seatbid"][0]["seat"] == "aster"
    assert "max-age=31536000" in reply.headers["strict-transport-security"][0]


def test_tls_versions(site):
    assert site.curl(f"https://{HOST}/status", "--tlsv1.2", "--tls-max", "1.2").status == "200"
    assert site.curl(f"https://{HOST}/status", "--tlsv1.3").status == "200"
    assert site.curl(f"https://{HOST}/status", "--tls-max", "1.1", "--ciphers", "DEFAULT@SECLEVEL=0", check=False).status == "000"


def test_cors_is_said_once_and_by_the_node(site):
    reply = site.auction("-H", "Origin: https://news.example.com")
    assert reply.headers["access-control-allow-origin"] == ["https://news.example.com"]
    assert reply.headers["access-control-allow-credentials"] == ["true"]


@pytest.mark.parametrize("path", ["/metrics", "/health", "/ready", "/version", "/debug/pprof", "/admin", "/currency/rates",
                                  "/stats", "/route", "/api/v1/publishers/x", "/.env", "/a/.git/config"])
def test_paths_of_the_inside_are_hidden(site, path):
    assert site.curl(f"https://{HOST}{path}").status == "404"
    if path in ("/metrics", "/health"):
        assert site.curl(f"http://pbs-1:8000{path}").status == "200", "so that 404 is nginx's doing"


def test_both_nodes_get_auctions(site):
    before = {n: site.requests_of(n, "auction") for n in NODES}
    for _ in range(8):
        assert site.auction().status == "200"
    for name in NODES:
        assert site.requests_of(name, "auction") > before[name], name


def test_bidder_info_is_cached_per_origin(site):
    def ask(origin):
        return site.curl(f"https://{HOST}/info/bidders/aster", "-H", f"Origin: {origin}")
    assert ask("https://a.example").headers["x-cache"] == ["MISS"]
    again = ask("https://a.example")
    assert again.headers["x-cache"] == ["HIT"]
    assert again.headers["strict-transport-security"], "headers of the server block are kept in cached locations"
    other = ask("https://b.example")
    assert other.headers["access-control-allow-origin"] == ["https://b.example"], "not the first asker's answer"


def test_rates_over_the_limit_are_429(site):
    time.sleep(2.1)  # not synchronisation: the general zone's bucket of 20 drains at 10/s
    seen = site.statuses(f"https://{HOST}/info/bidders", 60)
    assert set(seen) == {"200", "429"}
    assert 20 <= seen.count("200") <= 30, seen
    many = site.statuses(f"https://{HOST}/openrtb2/auction", 60, "-X", "POST")
    assert "429" not in many, "auctions have a larger zone of their own"


def test_a_body_over_the_limit_is_413(site, tmp_path):
    (tmp_path / "body").write_bytes(b" " * (2 << 20))
    assert site.curl(f"https://{HOST}/openrtb2/auction", "--data-binary", f"@{tmp_path / 'body'}").status == "413"


def test_a_killed_node_costs_no_request(site):
    site.nodes["pbs-1"].kill()
    site.nodes["pbs-1"].wait()
    replies = [site.auction().status for _ in range(20)]
    assert replies == ["200"] * 20
    site.nodes["pbs-1"] = site.node("pbs-1")
    site.wait("http://pbs-1:8000/ready")


def test_a_node_that_came_back_is_used(site):
    before = site.requests_of("pbs-1", "auction")
    deadline = time.monotonic() + 10
    while site.requests_of("pbs-1", "auction") == before:
        assert site.auction().status == "200"
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_the_node_that_answers_is_named_on_loopback_only(site):
    """deploy/scripts/roll waits for a new node there."""
    named = {site.curl("http://127.0.0.1:8081/node").headers["x-node"][0] for _ in range(8)}
    assert named == {f"{address}:8000" for address in NODES.values()}
    assert "x-node" not in site.curl(f"https://{HOST}/status").headers


def test_a_drained_node_costs_no_request(site):
    site.nodes["pbs-2"].terminate()
    replies = [site.auction().status for _ in range(20)]
    assert site.nodes["pbs-2"].wait(20) == 0
    assert replies == ["200"] * 20
    site.nodes["pbs-2"] = site.node("pbs-2")
    site.wait("http://pbs-2:8000/ready")


def test_the_log_is_json_without_addresses_and_queries(site):
    site.curl(f"https://{HOST}/status?consent=secret")
    site.curl(f"https://{HOST}/nothing?consent=secret")
    deadline = time.monotonic() + 5  # the log is written every second
    while "/nothing" not in site.ns.log("nginx"):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    lines = [json.loads(line) for line in site.ns.log("nginx").splitlines() if line.startswith("{")]
    assert lines and all(line["service"] == "nginx" for line in lines)
    assert "secret" not in site.ns.log("nginx")
    assert {line["remote_addr"] for line in lines} == {"127.0.0.0"}


def test_stub_status_is_for_loopback(site):
    assert "Active connections" in site.curl("http://127.0.0.1:8081/stub_status").body
    assert site.curl(f"https://{HOST}/stub_status").status == "404"
