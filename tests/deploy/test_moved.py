"""A router that was replaced: it answers at another address under the same name, and nothing at the old one says so, as
when a container is made anew."""
import json
import pathlib
import signal
import time

import pytest

from namespace import BIN, Namespace, need

KEY = "moved-test-key-0123456789"
AUCTION = json.dumps({"id": "r1", "imp": [{"id": "1", "banner": {"format": [{"w": 300, "h": 250}]},
                                           "ext": {"prebid": {"bidder": {"aster": {}}}}}],
                      "site": {"page": "https://news.example.com/"}})
# libcurl keeps a look-up for a minute: within this, only a fresh one finds the new address
SECONDS = 30


class Stack:
    def __init__(self, folder):
        need("curl")
        self.folder = folder
        info = folder / "bidder-info"
        info.mkdir()
        (info / "aster.yaml").write_text("endpoint: http://127.0.0.1:9000/bid/aster\nmaintainer: {email: a@example.com}\n"
                                         "capabilities: {site: {mediaTypes: [banner]}}\n")
        self.ns = Namespace(folder, [("127.0.0.11", "idr.example.com")])
        self.ns.start("mockbidder", BIN / "mockbidder", "--port", "9000")
        self.idr = self.router("idr-1", "127.0.0.11")
        self.pbs = self.ns.start("pbs", BIN / "nexus-pbs", env={
            "PBS_HOST": "127.0.0.1", "PBS_PORT": "8000", "API_KEY_DEFAULT": KEY, "PBS_WORKERS": "1",
            "IDR_URL": "http://idr.example.com:5050", "PBS_GDPR_VENDOR_LIST_ENABLED": "false",
            "PBS_BIDDER_INFO_DIR": str(info)})
        self.until(lambda: self.curl("http://127.0.0.1:8000/ready"), "pbs is ready")

    def router(self, name, address):
        proc = self.ns.start(name, BIN / "nexus-idr", env={
            "IDR_HOST": address, "IDR_PORT": "5050", "IDR_DATA_DIR": str(self.folder / name), "API_KEY_DEFAULT": KEY})
        self.until(lambda: self.curl(f"http://{address}:5050/ready"), f"{name} is ready")
        return proc

    def curl(self, *argv):
        return self.ns.run("curl", "-sf", "--max-time", "5", *argv, check=False).stdout

    def auction(self):
        answer = self.curl("http://127.0.0.1:8000/openrtb2/auction", "--json", AUCTION, "-H", f"X-API-Key: {KEY}")
        assert json.loads(answer)["seatbid"], answer

    def heard(self, address, metric):
        """The sum of a counter's series, as the router at `address` tells it."""
        lines = self.curl(f"http://{address}:5050/metrics").splitlines()
        return sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith(metric))

    def until(self, condition, what):
        deadline = time.monotonic() + SECONDS
        while not condition():
            assert time.monotonic() < deadline, f"not within {SECONDS} s: {what}\n{self.ns.log('pbs')[-2000:]}"


@pytest.fixture(name="stack")
def stack_fixture(tmp_path: pathlib.Path):
    stack = Stack(tmp_path)
    yield stack
    stack.idr.send_signal(signal.SIGCONT)
    stack.ns.close()


def test_router_is_found_at_its_new_address(stack):
    stack.until(lambda: stack.auction() or stack.heard("127.0.0.11", "nexus_idr_events_total"), "the first router hears of auctions")
    stack.idr.send_signal(signal.SIGSTOP)  # its connections stay open, and nothing answers
    (stack.folder / "hosts").write_text("127.0.0.1 localhost\n127.0.0.12 idr.example.com\n")
    stack.router("idr-2", "127.0.0.12")

    def asked_and_told():
        stack.auction()  # never fails meanwhile: without a router every bidder is called
        return stack.heard("127.0.0.12", "nexus_idr_decisions_total") and stack.heard("127.0.0.12", "nexus_idr_events_total")

    stack.until(asked_and_told, "the new router is asked and told")
