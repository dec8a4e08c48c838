"""The packets of the milter protocol: octets to values and back.  Pure.

A packet is the length of what follows (four octets, network order), one octet that says which it is, and its
payload; texts in a payload end in NUL.  The words are those of libmilter (mfdef.h).  No octets make anything
here raise but PeerError.
"""

from dataclasses import dataclass
from enum import IntEnum, IntFlag

from relay.errors import PeerError

NEWEST_VERSION = 6
OLDEST_VERSION = 2
LARGEST_PACKET = 1024 * 1024
"""Octets; MTAs hand a whole field over in one packet, and Postfix takes fields of up to ``header_size_limit``."""


class Command(IntEnum):
    """What an MTA says."""

    OPTNEG = ord("O")
    MACRO = ord("D")
    CONNECT = ord("C")
    HELO = ord("H")
    MAIL = ord("M")
    RCPT = ord("R")
    DATA = ord("T")
    HEADER = ord("L")
    EOH = ord("N")
    BODY = ord("B")
    BODYEOB = ord("E")
    ABORT = ord("A")
    QUIT = ord("Q")
    QUIT_NC = ord("K")
    UNKNOWN = ord("U")


class Action(IntFlag):
    """What a milter may do; offered by the MTA, asked for by us."""

    ADDHDRS = 0x01
    CHGHDRS = 0x10
    SETSYMLIST = 0x100


class Step(IntFlag):
    """What an MTA may leave out, or do differently; offered by the MTA, asked for by us."""

    NOCONNECT = 0x01
    NOHELO = 0x02
    NOMAIL = 0x04
    NORCPT = 0x08
    NOBODY = 0x10
    NOHDRS = 0x20
    NOEOH = 0x40
    NR_HDR = 0x80
    NOUNKNOWN = 0x100
    NODATA = 0x200
    SKIP = 0x400
    RCPT_REJ = 0x800
    NR_CONN = 0x1000
    NR_HELO = 0x2000
    NR_MAIL = 0x4000
    NR_RCPT = 0x8000
    NR_DATA = 0x10000
    NR_UNKN = 0x20000
    NR_EOH = 0x40000
    NR_BODY = 0x80000
    HDR_LEADSPC = 0x100000


class Stage(IntEnum):
    """Where macros are sent, as SETSYMLIST numbers it."""

    MAIL = 2
    RCPT = 3
    END = 5


Packet = tuple[int, bytes]
"""One packet from the MTA: the command, which may be none that we know, and the payload."""


@dataclass(frozen=True, slots=True)
class Offer:
    """What OPTNEG carries, in either direction."""

    version: int
    actions: int
    steps: int


@dataclass(frozen=True, slots=True)
class Origin:
    """What CONNECT says of the client."""

    hostname: bytes
    family: bytes
    """``4``, ``6``, ``L`` (a unix socket) or ``U`` (unknown)."""
    address: bytes = b""


def _number(octets: bytes) -> int:
    return int.from_bytes(octets, "big")


def _octets(number: int) -> bytes:
    return number.to_bytes(4, "big")


class Decoder:
    """Cuts a stream of octets into packets, however it is chunked."""

    __slots__ = ("_buffer", "_largest", "_wanted")

    def __init__(self, largest: int = LARGEST_PACKET) -> None:
        self._buffer = bytearray()
        self._largest = largest
        self._wanted = 4

    @property
    def inside(self) -> bool:
        """A packet has begun and is not there yet."""
        return bool(self._buffer)

    def feed(self, octets: bytes) -> list[Packet]:
        """Take more octets, return the packets that are whole now; PeerError where there can be none."""
        if self._buffer:
            self._buffer += octets
            if len(self._buffer) < self._wanted:
                return []
            octets = bytes(self._buffer)
        packets: list[Packet] = []
        start, end = 0, len(octets)
        self._wanted = 4
        while end - start >= 4:
            length = _number(octets[start : start + 4])
            if not 0 < length <= self._largest:
                raise PeerError(f"a packet of {length} octets")
            after = start + 4 + length
            if after > end:
                self._wanted = 4 + length
                break
            packets.append((octets[start + 4], octets[start + 5 : after]))
            start = after
        self._buffer = bytearray(octets[start:])
        return packets


def read_offer(payload: bytes) -> Offer:
    """Read OPTNEG; what a short one leaves out is not offered, what a long one adds is not for us."""
    if len(payload) < 4:
        raise PeerError("an offer without a version")
    return Offer(_number(payload[:4]), _number(payload[4:8]), _number(payload[8:12]))


def read_origin(payload: bytes) -> Origin:
    """Read CONNECT."""
    hostname, nul, rest = payload.partition(b"\0")
    if not nul or not rest:
        raise PeerError("a connect without a family")
    return Origin(hostname, rest[:1], rest[3:].partition(b"\0")[0])


def read_texts(payload: bytes) -> list[bytes]:
    """Read the texts of HELO, MAIL and RCPT."""
    return payload.removesuffix(b"\0").split(b"\0")


def read_macros(payload: bytes) -> dict[bytes, bytes]:
    """Read MACRO behind its first octet, the command that the macros come before: values by name without braces."""
    texts = payload[1:].split(b"\0")
    return {
        name.removeprefix(b"{").removesuffix(b"}"): value
        for name, value in zip(texts[::2], texts[1::2], strict=False)
    }


def read_field(payload: bytes) -> tuple[bytes, bytes]:
    """Read HEADER: name and value of a field, as the MTA has them."""
    name, nul, value = payload.partition(b"\0")
    if not nul:
        raise PeerError("a field without a value")
    return name, value.removesuffix(b"\0")


def packet(command: bytes, payload: bytes = b"") -> bytes:
    """Return one packet as octets; ``command`` is a single octet."""
    return _octets(len(payload) + 1) + command + payload


CONTINUE = packet(b"c")
ACCEPT = packet(b"a")
TEMPFAIL = packet(b"t")


def optneg(offer: Offer, macros: dict[Stage, bytes]) -> bytes:
    """Return our answer to an offer; ``macros`` (names divided by blanks) only where SETSYMLIST is agreed on."""
    listed = b"".join(_octets(stage) + names + b"\0" for stage, names in macros.items())
    return packet(b"O", _octets(offer.version) + _octets(offer.actions) + _octets(offer.steps) + listed)


def insheader(index: int, name: bytes, value: bytes) -> bytes:
    """Return the request to insert a field above the field that is ``index`` th, counted from 0."""
    return packet(b"i", _octets(index) + name + b"\0" + value + b"\0")


def delheader(name: bytes, index: int) -> bytes:
    """Return the request to delete the field that is ``index`` th of its name, counted from 1."""
    return packet(b"m", _octets(index) + name + b"\0\0")
