"""The Dockerfiles, as far as they can be judged without building them."""
import pathlib
import re
import subprocess

import pytest

from namespace import BIN, ROOT, need

SERVICES = ["pbs", "idr"]


def dockerfile(service):
    return re.sub(r"\\\n", " ", (ROOT / service / "Dockerfile").read_text())


def last_stage(service):
    return "FROM " + dockerfile(service).rpartition("\nFROM ")[2]


def instructions(text, name):
    return re.findall(rf"^{name} (.*)$", text, re.M)


def packages(text):
    return set(re.findall(r"[a-z0-9.+-]+", " ".join(re.findall(r"apt-get install -y --no-install-recommends ([^&\n]*)", text))))


def owner(library):
    """The Debian package of a shared library, found as the dynamic linker finds it."""
    listed = subprocess.run(["/sbin/ldconfig", "-p"], capture_output=True, text=True, check=True).stdout
    path = pathlib.Path(re.search(rf"{re.escape(library)} .*=> (\S+)", listed)[1])
    for candidate in (path, path.resolve(), pathlib.Path("/usr" + str(path)), pathlib.Path(str(path).removeprefix("/usr"))):
        done = subprocess.run(["dpkg-query", "-S", candidate], capture_output=True, text=True, check=False)
        if done.returncode == 0:
            return done.stdout.split(":")[0]
    raise AssertionError(f"no package has {path}")


@pytest.mark.parametrize("service", SERVICES)
def test_every_library_of_the_binary_is_in_its_image(service):
    """A library that the code began to use is otherwise missed until somebody builds the image."""
    need("readelf", "dpkg-query")
    out = subprocess.run(["readelf", "-d", BIN / f"nexus-{service}"], capture_output=True, text=True, check=True).stdout
    wanted = {owner(lib) for lib in re.findall(r"NEEDED.*\[(.*?)\]", out)} - {"libc6"}  # of the base
    assert wanted <= packages(last_stage(service))


@pytest.mark.parametrize("service", SERVICES)
def test_what_the_makefile_builds_with_is_in_the_build_stage(service):
    make = re.sub(r"\\\n", " ", (ROOT / "Makefile").read_text())
    assert set(re.search(r"^DEPS_BUILD := (.*)$", make, re.M)[1].split()) == packages(dockerfile(service).rpartition("\nFROM ")[0])


@pytest.mark.parametrize("service", SERVICES)
def test_it_runs_without_rights(service):
    text = last_stage(service)
    assert instructions(text, "USER") == ["10001:10001"]
    assert instructions(text, "ENTRYPOINT") == ['["/usr/bin/tini", "--"]'], "only the init: a release command replaces the rest"
    assert instructions(text, "CMD") == [f'["nexus-{service}"]']
    assert f'CMD ["nexus-{service}", "--health"]' in instructions(text, "HEALTHCHECK")[0]
    assert instructions(text, "STOPSIGNAL") == ["SIGTERM"]
    assert "curl" not in packages(text) and "apt/lists" in text
    assert {"title", "description", "licenses", "revision"} <= set(re.findall(r"opencontainers\.image\.(\w+)=", text))


@pytest.mark.parametrize("service", SERVICES)
def test_it_is_written_for_older_builders_too(service):
    """Here-documents and COPY --link need a builder newer than Debian's."""
    assert "<<" not in dockerfile(service) and "--link" not in dockerfile(service)
