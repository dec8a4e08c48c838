"""What a person types of a mail transaction: addresses with or without brackets around them.  Pure."""

from ipaddress import ip_address

from relay.mail.address import Mailbox, parse_mailbox
from relay.mail.envelope import Address, plain_address


def typed_mailbox(text: str) -> Mailbox | None:
    """Return the address; None where it is none."""
    return parse_mailbox(bare_path(text))


def typed_ip(text: str) -> Address | None:
    """Return the address of a client; None where it is none."""
    try:
        return plain_address(ip_address(text.strip().removeprefix("[").removesuffix("]")))
    except ValueError:
        return None


def bare_path(text: str) -> str:
    """Return a path without the blanks and angle brackets around it."""
    return text.strip().removeprefix("<").removesuffix(">")
