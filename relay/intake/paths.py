"""The arguments of MAIL and RCPT, read by the grammar of RFC 5321 into values or a reply that refuses.  Pure.

More lenient than the grammar in three things that real clients do: blanks between the colon and the
path, underscores in domains, and local parts longer than 64 octets.
"""

import re
from collections.abc import Callable
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address

from relay.mail.address import Mailbox, mailbox
from relay.mail.envelope import ForwardPath, ReversePath
from relay.mail.reply import Reply

LONGEST_PATH = 512
"""Octets; RFC 5321 4.5.3.1.3 asks for 256 at least, RFC 6531 names take more."""
LONGEST_DOMAIN = 255
"""Octets (RFC 5321 4.5.3.1.2)."""

_NON_ASCII = "\u0080-\ud7ff\ue000-\U0010ffff"
_ATOM = rf"[A-Za-z0-9!#$%&'*+/=?^_`{{|}}~{_NON_ASCII}-]++"
_LOCAL = rf'{_ATOM}(?:\.{_ATOM})*+|"(?:[ !#-\[\]-~{_NON_ASCII}]|\\[ -~])*+"'
_LABEL = rf"[A-Za-z0-9_{_NON_ASCII}](?:[A-Za-z0-9_{_NON_ASCII}-]*[A-Za-z0-9_{_NON_ASCII}])?"
_NAME = rf"{_LABEL}(?:\.{_LABEL})*"
_DOMAIN = rf"{_NAME}|\[[A-Za-z0-9:.]+\]"
_ROUTE = rf"(?:@(?:{_DOMAIN})(?:,@(?:{_DOMAIN}))*:)?"

_PATH = re.compile(rf"<{_ROUTE}((?P<local>{_LOCAL})@(?P<domain>{_DOMAIN}))>(?P<rest> .*|)", re.DOTALL)
_NULL = re.compile(r"<>(?P<rest> .*|)", re.DOTALL)
_POSTMASTER = re.compile(r"<(postmaster)>(?P<rest> .*|)", re.IGNORECASE | re.DOTALL)
_FROM = re.compile(r"FROM:[ \t]*", re.IGNORECASE)
_TO = re.compile(r"TO:[ \t]*", re.IGNORECASE)
_PARAMETER = re.compile(rf"([A-Za-z0-9][A-Za-z0-9-]*+)(?:=([!-<>-~{_NON_ASCII}]++))?")

_XTEXT = r"(?:[!-*,-<>-~]|\+[0-9A-F]{2})"
_VALUES: dict[str, re.Pattern[str]] = {
    "SIZE": re.compile(r"[0-9]{1,20}"),  # RFC 1870 section 4
    "BODY": re.compile(r"7BIT|8BITMIME", re.IGNORECASE),  # RFC 6152
    "RET": re.compile(r"FULL|HDRS", re.IGNORECASE),  # RFC 3461 4.3
    "ENVID": re.compile(rf"{_XTEXT}{{1,100}}"),  # RFC 3461 4.4
    "AUTH": re.compile(rf"(?:{_XTEXT}|[{_NON_ASCII}])+"),  # RFC 4954 section 5, RFC 6531 3.4
    "NOTIFY": re.compile(
        r"NEVER|(?:SUCCESS|FAILURE|DELAY)(?:,(?:SUCCESS|FAILURE|DELAY))*", re.IGNORECASE
    ),  # 3461 4.1
    "ORCPT": re.compile(
        rf"[A-Za-z0-9-]+;(?:{_XTEXT}|[{_NON_ASCII}]){{1,500}}"
    ),  # RFC 3461 4.2, RFC 6533 section 3
}
_OF_MAIL = frozenset({"SIZE", "BODY", "SMTPUTF8", "RET", "ENVID", "AUTH"})
_OF_RCPT = frozenset({"NOTIFY", "ORCPT"})

MAIL_SYNTAX = Reply(501, "5.5.4", "Syntax: MAIL FROM:<address> [parameters]")
RCPT_SYNTAX = Reply(501, "5.5.4", "Syntax: RCPT TO:<address> [parameters]")
BAD_REVERSE_PATH = Reply(501, "5.1.7", "Bad reverse-path")
BAD_FORWARD_PATH = Reply(501, "5.1.3", "Bad forward-path")
REVERSE_PATH_NEEDS_SMTPUTF8 = Reply(550, "5.6.7", "This reverse-path needs the SMTPUTF8 parameter")
FORWARD_PATH_NEEDS_SMTPUTF8 = Reply(553, "5.6.7", "This forward-path needs the SMTPUTF8 parameter on MAIL")
UNKNOWN_PARAMETER = Reply(555, "5.5.4", "Parameter not recognized")
BAD_PARAMETER = Reply(501, "5.5.4", "Bad parameter")

_Parameters = dict[str, str]


def parse_mail(argument: str) -> ReversePath | Reply:
    """Read what follows ``MAIL`` (RFC 5321 4.1.1.2); a Reply refuses it."""
    keyword = _FROM.match(argument)
    if keyword is None:
        return MAIL_SYNTAX
    at = keyword.end()
    if argument.startswith("<>", at) and (null := _NULL.fullmatch(argument, at)):
        return _reverse_path("", None, null["rest"])
    found = _usable(_PATH.fullmatch(argument, at))
    if found is None:
        return BAD_REVERSE_PATH
    text, local, domain, rest = found.groups()
    return _reverse_path(text, mailbox(local, domain), rest)


@lru_cache(maxsize=256)  # a helpdesk has few addresses; at most 2 MiB, as long as command lines are bounded
def parse_rcpt(argument: str, *, smtputf8: bool = False) -> ForwardPath | Reply:
    """Read what follows ``RCPT`` (RFC 5321 4.1.1.3); ``smtputf8``: MAIL had that parameter; a Reply refuses it."""
    read = _forward_path(argument)
    if isinstance(read, Reply):
        return read
    text, box, rest = read
    parameters = _parameters(rest, _OF_RCPT) if rest else {}
    if isinstance(parameters, Reply):
        return parameters
    if not smtputf8 and not (text.isascii() and rest.isascii()):
        return FORWARD_PATH_NEEDS_SMTPUTF8
    notify = parameters.get("NOTIFY")
    return ForwardPath(text, box, notify and notify.upper(), parameters.get("ORCPT"))


def forward_path_in(argument: str) -> ForwardPath | None:
    """Return the well-formed forward-path of a RCPT that is refused for its parameters; None if there is none."""
    read = _forward_path(argument)
    return None if isinstance(read, Reply) else ForwardPath(read[0], read[1])


def _forward_path(argument: str) -> tuple[str, Mailbox, str] | Reply:
    keyword = _TO.match(argument)
    if keyword is None:
        return RCPT_SYNTAX
    at = keyword.end()
    if found := _usable(_PATH.fullmatch(argument, at)):
        return found[1], mailbox(found["local"], found["domain"]), found["rest"]
    if found := _POSTMASTER.fullmatch(argument, at):  # RFC 5321 4.1.1.3: the one name without a domain
        return found[1], Mailbox("postmaster", ""), found["rest"]
    return BAD_FORWARD_PATH


def _usable(found: re.Match[str] | None) -> re.Match[str] | None:
    """Keep a path whose lengths are in bounds and whose address literal is one."""
    if found is None:
        return None
    path, domain = found[1], found["domain"]
    if domain[0] == "[" and not _is_literal(domain[1:-1]):
        return None
    if not path.isascii():
        path, domain = path.encode().decode("latin-1"), domain.encode().decode("latin-1")
    return found if len(path) <= LONGEST_PATH and len(domain) <= LONGEST_DOMAIN else None


def _is_literal(text: str) -> bool:
    """Tell an address literal (RFC 5321 4.1.3), its brackets taken off."""
    read: Callable[[str], object] = IPv4Address
    if text[:5].upper() == "IPV6:":
        read, text = IPv6Address, text[5:]
    try:
        read(text)
    except ValueError:
        return False
    return True


def _reverse_path(text: str, box: Mailbox | None, rest: str) -> ReversePath | Reply:
    if not rest and text.isascii():
        return ReversePath(text, box)
    given = _parameters(rest, _OF_MAIL)
    if isinstance(given, Reply):
        return given
    smtputf8 = "SMTPUTF8" in given
    if not smtputf8 and not (text.isascii() and rest.isascii()):
        return REVERSE_PATH_NEEDS_SMTPUTF8
    size, body, ret = given.get("SIZE"), given.get("BODY"), given.get("RET")
    return ReversePath(
        text,
        box,
        size=int(size) if size else None,
        body=body and body.upper(),
        smtputf8=smtputf8,
        ret=ret and ret.upper(),
        envid=given.get("ENVID"),
        auth=given.get("AUTH"),
    )


def _parameters(rest: str, known: frozenset[str]) -> _Parameters | Reply:
    """Read ESMTP parameters (RFC 5321 4.1.2), each by the RFC that made it."""
    given: _Parameters = {}
    for word in rest.split(" "):
        if not word:
            continue
        found = _PARAMETER.fullmatch(word)
        if found is None:
            return BAD_PARAMETER
        keyword, value = found[1].upper(), found[2]
        if keyword not in known:
            return UNKNOWN_PARAMETER
        if keyword in given or not _fits(keyword, value):
            return BAD_PARAMETER
        given[keyword] = value or ""
    return given


def _fits(keyword: str, value: str | None) -> bool:
    if keyword == "SMTPUTF8":  # RFC 6531 3.4: takes no value
        return value is None
    return value is not None and _VALUES[keyword].fullmatch(value) is not None
