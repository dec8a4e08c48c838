"""What the container files promise, read from them; that they work was seen with tools/try-compose."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from relay.settings.parse import read_settings
from tests.live import TOP, Helpdesk, Process, channels, free_port

FILES = "docker-compose.yml", "docker-compose.two.yml"
UNKNOWN_TO_OLD = {"name", "include", "configs", "secrets", "version"}
DOCKERFILE = (TOP / "Dockerfile").read_text()


def compose(name: str) -> dict[str, Any]:
    read: dict[str, Any] = yaml.safe_load((TOP / name).read_text())
    return read


def services() -> list[object]:
    return [
        pytest.param(service, id=f"{file}: {name}")
        for file in FILES
        for name, service in compose(file)["services"].items()
        if "image" in service
    ]


@pytest.mark.parametrize("file", FILES)
def test_old_and_new_compose_know_every_key(file: str):
    assert set(compose(file)) <= {"services", "networks", "volumes"}
    for service in compose(file)["services"].values():
        assert not {"privileged", "ulimits", "develop", "extends"} & set(service)
        assert "start_interval" not in service.get("healthcheck", {})


@pytest.mark.parametrize("service", services())
def test_only_this_machine_reaches_a_service_that_may_next_to_nothing(service: dict[str, Any]):
    assert all(port.startswith("127.0.0.1:") for port in service.get("ports", []))
    if service["image"] == "helpdesk-relay":
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]


def test_the_database_has_no_way_out_and_no_port():
    found = compose("docker-compose.yml")
    assert found["networks"]["inside"] == {"internal": True}
    assert found["services"]["db"]["networks"] == ["inside"]
    assert "ports" not in found["services"]["db"]


def test_two_relays_have_states_of_their_own_and_one_key():
    second = compose("docker-compose.two.yml")["services"]["second"]
    first = compose("docker-compose.yml")["services"]["relay"]
    states = {
        volume.partition(":")[0]
        for each in (first, second)
        for volume in each["volumes"]
        if "/var/lib" in volume
    }
    assert states == {"state", "state2"}
    keys = [
        compose("docker-compose.two.yml")["services"][name]["environment"]["WEB_KEY"]
        for name in ("relay", "second")
    ]
    assert len(set(keys)) == 1
    assert keys[0].startswith("${WEB_KEY:?")


@pytest.mark.parametrize("name", ["channels.yaml", "channels.two.yaml"])
def test_the_mounted_files_are_right_and_need_a_login(name: str):
    environment = {"POSTGRES_PASSWORD": "relay", "WEB_KEY": "0" * 64}
    settings = read_settings(TOP / "docker" / name, environment, serving=True)
    assert settings.spool.url == settings.journal.url == "postgresql://relay:relay@db/relay"
    assert (settings.web.key is None) is (name == "channels.yaml")
    volume = next(
        v for v in compose("docker-compose.yml")["services"]["relay"]["volumes"] if v.startswith("state:")
    )
    assert volume == f"state:{settings.state}"


def test_the_image_is_built_by_any_builder_and_runs_as_nobody_in_particular():
    assert "# syntax" not in DOCKERFILE
    assert "--mount" not in DOCKERFILE
    assert "--require-hashes" in DOCKERFILE
    user, volume = DOCKERFILE.index("\nUSER relay"), DOCKERFILE.index("\nVOLUME /var/lib/relay")
    assert DOCKERFILE.index("install -d -m 0700 -o relay") < min(user, volume)
    ignored = (TOP / ".dockerignore").read_text().split()
    assert {".git", ".venv", ".env", "var"} <= set(ignored)


def test_the_health_check_tells_a_relay_from_none(tmp_path: Path):
    found = re.search(r'HEALTHCHECK .*CMD \["python", "-c", "(.*)"\]', DOCKERFILE)
    assert found is not None
    port = free_port()
    check = [sys.executable, "-c", found[1].replace("2525", str(port))]
    assert subprocess.run(check, capture_output=True, check=False).returncode != 0
    with Helpdesk().running() as desk, Process(tmp_path, channels(port, desk.port)).running(port):
        assert subprocess.run(check, capture_output=True, check=False).returncode == 0
