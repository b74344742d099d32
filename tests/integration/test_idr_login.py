"""Administrators at nexus-idr: the way in, what keeps others out, what a session may do, and what is written down of it."""
import base64
import concurrent.futures
import ctypes
import hashlib
import hmac
import json
import os
import pty
import re
import sqlite3
import struct
import subprocess
import time

import pytest
from idr_stack import Idr, event
from pbs_stack import BIN, KEY, ROOT, request, running, wait_until

PASSWORD, SECRET_KEY = "correct horse battery", "0123456789abcdef0123456789abcdef"
FLOORS = {"currency": "USD", "modelGroups": [{"schema": {"fields": ["mediaType"]}, "values": {"*": 0.4}}]}


def bcrypt(cost=10, password=PASSWORD):
    """Cheaper than what hash-password makes, so that tests are fast; or dearer, so that they are slow."""
    lib = ctypes.CDLL("libcrypt.so.1")
    lib.crypt.restype = ctypes.c_char_p
    return lib.crypt(password.encode(), b"$2b$%02d$abcdefghijklmnopqrstuu" % cost).decode()


HASH = bcrypt()


def admin_env(users, **more):
    return {"ADMIN_USERS": users, "SECRET_KEY": SECRET_KEY, "SESSION_COOKIE_SECURE": "false", **more}


class Browser:
    """Keeps the cookie, and sends the token that goes with it."""

    def __init__(self, idr):
        self.idr, self.cookie, self.csrf = idr, None, None

    def login(self, user="ada", password=PASSWORD, **more):
        reply = self.ask("POST", "/login", {"user": user, "password": password, **more})
        if reply.status == 200:
            self.csrf = reply.json()["csrf"]
        return reply

    def ask(self, method, path, body=None, headers=None, timeout=30):
        headers = {**({"Cookie": self.cookie} if self.cookie else {}), **({"X-CSRF-Token": self.csrf} if self.csrf else {}),
                   **(headers or {})}
        reply = self.idr.ask(method, path, body, key=None, headers=headers, timeout=timeout)
        for value in reply.headers.get_all("Set-Cookie") or []:
            self.cookie = value.split(";")[0]
        return reply

    def audit(self, query=""):
        return self.ask("GET", "/api/v1/audit" + query).json()["audit"]


@pytest.fixture
def idr(tmp_path):
    idr = Idr(tmp_path, env=admin_env(f"ada:{HASH},bob:{HASH}:viewer"))
    with running(idr):
        yield idr


def test_a_session_reads_and_an_admin_changes(idr):
    ada = Browser(idr)
    assert ada.ask("GET", "/stats").status == 401
    reply = ada.login()
    assert reply.status == 200 and reply.json()["role"] == "admin"
    assert ada.ask("GET", "/stats").status == 200 and ada.ask("GET", "/floors/p1").status == 200
    assert ada.ask("PUT", "/floors/p1", FLOORS).json() == {"status": "saved", "version": 1}
    assert ada.ask("PUT", "/api/v1/publishers/p1/settings", {"max_bidders": 3}).status == 200
    assert ada.ask("GET", "/floors/p1?history=1").json()[0]["updated_by"] == "ada"
    assert "max_bidders" in ada.ask("GET", "/api/v1/publishers/p1/settings").text
    assert ada.ask("GET", "/config").status == 200
    assert ada.ask("DELETE", "/floors/p1").json()["version"] == 2


def test_a_session_is_no_key_for_what_servers_do(idr):
    ada = Browser(idr)
    ada.login()
    for method, path, body in (("POST", "/route", {}), ("POST", "/analytics", event("a")), ("GET", "/stored-requests", None)):
        assert ada.ask(method, path, body).status == 401, path


def test_who_may_not_get_in(idr):
    for user, password, status in (("ada", "wrong horse battery", 401), ("eve", PASSWORD, 401), ("ada", "", 400),
                                   ("", PASSWORD, 400), ("ada", PASSWORD[:-1], 401), ("ada", "x" * 100, 401)):
        reply = Browser(idr).login(user, password)
        assert reply.status == status and "Set-Cookie" not in reply.headers, (user, password)
    wrong, unknown = (Browser(idr).login(u, "some password").json() for u in ("bob", "nobody"))
    assert wrong == unknown
    # A password typed into the wrong field must not be found in a log.
    assert "login_failed" in idr.process.log() and "nobody" not in idr.process.log()


@pytest.mark.parametrize("body,kind,status", [
    ("{", "application/json", 400), ("[]", "application/json", 400), ("{}", "application/json", 400),
    ('{"user":1,"password":2}', "application/json", 400), ("user=ada&password=x", "application/x-www-form-urlencoded", 415),
    ('{"user":"ada","password":"x"}', "text/plain", 415), ('{"a":"' + "x" * 5000 + '"}', "application/json", 413)])
def test_login_requests_that_are_none(idr, body, kind, status):
    assert idr.ask("POST", "/login", body, key=None, headers={"Content-Type": kind}).status == status


def test_viewers_look_and_do_not_touch(idr):
    bob = Browser(idr)
    assert bob.login("bob").json()["role"] == "viewer"
    for path in ("/stats", "/stats/p1", "/floors/p1", "/api/v1/publishers/p1/settings"):
        assert bob.ask("GET", path).status == 200, path
    for method, path, body in (("PUT", "/floors/p1", FLOORS), ("DELETE", "/floors/p1", None),
                               ("PUT", "/api/v1/publishers/p1/settings", {}), ("PUT", "/api/v1/stored/imp/i", {}),
                               ("GET", "/api/v1/audit", None), ("GET", "/config", None)):
        reply = bob.ask(method, path, body)
        assert reply.status == 403 and "admin" in reply.json()["error"], path
    asked = {"bid_request": {"imp": [{"id": "1", "banner": {"w": 300, "h": 250}}]}, "configured_bidders": ["a", "b"]}
    before = idr.metric('nexus_idr_bidders_configured_total')
    assert [s["bidder_code"] for s in bob.ask("POST", "/api/v1/explain", asked).json()["all_scores"]] == ["a", "b"]
    assert idr.metric('nexus_idr_bidders_configured_total') == before


def test_another_site_changes_nothing(idr):
    ada = Browser(idr)
    ada.login()
    token = ada.csrf
    other = Browser(idr)
    other.login("bob")
    for wrong in (None, "", "x" * 43, other.csrf, token[:-1]):
        ada.csrf = wrong
        for method, path, body in (("PUT", "/floors/p1", FLOORS), ("DELETE", "/floors/p1", None), ("POST", "/logout", None),
                                   ("POST", "/api/v1/explain", {})):
            reply = ada.ask(method, path, body)
            assert reply.status == 403 and "X-CSRF-Token" in reply.json()["error"], (path, wrong)
    ada.csrf = token
    assert ada.ask("PUT", "/floors/p1", FLOORS).status == 200


def test_the_cookie(tmp_path):
    for secure, name in (("true", "__Host-nexus_session"), ("false", "nexus_session")):
        folder = tmp_path / secure
        folder.mkdir()
        with running(Idr(folder, env=admin_env(f"ada:{HASH}", SESSION_COOKIE_SECURE=secure))) as (idr,):
            reply = Browser(idr).login()
            parts = [p.strip() for p in reply.headers["Set-Cookie"].split(";")]
            assert parts[0].startswith(name + "=1.")
            assert {"Path=/", "HttpOnly", "SameSite=Strict", "Max-Age=43200"} <= set(parts)
            assert ("Secure" in parts) == (secure == "true") and not any(p.startswith("Domain") for p in parts)
            assert reply.headers["Cache-Control"] == "no-store"


def signed(parts):
    text = ".".join(parts[:6])
    mac = hmac.new(SECRET_KEY.encode(), f"session {text}".encode(), hashlib.sha256).digest()
    return text + "." + base64.urlsafe_b64encode(mac).rstrip(b"=").decode()


def test_a_session_that_is_not_ours(idr):
    ada = Browser(idr)
    ada.login()
    name, value = ada.cookie.split("=", 1)
    parts = value.split(".")
    now, other = int(time.time()), base64.urlsafe_b64encode(b"bob").rstrip(b"=").decode()
    assert signed(parts) == value
    cases = {
        "cut": value[:-2], "signature": value[:-4] + "AAAA", "nothing": "", "junk": "1.2.3",
        "another's name": ".".join([parts[0], other, *parts[2:]]),
        "too old": signed([*parts[:3], str(now - 43200), str(now), parts[5]]),
        "idle": signed([*parts[:4], str(now - 3601), parts[5]]),
        "of another password": signed([*parts[:5], "AAAAAAAAAAAAAAAA"]),
        "nobody": signed([parts[0], "bm9ib2R5", *parts[2:]]),
    }
    for why, text in cases.items():
        ada.cookie = f"{name}={text}"
        assert ada.ask("GET", "/stats").status == 401, why
        assert ada.ask("GET", "/api/v1/session").json()["login"] == "needed", why
    ada.cookie = f"{name}=" + signed([*parts[:3], str(now - 7200), str(now - 120), parts[5]])
    reply = ada.ask("GET", "/stats")
    assert reply.status == 200 and "Max-Age=360" in reply.headers["Set-Cookie"], "in use, so renewed, but not for longer"


def test_a_restart_ends_no_session_and_brings_none_back(idr):
    stays, ended = Browser(idr), Browser(idr)
    stays.login()
    ended.login("bob")
    assert ended.ask("POST", "/logout").status == 200
    old = ended.cookie
    assert old.endswith("="), "the browser drops it"
    ended.login("bob")
    taken = ended.cookie
    assert ended.ask("POST", "/logout").status == 200
    ended.cookie = taken
    assert ended.ask("GET", "/stats").status == 401, "whoever kept it has nothing"
    idr.stop()
    idr.start()
    assert stays.ask("GET", "/stats").status == 200
    assert ended.ask("GET", "/stats").status == 401


def test_another_password_ends_sessions(idr):
    ada, bob = Browser(idr), Browser(idr)
    ada.login()
    bob.login("bob")
    idr.stop()
    idr.env["ADMIN_USERS"] = f"ada:{bcrypt(11)}:viewer,bob:{HASH}:viewer"
    idr.start()
    assert ada.ask("GET", "/stats").status == 401
    assert bob.ask("GET", "/stats").status == 200
    ada.csrf = None
    assert ada.login().json()["role"] == "viewer"


def test_users_come_and_go_by_a_reload(tmp_path):
    users = tmp_path / "users"
    users.write_text(f"# who may\nada:{HASH}\n")
    env = admin_env("", ADMIN_USERS_FILE=str(users))
    with running(Idr(tmp_path, env=env)) as (idr,):
        ada = Browser(idr)
        ada.login()
        users.write_text(f"eve:{HASH}\n")
        idr.process.signal(1)
        wait_until(lambda: ada.ask("GET", "/stats").status == 401, 10, "ada is gone")
        assert Browser(idr).login("eve").status == 200
        users.write_text("eve:clear-text\n")
        idr.process.signal(1)
        wait_until(lambda: "reload_refused" in idr.process.log(), 10, "it is refused")
        assert Browser(idr).login("eve").status == 200 and "clear-text" not in idr.process.log()


def fail2ban():
    text = re.search(r"^failregex = (.*)$", (ROOT / "deploy/fail2ban/filter.d/nexus-idr.conf").read_text(), re.M)[1]
    return re.compile(text.replace("<ADDR>", r"(?P<host>[0-9a-f.:]+)"))


def test_guessing_is_locked_out(idr):
    replies = [Browser(idr).login("ada", "wrong horse battery") for _ in range(6)]
    assert [r.status for r in replies] == [401] * 5 + [429]
    assert 1 <= int(replies[-1].headers["Retry-After"]) <= 30
    assert Browser(idr).login().status == 429, "also with the right one"
    assert Browser(idr).login("bob").status == 200, "others are not concerned"
    assert idr.ask("GET", "/stats").status == 200, "nor are keys"
    statuses = [Browser(idr).login(f"name{i}", "wrong horse battery").status for i in range(20)]
    assert statuses.index(429) <= 14, "one address has twenty"
    assert idr.metric('nexus_idr_logins_total{outcome="limited"}') >= 2
    lines = idr.process.log().splitlines()
    for log in (lines, [json.dumps({"log": line}) for line in lines]):  # as it is, and as Docker keeps it
        assert [m["host"] for m in map(fail2ban().search, log) if m].count("127.0.0.1") >= 20


def test_behind_a_proxy_each_address_counts(tmp_path):
    env = admin_env(f"ada:{HASH}", IDR_TRUST_FORWARDED_FOR="true")
    with running(Idr(tmp_path, env=env)) as (idr,):
        def login(i, chain):
            return Browser(idr).ask("POST", "/login", {"user": f"name{i}", "password": "wrong horse battery"},
                                    {"X-Forwarded-For": chain})
        statuses = [login(i, f"10.9.9.{i}, 10.0.0.1").status for i in range(21)]
        assert statuses == [401] * 20 + [429], "what the client says of itself is no way around"
        assert login(99, "10.0.0.1, 2001:db8::7").status == 401
        assert '"address":"2001:db8::7"' in idr.process.log()
        assert login(98, "<script>").status == 401 and '"address":"127.0.0.1"' in idr.process.log()


def test_routing_goes_on_while_passwords_are_checked(tmp_path):
    """One worker, four checks of a second each under way: what comes meanwhile is answered first."""
    with running(Idr(tmp_path, env=admin_env(f"ada:{bcrypt(14)}"))) as (idr, ):
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            logins = [pool.submit(Browser(idr).login, "ada") for _ in range(4)]
            for i in range(20):
                assert idr.route(f"r{i}", bidders=["a", "b"])["selected_bidders"] == ["a", "b"]
            assert not any(login.done() for login in logins)
            assert [login.result().status for login in logins] == [200] * 4


def test_a_queue_that_is_full(tmp_path):
    with running(Idr(tmp_path, env=admin_env(f"ada:{bcrypt(13)}"))) as (idr, ):
        with concurrent.futures.ThreadPoolExecutor(20) as pool:
            replies = list(pool.map(lambda i: Browser(idr).login(f"name{i}"), range(20)))
        assert {r.status for r in replies} == {401, 503}
        assert all(r.headers["Retry-After"] == "5" for r in replies if r.status == 503)


def test_the_audit(idr):
    ada, bob = Browser(idr), Browser(idr)
    ada.login("ada", "wrong horse battery")
    ada.login()
    bob.login("bob")
    bob.ask("PUT", "/floors/p1", FLOORS)
    ada.ask("PUT", "/floors/p1", FLOORS)
    ada.ask("DELETE", "/floors/p1")
    idr.ask("PUT", "/api/v1/publishers/p%2F1/settings?site=s", {"max_bidders": 3})
    idr.ask("PUT", "/floors/%ff%fe", {"floorMin": 1})
    bob.ask("POST", "/logout")
    rows = ada.audit()
    told = [(r["who"].split("-")[0], r["action"], r["object"], r["outcome"], r.get("version_before"), r.get("version"))
            for r in reversed(rows)]
    session = next(r["object"] for r in rows if r["action"] == "login" and r["who"] == "bob")
    assert told == [
        ("ada", "login", "", "wrong password", None, None),
        ("ada", "login", told[1][2], "ok", None, None),
        ("bob", "login", session, "ok", None, None),
        ("bob", "floors_put", "/floors/p1", "this needs the role admin", None, None),
        ("ada", "floors.put", "p1", "ok", 0, 1),
        ("ada", "floors.delete", "p1", "ok", 1, 2),
        ("key", "settings.put", "p%2F1/site/s", "ok", 0, 1),
        ("key", "floors.put", "%FF%FE", "ok", 0, 1),
        ("bob", "logout", session, "ok", None, None),
    ]
    assert {r["address"] for r in rows} == {"127.0.0.1"}
    assert all(abs(r["at_ms"] / 1000 - time.time()) < 600 for r in rows)
    assert [r["id"] for r in ada.audit(f"?limit=2&before={rows[3]['id']}")] == [rows[4]["id"], rows[5]["id"]]
    assert ada.audit(f"?since={rows[0]['at_ms'] + 1}") == []
    assert idr.ask("GET", "/api/v1/audit").json()["audit"] == rows, "a key for all publishers reads it too"
    for query in ("limit=0", "limit=1001", "since=x", "before=-1"):
        assert ada.ask("GET", "/api/v1/audit?" + query).status == 400
    lines = [json.loads(line) for line in idr.process.log().splitlines() if '"event":"audit"' in line]
    assert [(e["who"], e["action"]) for e in lines] == [(r["who"], r["action"]) for r in reversed(rows)]


def test_the_audit_is_kept_for_a_time(tmp_path):
    with running(Idr(tmp_path, "store: { maintain_seconds: 1, audit_days: 30 }", env=admin_env(f"ada:{HASH}"))) as (idr,):
        for publisher in ("p1", "p2"):
            idr.ask("PUT", f"/floors/{publisher}", FLOORS)
        idr.stop()
        db = sqlite3.connect(tmp_path / "var/idr.db", isolation_level=None)
        db.execute("UPDATE audit SET at_ms = at_ms - 31 * 86400000 WHERE object = 'p1'")
        db.close()
        idr.start()
        rows = wait_until(lambda: [r for r in idr.ask("GET", "/api/v1/audit").json()["audit"]][:1], 20, "what is young stays")
        wait_until(lambda: idr.ask("GET", "/api/v1/audit").json()["audit"] == rows, 20, "what is old goes")
        assert rows[0]["object"] == "p2" and idr.ask("GET", "/floors/p1?history=1").json()[0]["version"] == 1


def code_of(secret, step):
    mac = hmac.new(base64.b32decode(secret), struct.pack(">Q", step), hashlib.sha1).digest()
    at = mac[19] & 15
    return f"{(struct.unpack('>I', mac[at:at + 4])[0] & 0x7fffffff) % 1000000:06}"


def test_one_time_codes(tmp_path):
    secret = subprocess.run([BIN / "nexus-idr", "totp-secret"], capture_output=True, text=True, check=True).stdout.strip()
    with running(Idr(tmp_path, env=admin_env(f"ada:{HASH}:admin:{secret}"))) as (idr,):
        step = int(time.time()) // 30
        assert Browser(idr).ask("GET", "/api/v1/session").json() == {"login": "needed", "codes": True}
        assert Browser(idr).login().status == 401
        assert Browser(idr).login(code=code_of(secret, step + 40)).status == 401
        assert Browser(idr).login(code=code_of(secret, step + 1)).status == 200
        assert Browser(idr).login(code=code_of(secret, step + 1)).status == 401, "it was used"
        idr.stop()
        idr.start()
        assert Browser(idr).login(code=code_of(secret, step)).status == 401, "nor is one of before a restart good"


def test_hash_password_makes_what_the_service_takes(tmp_path):
    made = subprocess.run([BIN / "nexus-idr", "hash-password"], input=PASSWORD + "\n", capture_output=True, text=True)
    assert made.returncode == 0 and re.fullmatch(r"\$2b\$12\$[./A-Za-z0-9]{53}\n", made.stdout)
    with running(Idr(tmp_path, env=admin_env(f"ada:{made.stdout.strip()}"))) as (idr,):
        assert Browser(idr).login().status == 200


@pytest.mark.parametrize("again,said", [(PASSWORD, ""), ("another horse", "the two are not the same")])
def test_a_password_that_is_typed_is_not_shown(again, said):
    terminal, its_end = pty.openpty()
    done = subprocess.Popen([BIN / "nexus-idr", "hash-password"], stdin=its_end, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    for prompt, text in ((b"Password: ", PASSWORD), (b"Again: ", again)):
        assert done.stderr.read(len(prompt)) == prompt
        os.write(terminal, text.encode() + b"\n")
    out, err = done.communicate(timeout=30)
    assert (out[:7] == b"$2b$12$", said in err.decode(), done.returncode) == (not said, True, int(bool(said)))
    os.set_blocking(terminal, False)
    shown = os.read(terminal, 4096)
    assert shown.split() == [], shown
    os.close(its_end)
    os.close(terminal)


@pytest.mark.parametrize("env,message", [
    ({"ADMIN_USERS": f"ada:{HASH}", "SECRET_KEY": ""}, "openssl rand -hex 32"),
    ({"ADMIN_USERS": f"ada:{HASH}", "SECRET_KEY": "short"}, "less than 32 bytes"),
    ({"ADMIN_USERS": "ada:hunter2"}, "hash-password"),
    ({"ADMIN_USERS": f"ada:{HASH}:owner"}, "the role is admin or viewer")])
def test_a_start_that_is_refused(tmp_path, env, message):
    done = subprocess.run([BIN / "nexus-idr", "--check-config"], capture_output=True, text=True, cwd=tmp_path,
                          env={"API_KEY_DEFAULT": KEY, "SECRET_KEY": SECRET_KEY, **env})
    assert done.returncode == 1 and message in done.stderr and "hunter2" not in done.stderr


def test_without_users_the_login_is_off(tmp_path):
    with running(Idr(tmp_path)) as (idr,):
        assert request(idr.port, "GET", "/api/v1/session").json() == {"login": "off", "codes": False}
        reply = Browser(idr).login()
        assert reply.status == 403 and "ADMIN_USERS" in reply.json()["error"]
        assert idr.ask("GET", "/stats").status == 200


def test_the_page_runs_nothing_that_is_not_ours(idr):
    page = request(idr.port, "GET", "/")
    rules = dict(part.split(None, 1) for part in page.headers["Content-Security-Policy"].split("; "))
    assert rules["default-src"] == "'none'" and rules["script-src"] == "'self'" and rules["frame-ancestors"] == "'none'"
    assert page.headers["Cache-Control"] == "no-store" and page.headers["X-Content-Type-Options"] == "nosniff"
    named = set(re.findall(r'(?:src|href)="([^"]*)"', page.text)) - {"#main", "#/"}
    seen = {}
    while named - seen.keys():
        for path in named - seen.keys():
            reply = request(idr.port, "GET", path)
            assert reply.status == 200 and path.startswith("/assets/"), path
            seen[path] = reply
        named |= {f"/assets/{n}" for r in seen.values() for n in re.findall(r"from '\./([^']+)'", r.text)}
    text = page.text + "".join(r.text for r in seen.values())
    assert not re.search(r"<script(?! type=\"module\" src)|<style|\son\w+=\"|\sstyle=|javascript:|innerHTML|eval\(", text)
    assert set(re.findall(r"https?://([^/\"'`]+)", text)) <= {"www.w3.org"}, "nothing comes from elsewhere"
    files = {f.name for f in (ROOT / "idr/web").iterdir() if f.suffix not in (".c", ".h")}
    assert files == {path.removeprefix("/assets/") for path in seen} | {"index.html"}, "every file is part of it"
    assert request(idr.port, "GET", "/assets/files.c").status == 404
