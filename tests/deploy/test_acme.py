"""The certificate's way, end to end: deploy/scripts/renew-certificate with certbot, against an ACME authority that checks as
the real one does (over port 80, by name), through the production nginx, which then serves what was issued."""
import json
import os
import shutil
import ssl
import subprocess
import time

import pytest

from namespace import ROOT, Namespace, need

HOST, AUTHORITY = "ads.example.com", "acme.example.com"

# `docker compose` as far as the script uses it: what it would run in the containers runs here, on the same paths but /tls.
COMPOSE = """#!/bin/bash
set -e
while [ $# -gt 0 ] && [ "$1" != run ] && [ "$1" != exec ]; do shift; done
verb=$1
shift
while [ $# -gt 0 ]; do
    case $1 in
        --rm | -T) shift ;;
        --entrypoint) entrypoint=$2; shift 2 ;;
        certbot) shift; break ;;
        nginx) shift; exec "$@" ;;
    esac
done
if [ -n "$entrypoint" ]; then
    exec "$entrypoint" "${@//\\/tls\\//$TLS/}"
fi
echo "$*" >> "$ASKED"
exec certbot "$@"
"""


class Site:
    def __init__(self, folder, valid_days):
        need("nginx", "openssl", "curl", "pebble", "certbot")
        self.folder, self.etc = folder, folder / "etc-nginx"
        shutil.copytree(ROOT / "nginx/nexus", self.etc / "nexus")
        for file in (ROOT / "nginx/nginx.conf", ROOT / "nginx/upstreams.conf", "/etc/nginx/mime.types"):
            shutil.copy(file, self.etc)
        subprocess.run([ROOT / "deploy/scripts/make-secrets", "--dir", folder, "--domain", HOST], check=True, capture_output=True)
        shutil.copytree(folder / "tls", self.etc / "tls")
        (folder / "letsencrypt").mkdir()
        (folder / "compose").write_text(COMPOSE)
        (folder / "compose").chmod(0o755)
        self.authority(valid_days)
        self.ns = Namespace(folder, [("127.0.0.10", HOST), ("127.0.0.20", AUTHORITY), ("127.0.0.11", "pbs-1"), ("127.0.0.12", "pbs-2")],
                            f"mount --bind {self.etc} /etc/nginx; mount --bind {folder}/letsencrypt /etc/letsencrypt; "
                            "mount -t tmpfs none /run; mount -t tmpfs none /var; "
                            "mkdir -p /var/cache/nginx /var/lib/nginx /var/log/nginx /var/log/letsencrypt /var/lib/letsencrypt /var/www/acme")
        self.ns.start("pebble", "pebble", "-config", folder / "pebble.json",
                      env={"PEBBLE_VA_NOSLEEP": "1", "PEBBLE_WFE_NONCEREJECT": "0", "GODEBUG": "netdns=go"})
        self.ns.start("nginx", "nginx", "-g", "daemon off;")
        self.wait("-k", f"https://{AUTHORITY}:14000/dir")
        self.wait("http://127.0.0.1:8081/nginx-health")
        self.root = folder / "root.pem"
        self.root.write_text(self.curl("-k", f"https://{AUTHORITY}:15000/roots/0"))

    def authority(self, valid_days):
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                        "-subj", f"/CN={AUTHORITY}", "-addext", f"subjectAltName=DNS:{AUTHORITY}", "-keyout", self.folder / "acme.key",
                        "-out", self.folder / "acme.pem"], check=True, capture_output=True)
        (self.folder / "pebble.json").write_text(json.dumps({"pebble": {
            "listenAddress": "127.0.0.20:14000", "managementListenAddress": "127.0.0.20:15000",
            "certificate": str(self.folder / "acme.pem"), "privateKey": str(self.folder / "acme.key"),
            "httpPort": 80, "tlsPort": 443, "certificateValidityPeriod": valid_days * 86400}}))

    def curl(self, *argv, check=True):
        return self.ns.run("curl", "-sf", "--max-time", "10", *argv, check=check).stdout

    def wait(self, *argv):
        deadline = time.monotonic() + 15
        while self.ns.run("curl", "-sf", "-o", "/dev/null", *argv, check=False).returncode:
            assert time.monotonic() < deadline, self.ns.log("pebble")[-2000:] + self.ns.log("nginx")[-2000:]
            time.sleep(0.02)

    def renew(self, status=0):
        done = subprocess.run(self.ns.inside(ROOT / "deploy/scripts/renew-certificate"), capture_output=True, text=True, timeout=120, check=False,
                              env={**os.environ, "DOMAIN": HOST, "EMAIL": "ops@example.com", "COMPOSE": str(self.folder / "compose"),
                                   "ACME_SERVER": f"https://{AUTHORITY}:14000/dir", "REQUESTS_CA_BUNDLE": str(self.folder / "acme.pem"),
                                   "TLS": str(self.etc / "tls"), "ASKED": str(self.folder / "asked")})
        assert done.returncode == status, done.stdout + done.stderr + self.ns.log("pebble")[-3000:]
        return done.stdout + done.stderr

    def serial(self):
        """Of the certificate that nginx serves, once its workers have taken up the last reload."""
        out = self.ns.run("sh", "-c", f"echo | openssl s_client -connect {HOST}:443 -servername {HOST} 2> /dev/null | openssl x509 -noout -serial")
        return out.stdout.strip()

    def changed(self, old):
        deadline = time.monotonic() + 10
        while self.serial() == old:
            assert time.monotonic() < deadline, "nginx serves the certificate of before"
            time.sleep(0.05)
        return self.serial()

    def trusted(self):
        """By somebody who trusts the authority and nobody else; what is asked for needs no node behind it."""
        done = self.ns.run("curl", "-s", "--max-time", "5", "--cacert", self.root, "-o", "/dev/null", "-w", "%{http_code} %{ssl_verify_result}",
                           f"https://{HOST}/metrics", check=False)
        return done.stdout == "404 0"


@pytest.fixture
def site(tmp_path, request):
    s = Site(tmp_path, request.param)
    yield s
    s.ns.close()


@pytest.mark.parametrize("site", [90], indirect=True)
def test_a_certificate_is_issued_and_kept_while_it_is_good(site):
    self_signed = site.serial()
    assert not site.trusted()
    site.renew()
    issued = site.changed(self_signed)
    assert site.trusted()
    key, cert = site.etc / "tls/privkey.pem", site.etc / "tls/fullchain.pem"
    assert key.stat().st_mode & 0o077 == 0 and cert.read_text().count("BEGIN CERTIFICATE") >= 2, "with its chain"
    ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(cert, key)
    assert "not yet due" in site.renew(), "from cron, every day: the authority is not asked"
    assert site.serial() == issued and site.trusted()


@pytest.mark.parametrize("site", [10], indirect=True)
def test_a_certificate_that_is_about_to_expire_is_renewed(site):
    self_signed = site.serial()
    site.renew()
    first = site.changed(self_signed)
    site.renew()
    second = site.changed(first)
    assert second != first and site.trusted()
    assert site.curl("-k", "-o", "/dev/null", "-w", "%{http_code}", f"http://{HOST}/") == "308", "nginx never stopped"


@pytest.mark.parametrize("site", [90], indirect=True)
def test_a_name_that_does_not_lead_here_gets_no_certificate(site):
    """The authority's question fails, so does the script, and nginx goes on with what it has."""
    before = site.serial()
    hosts = site.folder / "hosts"
    hosts.write_text(hosts.read_text().replace(f"127.0.0.10 {HOST}", f"192.0.2.1 {HOST}"))
    assert "hallenge" in site.renew(status=1)
    hosts.write_text(hosts.read_text().replace(f"192.0.2.1 {HOST}", f"127.0.0.10 {HOST}"))
    assert site.serial() == before
