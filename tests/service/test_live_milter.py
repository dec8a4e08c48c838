"""The milter of a running relay, spoken to as an MTA would, in the plainest words of the protocol."""

import socket
import struct
from pathlib import Path

from tests.live import Process

CHANNELS = """\
version: 1
channels:
  support: {{address: support@company.com, inbound: [in@relay.company.net]}}
listen: {{milter: ["unix:{path}"]}}
log: {{format: json}}
"""


def packet(command: bytes, data: bytes = b"") -> bytes:
    return struct.pack(">I", 1 + len(data)) + command + data


def answers(mta: socket.socket) -> list[tuple[bytes, bytes]]:
    """Read packets until the milter closes."""
    octets = b"".join(iter(lambda: mta.recv(65536), b""))
    found = []
    while octets:
        length = struct.unpack(">I", octets[:4])[0]
        found.append((octets[4:5], octets[5 : 4 + length]))
        octets = octets[4 + length :]
    return found


def test_serve_with_a_milter_alone_stamps_what_an_mta_shows_it(tmp_path: Path):
    folder = tmp_path / "run"
    folder.mkdir()
    path = folder / "milter.sock"
    relay = Process(tmp_path, CHANNELS.format(path=path))
    relay.start()
    try:
        relay.waits_to_say('"event": "serving"')
        with socket.socket(socket.AF_UNIX) as mta:
            mta.settimeout(10)
            mta.connect(str(path))
            mta.sendall(packet(b"O", struct.pack(">III", 6, 0x1FF, 0x1FFFFF)))
            mta.sendall(packet(b"D", b"Ci\04ABC\0"))
            mta.sendall(packet(b"C", b"crm.example\0004" + struct.pack(">H", 25) + b"198.51.100.7\0"))
            mta.sendall(packet(b"M", b"<bounce@crm.example>\0") + packet(b"R", b"<in@relay.company.net>\0"))
            mta.sendall(
                packet(b"L", b"From\0 support@company.com\0") + packet(b"L", b"To\0 anna@customer.example\0")
            )
            mta.sendall(packet(b"N") + packet(b"E"))
            mta.sendall(packet(b"Q"))
            told = answers(mta)
    finally:
        assert relay.stop() == 0
    inserted = [data[4:].split(b"\0")[:2] for command, data in told if command == b"i"]
    assert [b"X-Ticket-Status", b"auto-closed"] in [[name, value.strip()] for name, value in inserted]
    assert told[0][0] == b"O"
    assert not path.exists()
