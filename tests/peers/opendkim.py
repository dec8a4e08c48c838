"""A private OpenDKIM that verifies beside Postfix, with keys from a file in place of DNS."""

import contextlib
import os
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from tests.live import free_port
from tests.peers.unpacking import unpacked

PACKAGES = (
    "opendkim", "libopendkim11", "libmilter1.0.1", "libopendbx1", "librbl1", "libvbr2", "libmemcached11", "libhashkit2",
)  # fmt: skip
CONFIGURATION = """\
Mode v
Socket inet:{port}@127.0.0.1
AuthservID {authserv_id}
TestPublicKeys {folder}/keys
PidFile {folder}/pid
Background no
Syslog no
"""


@contextlib.contextmanager
def verifying(folder: Path, authserv_id: str, keys: dict[str, str]) -> Iterator[str]:
    """Run one; yield what ``smtpd_milters`` calls it."""
    root, port = unpacked("opendkim", *PACKAGES), free_port()
    (folder / "keys").write_text("".join(f"{name} {text}\n" for name, text in keys.items()))
    configuration = folder / "opendkim.conf"
    configuration.write_text(CONFIGURATION.format(port=port, authserv_id=authserv_id, folder=folder))
    libraries = f"{root}/usr/lib/x86_64-linux-gnu:{root}/usr/lib"
    with (folder / "opendkim.log").open("ab") as log:
        process = subprocess.Popen(
            [root / "usr/sbin/opendkim", "-f", "-x", configuration],
            env={**os.environ, "LD_LIBRARY_PATH": libraries},
            stdout=log,
            stderr=log,
        )
    try:
        for _ in range(200):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=2):
                break
            assert process.poll() is None, (folder / "opendkim.log").read_text()
            time.sleep(0.025)
        yield f"inet:127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(20)
