"""The keys of channels.yaml: for each a reader, in the order of docs/channels.md.  Without I/O.

What a key is when it is not set stands in ``model``.
"""

from collections.abc import Callable, Iterator
from typing import Any

from relay.channels import AutoClose, BccEvidence, Channel, Networks, Platform, Rule, WhenInDoubt
from relay.mail.hop import Way
from relay.settings import leaves, model, values, words
from relay.settings.entrances import ListenSettings, SmtpListener, TlsSettings, User
from relay.settings.reading import (
    Either,
    Flag,
    ListOf,
    Named,
    Nullable,
    Number,
    Reader,
    Section,
    Word,
)


def _channel(name: str, keys: dict[str, Any]) -> model.ChannelSettings:
    others = {key: keys.pop(key) for key in ("forward_to", "helpdesk", "digest_to") if key in keys}
    return model.ChannelSettings(Channel(name, **keys), **others)


def _user(name: str, keys: dict[str, Any]) -> User:
    return User(name, **keys)


def _listen(**named: Any) -> ListenSettings:
    """Naming a listener turns off those that are not named."""
    default = ListenSettings()
    someone = any(named.values())
    return ListenSettings(
        smtp=named.get("smtp", () if someone else default.smtp),
        milter=named.get("milter", ()),
        web=named.get("web", None if someone else default.web),
    )


def _section(make: Callable[..., Any], *required: str, **keys: Reader) -> Section:
    return Section(make, keys, required)


_FORWARD_TO = Either(
    leaves.leaf(
        "an address, or {open: …, auto-closed: …}",
        lambda text: model.ForwardTo(values.forward_path(text), values.forward_path(text)),
    ),
    Section(
        model.ForwardTo,
        {"open": leaves.FORWARD_PATH, "auto-closed": leaves.FORWARD_PATH},
        ("open", "auto-closed"),
    ),
)
_CHANNEL = _section(
    dict,
    "address",
    address=leaves.ADDRESS,
    also=ListOf(leaves.ADDRESS),
    inbound=ListOf(leaves.ADDRESS),
    forward_to=Nullable(_FORWARD_TO),
    auto_close=Word(AutoClose),
    when_in_doubt=Nullable(Word(WhenInDoubt)),
    helpdesk=Nullable(leaves.HELPDESK),
    digest_to=Nullable(leaves.FORWARD_PATH),
)
_RULE = _section(
    Rule,
    bcc_evidence=ListOf(Word(BccEvidence), frozenset),
    when_in_doubt=Word(WhenInDoubt),
    subaddress_separator=leaves.SEPARATOR,
)
_PLATFORM = _section(
    Platform,
    networks=ListOf(leaves.NARROW_NETWORK, Networks),
    users=ListOf(leaves.TEXT, frozenset),
    dkim_domains=ListOf(leaves.DOMAIN, frozenset),
    authserv_ids=ListOf(leaves.TEXT, frozenset),
)
_TRUSTED = _section(
    model.TrustedSettings,
    relay=ListOf(leaves.NARROW_NETWORK, Networks),
    trace=ListOf(leaves.NETWORK, Networks),
    unlimited=ListOf(leaves.NETWORK, Networks),
)
_LISTENER = _section(
    SmtpListener,
    address=leaves.ENDPOINT,
    tls=Word(words.ListenerTls),
    auth=Word(words.ListenerAuth),
    proxy=ListOf(leaves.NARROW_NETWORK, Networks),
    xclient=ListOf(leaves.NARROW_NETWORK, Networks),
    reuse_port=Flag(),
)
_LISTEN = _section(
    _listen,
    smtp=ListOf(_LISTENER),
    milter=ListOf(leaves.MILTER_ENDPOINT),
    web=Nullable(leaves.ENDPOINT),
)
_USER = _section(
    dict,
    "password",
    "may",
    password=leaves.PASSWORD,
    may=ListOf(Word(words.Right), frozenset, least=1),
)
_DELIVER = _section(
    model.DeliverSettings,
    helpdesk=Nullable(leaves.HELPDESK),
    elsewhere=leaves.hop(Way.REFUSE, Way.MX),
    reports=leaves.hop(Way.HOLD, Way.MX),
    mode=Word(words.Mode),
    timeouts=_section(
        model.Timeouts,
        connect=leaves.SOME_TIME,
        reply=leaves.SOME_TIME,
        content=leaves.SOME_TIME,
        while_client_waits=leaves.SOME_TIME,
    ),
    connections=Number(),
    tls=_section(model.DeliverTls, ca=Nullable(leaves.FILE)),
    xforward=Word(words.XForward),
    srs_secret=leaves.SECRET,
)
_SPOOL = _section(
    model.SpoolSettings,
    url=leaves.DATABASE,
    retry=ListOf(leaves.SOME_TIME, least=1),
    give_up_after=leaves.SOME_TIME,
    unknown_retry=leaves.SOME_TIME,
)
_JOURNAL = _section(
    model.JournalSettings,
    url=leaves.DATABASE,
    keep=leaves.DURATION,
    max_size=leaves.SIZE,
    addresses=Word(words.JournalAddresses),
    keep_subject=Flag(),
    keep_closed=Nullable(leaves.SOME_TIME),
)
_LIMITS = _section(
    model.LimitSettings,
    message_size=leaves.SIZE,
    header_size=leaves.SIZE,
    recipients=Number(),
    connections=Number(),
    connections_per_client=Number(),
    received=Number(),
    junk_commands=Number(),
    auth_failures=Number(),
    command_timeout=leaves.DURATION,
    data_rate=leaves.RATE,
    bare_newlines=Word(words.BareNewlines),
)
_MILTER = _section(
    model.MilterSettings,
    on_failure=Word(words.OnFailure),
    mixed=Word(words.Mixed),
    socket_mode=leaves.FILE_MODE,
    socket_group=Nullable(leaves.TEXT),
)
_STAMP = Section(
    model.StampSettings,
    {
        "auto-closed": leaves.FIELDS,
        "open": leaves.FIELDS,
        "preset": Nullable(Word(words.Preset)),
        "reason": Flag(),
        "link": Flag(),
        "strip": ListOf(leaves.STRIP),
    },
)
_DIGEST = Section(
    model.DigestSettings,
    {
        "from": Nullable(leaves.FORWARD_PATH),
        "at": leaves.TIME_OF_DAY,
        "language": Word(words.DigestLanguage),
    },
)

SCHEMA = _section(
    dict,
    version=leaves.VERSION,
    hostname=Nullable(leaves.HOST),
    state=leaves.FOLDER,
    channels=Named("name", leaves.channel_name, _CHANNEL, _channel, least=1),
    domains=ListOf(leaves.DOMAIN, frozenset),
    inside=ListOf(leaves.DOMAIN, frozenset),
    postmaster=Nullable(leaves.FORWARD_PATH),
    rule=_RULE,
    platform=_PLATFORM,
    trusted=_TRUSTED,
    listen=_LISTEN,
    tls=_section(TlsSettings, certificate=Nullable(leaves.FILE), key=Nullable(leaves.FILE)),
    users=Named("name", leaves.user_name, _USER, _user),
    deliver=_DELIVER,
    spool=_SPOOL,
    journal=_JOURNAL,
    limits=_LIMITS,
    milter=_MILTER,
    stamp=_STAMP,
    web=_section(
        model.WebSettings,
        url=Nullable(leaves.WEB_URL),
        key=leaves.SECRET,
    ),
    log=_section(model.LogSettings, format=Word(words.LogFormat), level=Word(words.LogLevel)),
    drain=leaves.DURATION,
    digest=_DIGEST,
    sandbox=_section(model.SandboxSettings, keep=Number()),
)
"""The whole file; reads to the attributes of ``Settings``, and ``version``."""


def keys_of(reader: Reader, prefix: str = "") -> Iterator[str]:
    """Yield every key below ``reader`` that has a value, such as ``channels.<name>.address``."""
    match reader:
        case Section(keys=keys):
            for key, below in keys.items():
                yield from keys_of(below, f"{prefix}.{key}" if prefix else key)
        case Named(label=label, of=of):
            yield from keys_of(of, f"{prefix}.<{label}>")
        case ListOf(of=Section() as of):
            yield from keys_of(of, f"{prefix}[]")
        case Nullable(of=of):
            yield from keys_of(of, prefix)
        case Either(keys=keys):
            yield prefix
            yield from keys_of(keys, prefix)
        case _:
            yield prefix


def _homes() -> dict[str, list[str]]:
    homes: dict[str, list[str]] = {}
    for key in KEYS:
        parts = key.split(".")
        for end, part in enumerate(parts, start=1):
            places = homes.setdefault(part.removesuffix("[]"), [])
            home = ".".join(parts[:end]).removesuffix("[]")
            if home not in places:
                places.append(home)
    return homes


KEYS = tuple(keys_of(SCHEMA))
"""Every key that has a value, as the documentation names it."""
HOMES = {part: " or ".join(homes) for part, homes in _homes().items()}
"""For a part of a key, all the places where it may stand."""
