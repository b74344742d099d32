"""One version: common/version.h's. Whatever repeats it must say the same."""
import re
import subprocess

import pytest
import yaml

from idr_stack import Idr
from pbs_stack import BIN, ROOT, Pbs, banner_request, running

VERSION = re.search(r'NEXUS_VERSION "([^"]+)"', (ROOT / "common/version.h").read_text())[1]


@pytest.mark.parametrize("service", ["pbs", "idr"])
def test_what_is_written_down(service):
    said = subprocess.run([BIN / f"nexus-{service}", "--version"], capture_output=True, text=True, check=True).stdout
    assert re.fullmatch(rf"nexus-{service} {re.escape(VERSION)} \(\S+\)\n", said)
    assert yaml.safe_load((ROOT / f"docs/openapi/{service}.yaml").read_text())["info"]["version"] == VERSION
    assert f'image.version="{VERSION}"' in (ROOT / service / "Dockerfile").read_text()
    for overlay in (ROOT / "deploy/k8s/overlays").glob("*/kustomization.yaml"):
        for image in yaml.safe_load(overlay.read_text()).get("images", []):
            assert image["newTag"] == VERSION, overlay


def test_what_is_answered(tmp_path):
    (tmp_path / "idr").mkdir()
    with running(Pbs(tmp_path, {"aster": ""}), Idr(tmp_path / "idr")) as (pbs, idr):
        assert pbs.get("/version").json() == {"revision": "not-set", "version": VERSION}
        assert pbs.post(banner_request(["aster"])).headers["X-Prebid"] == f"nexus-pbs/{VERSION}"
        assert f'version="{VERSION}"' in pbs.get("/metrics").text
        assert idr.ask("GET", "/version").json() == {"service": "nexus-idr", "revision": "not-set", "version": VERSION}
        assert idr.ask("GET", "/health").json()["version"] == VERSION
        assert f'version="{VERSION}"' in idr.ask("GET", "/metrics").text
