"""A small MTA: says packets, and does to a header section what it is asked to."""

import struct
from collections.abc import Iterable
from dataclasses import dataclass

from relay.mail.fields import read_header
from relay.milter import packets
from relay.milter.packets import Command, Decoder, Packet
from relay.milter.session import Session

EVERYTHING = packets.Offer(6, 0x1FF, 0x1FFFFF)
"""What Postfix and Sendmail offer."""
VERSION_2 = packets.Offer(2, 0x3F, 0x7F)
"""What an MTA of protocol 2 offers."""


def offer(said: packets.Offer) -> bytes:
    return said_as(Command.OPTNEG, struct.pack("!III", said.version, said.actions, said.steps))


def said_as(command: int, payload: bytes = b"") -> bytes:
    return packets.packet(bytes((command,)), payload)


def _octets(text: str | bytes) -> bytes:
    return text.encode() if isinstance(text, str) else text


def texts(command: int, *arguments: str | bytes) -> bytes:
    return said_as(command, b"".join(_octets(argument) + b"\0" for argument in arguments))


def macros(before: int, **values: str) -> bytes:
    listed = b"".join(
        f"{{{n}}}\0{v}\0".encode() if len(n) > 1 else f"{n}\0{v}\0".encode() for n, v in values.items()
    )
    return said_as(Command.MACRO, bytes((before,)) + listed)


def connect(address: str = "198.51.100.7", family: str = "4") -> bytes:
    port = struct.pack("!H", 2525) if family != "U" else b""
    end = address.encode() + b"\0" if family != "U" else b""
    return said_as(Command.CONNECT, b"client.example\0" + family.encode() + port + end)


def fields(rows: Iterable[tuple[bytes, bytes]]) -> bytes:
    return b"".join(texts(Command.HEADER, name, value) for name, value in rows)


def envelope(mail_from: str = "care@shop.example", rcpt_to: Iterable[str] = ("in-1@desk.example",)) -> bytes:
    paths = [texts(Command.RCPT, f"<{path}>") for path in rcpt_to]
    return b"".join([texts(Command.MAIL, f"<{mail_from}>"), *paths])


CRM_COPY = ((b"From", b" care@shop.example"), (b"To", b" anna@mail.example"))
BEGINNING = offer(EVERYTHING) + connect() + texts(Command.HELO, "client.example")
MESSAGE = envelope() + fields(CRM_COPY) + macros(Command.BODYEOB, i="4ABC") + said_as(Command.BODYEOB)


@dataclass
class HeldSection:
    """A header section as an MTA keeps it: names and values, folds with LF."""

    rows: list[tuple[bytes, bytes]]
    adds_space: bool = False
    """HDR_LEADSPC was not agreed on."""

    def carry_out(self, replies: bytes) -> "HeldSection":
        for command, payload in Decoder().feed(replies):
            match bytes((command,)):
                case b"i":
                    self._insert(payload)
                case b"m":
                    self._delete(payload)
                case b"c":
                    continue
                case b"a":
                    return self
                case other:
                    raise AssertionError(other)
        raise AssertionError("no final reply")

    def octets(self) -> bytes:
        return (
            b"".join(name + b":" + value.replace(b"\n", b"\r\n") + b"\r\n" for name, value in self.rows)
            + b"\r\n"
        )

    def _insert(self, payload: bytes) -> None:
        (index,) = struct.unpack_from("!I", payload)
        name, value, _ = payload[4:].split(b"\0")
        self.rows.insert(index, (name, b" " + value if self.adds_space else value))

    def _delete(self, payload: bytes) -> None:
        (index,) = struct.unpack_from("!I", payload)
        name, value, _ = payload[4:].split(b"\0")
        assert value == b""
        same = [at for at, (known, _) in enumerate(self.rows) if known.lower() == name.lower()]
        del self.rows[same[index - 1]]


def held(head: bytes) -> HeldSection:
    """What an MTA keeps of a header section that it takes whole."""
    rows = [
        (row.name, row.value.removesuffix(b"\r").replace(b"\r\n", b"\n"))
        for row in read_header(head).rows
        if row.name
    ]
    return HeldSection(rows)


def told(section: HeldSection, *, leading_space: bool) -> bytes:
    """The packets by which an MTA hands a header section over."""
    return fields((name, value if leading_space else value.lstrip(b" \t")) for name, value in section.rows)


def say(session: Session, octets: bytes, now: float = 0.0) -> bytes:
    """Give a session packets, return all that it answers."""
    return b"".join([session.receive(packet, now) for packet in Decoder().feed(octets)])


def replies_in(octets: bytes) -> list[Packet]:
    return Decoder().feed(octets)
