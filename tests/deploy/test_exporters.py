"""What rules and dashboards take from other programs: the exporters themselves, before real servers, are asked whether they
say it, and whether what is summed as a rate counts up."""
import http.server
import re
import ssl
import subprocess
import sys
import threading
import urllib.request

import pytest

from namespace import ROOT, need
from test_metrics import FOREIGN, dashboard_queries, rules

sys.path.insert(0, str(ROOT / "tests/integration"))
from pbs_stack import Process, free_port, wait_until  # noqa: E402
from postgres_stack import Postgres  # noqa: E402
from redis_stack import Redis  # noqa: E402

# Written by scripts of ours, or by Prometheus itself.
NOT_EXPORTED = {"up", "ALERTS", "nexus_backup_last_success_timestamp_seconds"}


def fetch(url):
    try:
        with urllib.request.urlopen(url, timeout=10) as reply:
            return reply.read().decode()
    except OSError:
        return ""


class Https:
    """Something with a certificate, which answers 200."""

    def __init__(self, folder):
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                        "-subj", "/CN=localhost", "-keyout", folder / "key", "-out", folder / "cert"], check=True, capture_output=True)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(folder / "cert", folder / "key")

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(200)
                self.end_headers()

            def log_message(self, *args):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


def nginx(folder):
    port = free_port()
    (folder / "nginx.conf").write_text(
        f"daemon off; pid {folder}/nginx.pid; error_log stderr; events {{}}\n"
        f"http {{ access_log off; server {{ listen 127.0.0.1:{port}; location = /stub_status {{ stub_status; }} }} }}\n")
    return Process("nginx", ["nginx", "-c", folder / "nginx.conf"], folder), port


def exporters(folder, redis, postgres, nginx_port):
    """{name: (argv, environment)}, as docker-compose.monitoring.yml gives it to them; `:0` stands for the port."""
    return {
        "node": (["prometheus-node-exporter", f"--collector.textfile.directory={folder}", "--web.listen-address=127.0.0.1:0"], {}),
        "blackbox": (["prometheus-blackbox-exporter", f"--config.file={ROOT}/deploy/prometheus/blackbox.yml", "--web.listen-address=127.0.0.1:0"], {}),
        "redis": (["prometheus-redis-exporter", "--web.listen-address=127.0.0.1:0"],
                  {"REDIS_ADDR": f"redis://127.0.0.1:{redis.port}", "REDIS_PASSWORD": redis.password}),
        "postgres": (["prometheus-postgres-exporter", "--web.listen-address=127.0.0.1:0"],
                     {"DATA_SOURCE_NAME": f"{postgres.url}?sslmode=disable"}),
        "nginx": (["prometheus-nginx-exporter", f"-nginx.scrape-uri=http://127.0.0.1:{nginx_port}/stub_status", "-web.listen-address=127.0.0.1:0"], {}),
    }


@pytest.fixture(scope="module")
def live(tmp_path_factory):
    """The text of all of them."""
    folder = tmp_path_factory.mktemp("exporters")
    need("nginx", "openssl", *(f"prometheus-{n}-exporter" for n in ("node", "blackbox", "redis", "postgres", "nginx")))
    things, texts = [], []
    try:
        redis, postgres = Redis(), Postgres()
        things += [redis, postgres]
        web, port = nginx(folder)
        things.append(web)
        site = Https(folder)
        wait_until(lambda: fetch(f"http://127.0.0.1:{port}/stub_status"), what="nginx")
        for name, (argv, env) in exporters(folder, redis, postgres, port).items():
            at = free_port()
            things.append(Process(name, [a.replace(":0", f":{at}") if "listen" in a else a for a in argv], folder, env))
            path = f"/probe?module=status&target=https://127.0.0.1:{site.port}/" if name == "blackbox" else "/metrics"
            texts.append(wait_until(lambda: fetch(f"http://127.0.0.1:{at}{path}"), 15, f"the exporter of {name}"))
        yield "\n".join(texts)
    finally:
        for thing in reversed(things):
            thing.stop()


def types(text):
    return dict(re.findall(r"^# TYPE (\S+) (\S+)", text, re.M))


def test_every_foreign_metric_is_exported(live):
    have = set(re.findall(r"^([A-Za-z_:][\w:]*)", live, re.M)) | set(types(live))
    assert not FOREIGN - NOT_EXPORTED - have


def test_stores_and_site_are_seen(live):
    for sample in ("redis_up 1", "pg_up 1", "nginx_up 1", "probe_success 1"):
        assert re.search(rf"^{sample}$", live, re.M), sample


def test_rates_are_of_counters(live):
    kinds = types(live)
    rated = {n for e in [r["expr"] for _, r in rules()] + [e for _, e in dashboard_queries()]
             for n in re.findall(r"\b(?:rate|increase)\(([A-Za-z_:]\w*)", e) if n in FOREIGN}
    assert rated and not [n for n in rated if kinds[n] != "counter"]
