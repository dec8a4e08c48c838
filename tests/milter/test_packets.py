"""The codec: no chunking matters, and no octets make it raise anything but its own error."""

import contextlib
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.errors import PeerError
from relay.milter import packets
from relay.milter.packets import Command, Decoder, Offer, Packet, Stage

READERS = (
    packets.read_offer,
    packets.read_origin,
    packets.read_texts,
    packets.read_macros,
    packets.read_field,
)


def some_packets() -> st.SearchStrategy[list[Packet]]:
    return st.lists(st.tuples(st.integers(0, 255), st.binary(max_size=40)), max_size=6)


def octets_of(said: list[Packet]) -> bytes:
    return b"".join(packets.packet(bytes((command,)), payload) for command, payload in said)


@given(some_packets(), st.integers(1, 7))
def test_packets_octet_by_octet_are_packets_at_once(said: list[Packet], step: int) -> None:
    octets = octets_of(said)
    assert Decoder().feed(octets) == said
    decoder = Decoder()
    pieces = [octets[at : at + step] for at in range(0, len(octets), step)]
    assert [one for piece in pieces for one in decoder.feed(piece)] == said
    assert not decoder.inside


@given(st.binary(max_size=60), st.data())
def test_no_octets_make_the_decoder_raise_anything_but_its_own_error(
    octets: bytes, data: st.DataObject
) -> None:
    whole: list[Packet] | None = None
    with contextlib.suppress(PeerError):
        whole = Decoder(largest=30).feed(octets)
    cut = data.draw(st.integers(0, len(octets)))
    decoder = Decoder(largest=30)
    twice: list[Packet] | None = None
    with contextlib.suppress(PeerError):
        twice = decoder.feed(octets[:cut]) + decoder.feed(octets[cut:])
    assert whole == twice


@given(st.binary(max_size=60))
def test_no_payload_makes_a_reader_raise_anything_but_its_own_error(payload: bytes) -> None:
    for read in READERS:
        with contextlib.suppress(PeerError):
            read(payload)


def test_a_packet_that_has_begun_is_known_to_be_inside() -> None:
    decoder = Decoder()
    assert decoder.feed(b"\0\0") == []
    assert decoder.inside
    assert decoder.feed(b"\0\x01Q") == [(Command.QUIT, b"")]
    assert not decoder.inside


@pytest.mark.parametrize("octets", [b"\0\0\0\0", b"\0\0\0\x1f", b"\xff\xff\xff\xff"])
def test_an_empty_packet_and_one_over_the_limit_are_refused_before_they_are_there(octets: bytes) -> None:
    with pytest.raises(PeerError, match="a packet of"):
        Decoder(largest=30).feed(octets)


def test_a_packet_of_exactly_the_limit_is_taken() -> None:
    assert Decoder(largest=30).feed(packets.packet(b"L", b"x" * 29)) == [(Command.HEADER, b"x" * 29)]


def test_a_large_packet_in_small_pieces_takes_time_by_its_length_alone() -> None:
    decoder, octets = Decoder(), packets.packet(b"B", bytes(400_000))
    found = [one for at in range(len(octets)) for one in decoder.feed(octets[at : at + 1])]
    assert [len(payload) for _, payload in found] == [400_000]


@pytest.mark.parametrize(
    ("payload", "offer"),
    [
        (struct.pack("!III", 6, 0x1FF, 0x1FFFFF), Offer(6, 0x1FF, 0x1FFFFF)),
        (struct.pack("!II", 2, 0x3F), Offer(2, 0x3F, 0)),
        (struct.pack("!I", 2), Offer(2, 0, 0)),
        (struct.pack("!IIII", 7, 1, 2, 3) + b"more", Offer(7, 1, 2)),
    ],
)
def test_an_offer_may_be_shorter_or_longer_than_three_numbers(payload: bytes, offer: Offer) -> None:
    assert packets.read_offer(payload) == offer


@pytest.mark.parametrize("read", [packets.read_offer, packets.read_origin, packets.read_field])
def test_a_payload_without_its_first_part_breaks_the_protocol(read: object) -> None:
    with pytest.raises(PeerError):
        read(b"")  # type: ignore[operator]


def test_a_client_is_told_by_family_and_address() -> None:
    assert packets.read_origin(b"mail.example\x004\x09\xdd192.0.2.5\0") == packets.Origin(
        b"mail.example", b"4", b"192.0.2.5"
    )
    assert packets.read_origin(b"localhost\0L\0\0/run/socket\0") == packets.Origin(
        b"localhost", b"L", b"/run/socket"
    )
    assert packets.read_origin(b"nobody\0U") == packets.Origin(b"nobody", b"U")


def test_macro_names_lose_their_braces() -> None:
    assert packets.read_macros(b"Mi\x004ABC\0{auth_authen}\0desk\0odd") == {
        b"i": b"4ABC",
        b"auth_authen": b"desk",
    }
    assert packets.read_macros(b"C") == {}


def test_a_field_keeps_every_octet_but_the_last_nul() -> None:
    assert packets.read_field(b"To\0 a\0b\n c\0") == (b"To", b" a\0b\n c")
    assert packets.read_field(b"To\0") == (b"To", b"")


def test_texts_are_divided_by_nul() -> None:
    assert packets.read_texts(b"<a@b>\0SIZE=5\0") == [b"<a@b>", b"SIZE=5"]
    assert packets.read_texts(b"") == [b""]


def test_what_we_say_is_laid_out_as_libmilter_lays_it_out() -> None:
    assert packets.CONTINUE == b"\0\0\0\1c"
    assert packets.insheader(0, b"X-A", b" b") == b"\0\0\0\x0ci\0\0\0\0X-A\0 b\0"
    assert packets.delheader(b"X-A", 2) == b"\0\0\0\x0am\0\0\0\2X-A\0\0"
    plain = packets.optneg(Offer(2, 0x11, 0x50), {})
    assert plain == b"\0\0\0\x0dO\0\0\0\2\0\0\0\x11\0\0\0\x50"
    listed = packets.optneg(Offer(6, 0x111, 0), {Stage.END: b"i"})
    assert listed == b"\0\0\0\x13O\0\0\0\6\0\0\1\x11\0\0\0\0\0\0\0\5i\0"
