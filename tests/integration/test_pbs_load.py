"""Many auctions at once: nothing fails, memory stays within its bound, and an end under load drops nothing."""
import asyncio
import json
import re
import threading
import time

from pbs_stack import KEY, Pbs, banner_request, running, SIGTERM

FIVE = {f"b{i}": "latency_ms=100" for i in range(5)}


def rss_mib(pid):
    return int(re.search(r"VmRSS:\s+(\d+)", open(f"/proc/{pid}/status").read())[1]) / 1024


async def one(port, body, begin, ms):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    await begin.wait()
    start = time.monotonic()
    writer.write(b"POST /openrtb2/auction HTTP/1.1\r\nHost: x\r\nX-API-Key: %s\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s"
                 % (KEY.encode(), len(body), body))
    reply = await reader.read()
    ms.append(1000 * (time.monotonic() - start))
    writer.close()
    head, _, text = reply.partition(b"\r\n\r\n")
    return head.split(b" ")[1], len(json.loads(text).get("seatbid", []))


async def burst(port, body, n):
    begin, ms = asyncio.Event(), []
    tasks = [asyncio.create_task(one(port, body, begin, ms)) for _ in range(n)]
    await asyncio.sleep(0)
    begin.set()
    return await asyncio.gather(*tasks), sorted(ms)


def test_a_thousand_auctions_at_once(tmp_path):
    with running(Pbs(tmp_path, FIVE, env={"PBS_WORKERS": "2", "RATE_LIMIT_RPS": "0"})) as (pbs,):
        body = json.dumps(banner_request(list(FIVE), tmax=4000, test=0)).encode()
        for _ in range(3):
            results, ms = asyncio.run(burst(pbs.port, body, 1000))
            assert [r for r in results if r != (b"200", 5)] == []
            print(f"p50 {ms[500]:.0f} ms, p99 {ms[990]:.0f} ms, RSS {rss_mib(pbs.process.proc.pid):.0f} MiB")
        assert rss_mib(pbs.process.proc.pid) < 192


def test_an_end_under_load(tmp_path):
    """Clients keep sending while the signal comes: each request that was accepted gets its whole answer."""
    pbs = Pbs(tmp_path, {"aster": "latency_ms=20", "birch": "latency_ms=30"}, env={"RATE_LIMIT_RPS": "0", "PBS_WORKERS": "2"})
    outcomes, stop = [], threading.Event()

    def client():
        while not stop.is_set():
            try:
                outcomes.append(pbs.post(banner_request(["aster", "birch"], test=0)).status)
            except ConnectionRefusedError:
                outcomes.append("refused")  # nobody listens any more: not accepted
                return
            except OSError as e:
                outcomes.append(repr(e))
                return

    try:
        threads = [threading.Thread(target=client) for _ in range(20)]
        for t in threads:
            t.start()
        deadline = time.monotonic() + 10
        while outcomes.count(200) < 200 and time.monotonic() < deadline:
            time.sleep(0.01)
        pbs.process.signal(SIGTERM)
        assert pbs.process.wait() == 0
        stop.set()
        for t in threads:
            t.join()
        assert set(outcomes) <= {200, "refused"}, [o for o in outcomes if o not in (200, "refused")]
    finally:
        stop.set()
        pbs.stop()
