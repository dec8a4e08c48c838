"""The key of links and hashes: as it is set, or made once, whole, for nobody else's eyes."""

import stat
from multiprocessing import get_context
from multiprocessing.queues import SimpleQueue
from multiprocessing.synchronize import Barrier
from pathlib import Path

import pytest

from relay.errors import UnavailableError, UnreadableFileError
from relay.service.keys import web_key
from relay.settings.model import Settings, WebSettings
from tests.settings.documents import settings_of


def where(state: Path, key: str | None = None) -> Settings:
    return Settings(channels=(), state=str(state), web=WebSettings(key=key))


def test_a_key_that_is_set_is_used_and_nothing_is_written(tmp_path: Path) -> None:
    assert web_key(where(tmp_path, "schlüssel")) == "schlüssel".encode()
    assert list(tmp_path.iterdir()) == []


def test_a_key_may_come_from_the_environment(tmp_path: Path) -> None:
    text = "version: 1\nchannels: {support: {address: support@company.com}}\nweb: {key: '${WEB_KEY}'}\n"
    assert web_key(settings_of(text, {"WEB_KEY": "long and random"})) == b"long and random"


def test_without_one_a_key_is_made_once_and_stays(tmp_path: Path) -> None:
    key = web_key(where(tmp_path / "state"))
    assert len(bytes.fromhex(key.decode())) == 32
    assert web_key(where(tmp_path / "state")) == key
    assert web_key(where(tmp_path / "other")) != key


def test_the_file_is_for_nobody_else_and_is_all_that_is_left(tmp_path: Path) -> None:
    web_key(where(tmp_path))
    (file,) = tmp_path.iterdir()
    assert file.name == "web.key"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_the_file_s_text_in_another_s_channels_yaml_is_the_same_key(tmp_path: Path) -> None:
    key = web_key(where(tmp_path))
    assert web_key(where(tmp_path, (tmp_path / "web.key").read_text().strip())) == key


def ask(gate: Barrier, answers: "SimpleQueue[bytes]", state: Path) -> None:
    gate.wait()
    answers.put(web_key(where(state)))


def test_processes_that_start_at_once_agree(tmp_path: Path) -> None:
    context = get_context("spawn")
    gate, answers = context.Barrier(6), context.SimpleQueue()
    processes = [context.Process(target=ask, args=(gate, answers, tmp_path)) for _ in range(6)]
    for process in processes:
        process.start()
    keys = {answers.get() for _ in processes}
    for process in processes:
        process.join()
    assert keys == {web_key(where(tmp_path))}
    assert [file.name for file in tmp_path.iterdir()] == ["web.key"]


@pytest.mark.parametrize("text", ["", "\n", "0" * 63, "0" * 65, "x" * 64, "ä" * 64])
def test_a_file_that_holds_no_key_is_never_used_nor_replaced(tmp_path: Path, text: str) -> None:
    (tmp_path / "web.key").write_text(text, "utf-8")
    with pytest.raises(UnreadableFileError, match=r"web\.key does not hold 64 hexadecimal digits"):
        web_key(where(tmp_path))
    assert (tmp_path / "web.key").read_text("utf-8") == text


def test_what_cannot_be_read_or_made_is_said_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "web.key").mkdir()
    with pytest.raises(UnreadableFileError, match="cannot be opened: Is a directory"):
        web_key(where(tmp_path))
    (tmp_path / "file").touch()
    with pytest.raises(UnavailableError, match="cannot be made"):
        web_key(where(tmp_path / "file" / "state"))
