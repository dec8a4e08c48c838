"""Reverse-paths rewritten to a domain of ours when mail is forwarded, and back: SRS0 of the Sender Rewriting Scheme.  Pure.

``ann@shop.example`` becomes ``SRS0=hash=day=shop.example=ann@relay.example``, so that SPF holds at the next hop
and what is said about the message comes back to us, who know from the address alone where it belongs.

Every foreign reverse-path is rewritten so, also one that another server has rewritten: there is no SRS1, whose
addresses carry no day and would stay open for ever (docs/decisions/0007-srs.md).
"""

import hmac
import re
from base64 import b32encode
from dataclasses import dataclass, field, replace
from datetime import date

from relay.mail.address import Mailbox, parse_mailbox
from relay.mail.envelope import ForwardPath, ReversePath

MOST_DAYS = 21
"""Age up to which an address of ours is taken back: longer than any server keeps trying."""
LONGEST = 254
"""Octets of an address (RFC 5321 4.5.3.1.3, without the brackets); what would become longer stays as it is."""

_HASH_LENGTH = 8  # 40 bits: guessing takes too many RCPTs
_DAYS = 1024  # two digits of base 32
_DIGITS = "abcdefghijklmnopqrstuvwxyz234567"
_REWRITTEN = re.compile(
    rf"srs0[=+-](?P<hash>[a-z2-7]{{{_HASH_LENGTH}}})=(?P<day>[a-z2-7]{{2}})=(?P<domain>[^=]+)=(?P<local>.+)",
    re.IGNORECASE | re.DOTALL | re.ASCII,
)
_PAIR = re.compile(r"\\(.)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Srs:
    """Rewrites to ``domain``; whoever has the same secret can take the addresses back."""

    secret: str = field(repr=False)
    domain: str
    """In lower case A-labels; mail for it reaches us."""

    def forward(self, reverse_path: ReversePath, today: date) -> ReversePath:
        """Return ``reverse_path`` as an address of ours; as it was where it is null or would become too long."""
        box = reverse_path.mailbox
        if box is None or not box.domain:
            return reverse_path
        local = _meaning(reverse_path.text.rpartition("@")[0])
        day = _day(today.toordinal())
        rewritten = f"SRS0={self._hash(day, box.domain, local)}={day}={box.domain}={local}"
        text = str(Mailbox(rewritten, self.domain))
        if len(text.encode("utf-8", "surrogateescape")) > LONGEST:
            return reverse_path
        return replace(reverse_path, text=text, mailbox=parse_mailbox(text))

    def back(self, path: ForwardPath, today: date) -> ForwardPath | None:
        """Return whom an address of ours stands for; None if it is none, or its hash or its age is not right."""
        found = _REWRITTEN.fullmatch(_meaning(path.text.rpartition("@")[0]))
        if found is None or path.mailbox.domain != self.domain:
            return None
        day, domain, local = found["day"].lower(), found["domain"], found["local"]
        if not hmac.compare_digest(self._hash(day, domain, local), found["hash"].lower()):
            return None
        age = (today.toordinal() - _number(day)) % _DAYS
        if age > MOST_DAYS and age != _DAYS - 1:  # a day ahead: made by a relay whose clock is before ours
            return None
        text = str(Mailbox(local, domain.lower()))
        box = parse_mailbox(text)
        return None if box is None else replace(path, text=text, mailbox=box)

    def _hash(self, day: str, domain: str, local: str) -> str:
        """Return the hash; case does not count, because servers on the way may change it."""
        told = f"{day}={domain}={local}".lower().encode("utf-8", "surrogateescape")
        digest = hmac.digest(self.secret.encode(), b"SRS0=" + told, "sha256")
        return b32encode(digest).decode()[:_HASH_LENGTH].lower()


def _meaning(local: str) -> str:
    """Return a local part without the quotes that it may stand in; its case stays."""
    if len(local) > 1 and local.startswith('"') and local.endswith('"'):
        return _PAIR.sub(r"\1", local[1:-1])
    return local


def _day(number: int) -> str:
    return _DIGITS[number // 32 % 32] + _DIGITS[number % 32]


def _number(day: str) -> int:
    return _DIGITS.index(day[0]) * 32 + _DIGITS.index(day[1])
