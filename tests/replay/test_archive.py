"""Archives: how each kind is found, what is read of it, and what is said of what cannot be read."""

import gzip
import mailbox
import os
import shutil
import threading
from pathlib import Path

import pytest

from relay.errors import NotAnArchiveError, UnreadableFileError
from relay.replay.archive import Stored, open_archive
from relay.replay.folder import Unread

LINE = b"From anna@mail.example Mon Jan  5 10:00:00 2026\n"
HEAD = b"From: care@shop.example\nTo: anna@mail.example\n\n"
MESSAGE = HEAD + b"Hi\n"


def read(path: Path, limit: int = 0) -> list[Stored | Unread]:
    with open_archive(str(path)) as archive:
        return list(archive.messages(limit))


def names(path: Path) -> list[str]:
    return [each.name.removeprefix(f"{path}/") for each in read(path)]


def put(path: Path, octets: bytes = MESSAGE) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(octets)
    return path


def maildir(path: Path) -> Path:
    for name in ("new", "cur", "tmp"):
        (path / name).mkdir(parents=True)
    return path


def test_messages_of_an_mbox_are_named_by_their_number(tmp_path: Path):
    box = put(tmp_path / "box", (LINE + MESSAGE + b"\n") * 2)
    assert read(box) == [Stored(f"{box}#1", HEAD), Stored(f"{box}#2", HEAD)]


def test_an_mbox_may_be_compressed(tmp_path: Path):
    box = put(tmp_path / "box.gz", gzip.compress((LINE + MESSAGE + b"\n") * 2))
    assert read(box) == [Stored(f"{box}#1", HEAD), Stored(f"{box}#2", HEAD)]


def test_a_compressed_mbox_that_breaks_off_gives_what_is_there_and_says_so(tmp_path: Path):
    whole = gzip.compress(b"".join(LINE + HEAD + os.urandom(200_000) + b"\n\n" for _ in range(5)))
    *found, last = read(put(tmp_path / "box.gz", whole[: len(whole) // 2]))
    assert found
    assert all(each.head == HEAD for each in found if isinstance(each, Stored))
    assert isinstance(last, Unread)
    assert "cannot be read to its end" in last.why


def test_a_damaged_compressed_file_cannot_be_opened(tmp_path: Path):
    with pytest.raises(UnreadableFileError, match="cannot be opened"):
        read(put(tmp_path / "box.gz", b"\x1f\x8b" + b"x" * 100))


def test_an_empty_file_is_an_mbox_without_messages(tmp_path: Path):
    assert read(put(tmp_path / "box", b"")) == []
    assert read(put(tmp_path / "box2", b"\n\n")) == []


def test_a_maildir_is_read_with_its_folders(tmp_path: Path):
    box = maildir(tmp_path / "box")
    put(box / "new/1.a.host")
    put(box / "cur/0.b.host:2,S")
    put(box / "tmp/2.unfinished")
    put(box / "tmp/3.unfinished.eml")
    put(box / "cur/.hidden")
    put(box / "dovecot-uidlist")
    put(maildir(box / ".Sent") / "cur/3.c.host:2,")
    put(maildir(box / ".Sent.2025") / "new/4.d.host")
    assert names(box) == [
        ".Sent/cur/3.c.host:2,",
        ".Sent.2025/new/4.d.host",
        "cur/0.b.host:2,S",
        "new/1.a.host",
    ]


def test_what_pythons_maildir_writes_is_read_back(tmp_path: Path):
    box = mailbox.Maildir(tmp_path / "box")
    box.add(MESSAGE)
    box.add_folder("Sent").add(MESSAGE)
    assert len(read(tmp_path / "box")) == 2


def test_an_empty_maildir_is_an_archive(tmp_path: Path):
    assert read(maildir(tmp_path / "box")) == []


def test_a_folder_is_read_for_eml_files_and_maildirs_wherever_they_lie(tmp_path: Path):
    for name in (
        "b.eml",
        "a.EML",
        "sub/deep/c.eml",
        "notes.txt",
        "sub/box.mbox",
        "sub/cur/1.host",
        "sub/tmp/d.eml",
    ):
        put(tmp_path / name)
    put(maildir(tmp_path / "sub/box") / "new/1.host")
    assert names(tmp_path) == ["a.EML", "b.eml", "sub/box/new/1.host", "sub/deep/c.eml", "sub/tmp/d.eml"]


def test_links_to_files_are_followed_and_links_to_folders_are_not(tmp_path: Path):
    put(tmp_path / "elsewhere/a.eml")
    (tmp_path / "top/sub").mkdir(parents=True)
    (tmp_path / "top/link.eml").symlink_to(tmp_path / "elsewhere/a.eml")
    (tmp_path / "top/dangling.eml").symlink_to(tmp_path / "nowhere")
    (tmp_path / "top/sub/loop").symlink_to(tmp_path / "top")
    os.mkfifo(tmp_path / "top/pipe.eml")
    assert names(tmp_path / "top") == ["link.eml"]


def test_many_files_of_a_folder_are_all_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("relay.replay.folder._MOST_IN_ORDER", 3)  # a bound, lowered for the test
    for number in range(8):
        put(tmp_path / f"{number}.eml")
    assert sorted(names(tmp_path)) == [f"{number}.eml" for number in range(8)]


@pytest.mark.parametrize(
    "octets", [b"", b"\x00" * 100, b"no header at all", LINE + MESSAGE + LINE + MESSAGE, MESSAGE]
)
def test_a_file_that_ends_in_eml_is_one_message_however_broken(tmp_path: Path, octets: bytes):
    assert len(read(put(tmp_path / "a.eml", octets))) == 1
    assert len(read(tmp_path)) == 1


@pytest.mark.parametrize(
    "octets",
    [MESSAGE, HEAD.replace(b"\n", b"\r\n"), b"X: y\nDelivered-To: anna@mail.example\n", b"received : x\n"],
)
def test_a_file_of_another_name_is_a_message_by_its_fields(tmp_path: Path, octets: bytes):
    file = put(tmp_path / "1234.host:2,S", octets)
    assert read(file) == [Stored(str(file), octets)]


@pytest.mark.parametrize(
    "octets",
    [b"version: 1\nchannels: {}\n", b"# A page\n\nFrom: x\n", b"\x7fELF" + bytes(100), b"Hi\nFrom: x\n", b" From: x\n", b"From here to eternity\nx\n"],
)  # fmt: skip
def test_any_other_file_is_no_archive(tmp_path: Path, octets: bytes):
    with pytest.raises(NotAnArchiveError, match="is no archive"):
        read(put(tmp_path / "file", octets))


def test_a_folder_without_messages_is_no_archive(tmp_path: Path):
    put(tmp_path / "sub/notes.txt")
    with pytest.raises(NotAnArchiveError, match=r"neither a Maildir nor an \.eml file"):
        read(tmp_path)


def test_what_is_not_there_cannot_be_opened(tmp_path: Path):
    with pytest.raises(UnreadableFileError, match="No such file"):
        read(tmp_path / "missing\x1b[2J")
    with pytest.raises(UnreadableFileError) as caught:
        read(tmp_path / "missing\x1b[2J")
    assert "\x1b" not in str(caught.value)


def test_a_file_that_went_after_it_was_listed_is_told_and_the_rest_is_read(tmp_path: Path):
    put(tmp_path / "a.eml")
    put(tmp_path / "b.eml")
    put(tmp_path / "c.eml")
    with open_archive(str(tmp_path)) as archive:
        messages = archive.messages(0)
        assert isinstance(next(messages), Stored)
        (tmp_path / "b.eml").unlink()
        gone, after = messages
    assert isinstance(gone, Unread)
    assert "No such file" in gone.why
    assert isinstance(after, Stored)


def test_a_folder_that_went_after_it_was_listed_is_told_and_the_rest_is_read(tmp_path: Path):
    for name in ("a.eml", "b/1.eml", "c/1.eml"):
        put(tmp_path / name)
    with open_archive(str(tmp_path)) as archive:
        messages = archive.messages(0)
        assert isinstance(next(messages), Stored)
        shutil.rmtree(tmp_path / "b")
        gone, after = messages
    assert gone == Unread(str(tmp_path / "b"), "cannot be read: No such file or directory")
    assert isinstance(after, Stored)


def test_a_pipe_is_read_like_a_file(tmp_path: Path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=lambda: pipe.write_bytes((LINE + MESSAGE + b"\n") * 3))
    writer.start()
    with open_archive(str(pipe)) as archive:
        assert archive.total() is None
        assert len(list(archive.messages(0))) == 3
    writer.join()


def test_what_is_done_comes_to_the_total(tmp_path: Path):
    put(tmp_path / "box", (LINE + MESSAGE + b"\n") * 3)
    put(tmp_path / "box.gz", gzip.compress((LINE + MESSAGE + b"\n") * 3))
    put(tmp_path / "sub/a.eml")
    put(tmp_path / "sub/b.eml")
    for name in ("box", "box.gz", "sub"):
        with open_archive(str(tmp_path / name)) as archive:
            list(archive.messages(0))
            assert archive.done == archive.total()


def test_of_a_header_section_over_the_limit_no_more_is_kept(tmp_path: Path):
    large = b"X: " + b"y" * 200_000 + b"\n\n"
    put(tmp_path / "box", LINE + large + b"\n" + LINE + MESSAGE)
    put(tmp_path / "sub/a.eml", large)
    long, short = read(tmp_path / "box", 1000)
    assert isinstance(long, Stored)
    assert isinstance(short, Stored)
    assert (len(long.head), short.head) == (1001, HEAD)
    (one,) = read(tmp_path / "sub", 1000)
    assert isinstance(one, Stored)
    assert 1000 < len(one.head) < 100_000
