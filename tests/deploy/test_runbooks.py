"""No command of the runbooks is there untried: each is run by some test, or says why not."""
import re
import shutil
import subprocess

import pytest

from namespace import ROOT, need
from runbooks import ELSEWHERE, LIVE, commands, elsewhere


def test_every_command_is_run_somewhere():
    assert len(commands()) > 50
    assert not [c for c in commands() if not LIVE.search(c[1]) and not elsewhere(c[1])]


def test_the_table_is_not_longer_than_the_runbooks():
    assert not [pattern for pattern, _, _ in ELSEWHERE if not any(re.search(pattern, c) for _, c in commands())]


@pytest.mark.parametrize("pattern, where, words", [row for row in ELSEWHERE if row[1]])
def test_what_is_run_elsewhere_is(pattern, where, words):
    assert words in (ROOT / "tests/deploy" / where).read_text()


@pytest.mark.parametrize("file, name", [(f, c) for f, c in commands() if re.search(r"deploy/(scripts|k8s)/[\w.-]+|fly/[\w.]+", c)])
def test_scripts_that_are_named_exist(file, name):
    path = re.search(r"(deploy/(?:scripts|k8s)/[\w.-]+|fly/[\w.]+)", name)[1]
    assert (ROOT / path).exists(), f"{file}: {name}"


def test_links_between_the_pages_lead_somewhere():
    for page in [*(ROOT / "docs/runbooks").glob("*.md"), ROOT / "docs/deployment.md", ROOT / "docs/hardening.md"]:
        for target in re.findall(r"\]\(([^)]+)\)", page.read_text()):
            if "://" in target:
                continue
            path, _, anchor = target.partition("#")
            text = ((page.parent / path) if path else page)
            assert text.exists(), f"{page.name}: {target}"
            if anchor:
                headings = {re.sub(r"[^a-z0-9 -]", "", h.lower()).strip().replace(" ", "-")
                            for h in re.findall(r"^#+ (.+)$", text.read_text(), re.M)}
                assert anchor in headings, f"{page.name}: {target}"


def test_an_alert_by_hand_reaches_alertmanager(tmp_path):
    """`amtool alert add` of the checklist, against a real Alertmanager with our configuration."""
    need("prometheus-alertmanager", "amtool")
    import sys
    sys.path.insert(0, str(ROOT / "tests/integration"))
    from pbs_stack import Process, free_port, running
    port = free_port()
    manager = Process("alertmanager", [shutil.which("prometheus-alertmanager"), f"--config.file={ROOT}/deploy/alertmanager/alertmanager.yml",
                                       f"--storage.path={tmp_path}", "--cluster.listen-address=", f"--web.listen-address=127.0.0.1:{port}"], tmp_path)
    with running(manager):
        manager.wait_ready(port, "/-/ready")
        command = next(c for _, c in commands() if "amtool" in c).replace(":9093", f":{port}")
        subprocess.run(command, shell=True, check=True, capture_output=True)
        listed = subprocess.run(["amtool", "alert", "query", f"--alertmanager.url=http://127.0.0.1:{port}"], capture_output=True, text=True, check=True)
        assert re.search(r"^test\b", listed.stdout, re.M)
