"""The unix socket: who may enter it, whose place it takes, and that it goes when we go."""

import grp
import os
import re
import socket
import stat
from pathlib import Path

import pytest

from relay.errors import BadSettingsError, UnavailableError
from relay.milter.server import Milter
from relay.milter.terms import MilterListener
from tests.milter.test_session import Desk


def milter() -> Milter:
    return Milter(Desk().terms, lambda _: None)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


def dead_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as left:
        left.bind(str(path))


async def test_the_socket_has_its_mode_and_group_from_the_first_moment(tmp_path: Path) -> None:
    path, ours = tmp_path / "milter.sock", milter()
    group = grp.getgrgid(os.getgid())
    await ours.listen([MilterListener(path=str(path), mode=0o600, group=group.gr_name)])
    assert (mode(path), path.stat().st_gid) == (0o600, group.gr_gid)
    await ours.listen([MilterListener(path=str(path), mode=0o666)])
    assert mode(path) == 0o666
    assert names(tmp_path) == ["milter.sock"]
    await ours.stop(0)


async def test_a_socket_that_nobody_listens_at_is_replaced(tmp_path: Path) -> None:
    path, ours = tmp_path / "milter.sock", milter()
    dead_socket(path)
    await ours.listen([MilterListener(path=str(path))])
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as mta:
        mta.connect(str(path))
    await ours.stop(0)
    assert not path.exists()


async def test_a_socket_that_somebody_listens_at_is_not(tmp_path: Path) -> None:
    path, first, second = tmp_path / "milter.sock", milter(), milter()
    await first.listen([MilterListener(path=str(path))])
    with pytest.raises(UnavailableError, match=f"unix:{path} is in use by another program"):
        await second.listen([MilterListener(path=str(path))])
    assert path.is_socket()
    await first.stop(0)


async def test_a_socket_that_another_process_put_in_our_place_stays(tmp_path: Path) -> None:
    path, ours = tmp_path / "milter.sock", milter()
    await ours.listen([MilterListener(path=str(path))])
    path.rename(tmp_path / "ours")
    dead_socket(path)
    await ours.stop(0)
    assert path.is_socket()


async def test_a_file_that_is_no_socket_is_never_replaced(tmp_path: Path) -> None:
    path = tmp_path / "milter.sock"
    path.write_text("precious")
    with pytest.raises(BadSettingsError, match="a file of that name that is no socket"):
        await milter().listen([MilterListener(path=str(path))])
    assert path.read_text() == "precious"


@pytest.mark.parametrize(
    ("listener", "words"),
    [
        (
            MilterListener(path="/nowhere/at/all/milter.sock"),
            "listen.milter: unix:.* is in a folder that does not exist",
        ),
        (MilterListener(path="/proc/milter.sock"), "listen.milter: unix:/proc/milter.sock is"),
        (
            MilterListener(path="/tmp/" + "x" * 120),
            "listen.milter: unix:.* is no address that this machine can listen on",
        ),
    ],
    ids=["no-folder", "no-right", "too-long"],
)
async def test_where_no_socket_can_be_one_sentence_says_why(listener: MilterListener, words: str) -> None:
    with pytest.raises(BadSettingsError) as refused:
        await milter().listen([listener])
    assert re.search(words, str(refused.value))


async def test_a_group_that_there_is_not_is_named_with_its_key(tmp_path: Path) -> None:
    listener = MilterListener(path=str(tmp_path / "s"), group="no-such-group")
    with pytest.raises(
        BadSettingsError, match=r"milter\.socket_group: this machine has no group no-such-group"
    ):
        await milter().listen([listener])
    assert names(tmp_path) == []


async def test_a_socket_that_has_its_group_already_is_left_to_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def forbidden(*_: object) -> None:
        raise PermissionError("as under SystemCallFilter=~@privileged")

    monkeypatch.setattr(os, "chown", forbidden)
    path, ours = tmp_path / "s", milter()
    await ours.listen([MilterListener(path=str(path), group=grp.getgrgid(os.getegid()).gr_name)])
    assert path.is_socket()
    await ours.stop(0)


@pytest.mark.parametrize(
    ("listener", "name"),
    [
        (MilterListener("127.0.0.1", 8891), "inet:127.0.0.1:8891"),
        (MilterListener("::1", 8891), "inet:[::1]:8891"),
        (MilterListener(path="/run/m"), "unix:/run/m"),
    ],
)
def test_a_listener_is_called_what_channels_yaml_calls_it(listener: MilterListener, name: str) -> None:
    assert str(listener) == name
