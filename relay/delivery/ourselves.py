"""Whether an address is this machine's own, so that mail is not sent round in circles (RFC 5321 5.1)."""

import socket
from ipaddress import ip_address

from relay.mail.envelope import Address


def is_our_address(address: Address) -> bool:
    """Return whether what is sent to ``address`` stays on this machine.

    The kernel is asked which address it would send from; nothing is sent.  (Binding to it would also
    succeed for any other address where ``ip_nonlocal_bind`` is on, as on machines that share one.)
    """
    if address.is_loopback or address.is_unspecified:
        return True
    family = socket.AF_INET6 if address.version == 6 else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((str(address), 9))
            return ip_address(probe.getsockname()[0]) == address
    except OSError:
        return False
