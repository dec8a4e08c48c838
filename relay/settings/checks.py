"""What each key alone cannot tell: contradictions between keys, and what is missing for serving.  Without I/O."""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from ipaddress import ip_address

from relay.channels import Channel
from relay.mail.address import Mailbox
from relay.mail.hop import Way
from relay.settings.entrances import Endpoint
from relay.settings.model import Settings
from relay.settings.nodes import Path
from relay.settings.preset_checks import signs_taken
from relay.settings.stamp_checks import Found, fields_of_the_stamp, link_of_the_stamp
from relay.settings.wording import dotted, shown
from relay.settings.words import ListenerAuth, ListenerTls, Mode, Right


@dataclass(frozen=True, slots=True)
class Check:
    """One kind of contradiction."""

    find: Callable[[Settings], Iterator[Found]]
    needs: tuple[Path, ...] = ()
    """Not asked where something below these has a problem already: it would only find what follows from that."""


def contradictions(settings: Settings, broken: Collection[Path]) -> Iterator[Found]:
    """Yield every contradiction; ``broken`` is where problems were found already."""
    for check in _CHECKS:
        if not any(path[: len(need)] == need for need in check.needs for path in broken):
            yield from check.find(settings)


def state_around(settings: Settings, folder: str) -> Iterator[Found]:
    """Yield a problem where the state folder is or contains ``folder``, that of channels.yaml."""
    if _under(folder, settings.state):
        yield (
            ("state",),
            "the relay keeps its state to itself (mode 0700); write a folder of its own, such as var",
        )


def missing_for_serving(
    settings: Settings, broken: Collection[Path], exists: Callable[[str], bool]
) -> Iterator[Found]:
    """Yield what only a relay that serves needs; ``exists`` tells whether there is a file."""
    helpdesk: Path = ("deliver", "helpdesk")
    if settings.listen.smtp and settings.deliver.helpdesk is None and helpdesk not in broken:
        yield (
            helpdesk,
            (
                "the helpdesk is missing: with an SMTP listener it must be known where mail goes; "
                "write helpdesk: smtp://host:25, or helpdesk: sandbox to try things out"
            ),
        )
    files: dict[Path, str | None] = {
        ("tls", "certificate"): settings.tls.certificate,
        ("tls", "key"): settings.tls.key,
        ("deliver", "tls", "ca"): settings.deliver.tls.ca,
    }
    for path, file in files.items():
        if file is not None and not exists(file):
            yield path, f"there is no file {file}; relative paths are beside channels.yaml"


def _addresses(settings: Settings) -> Iterator[Found]:
    owners: dict[Mailbox, Path] = {}
    for each in settings.channels:
        channel = each.channel
        for below, address in _roles(channel):
            path = ("channels", channel.name, *below)
            owner = owners.setdefault(address, path)
            if owner is not path:
                yield (
                    path,
                    (
                        f"{shown(str(address))} stands twice, the first time as {dotted(owner)}; "
                        "an address belongs to one channel, and stands there once"
                    ),
                )


def _roles(channel: Channel) -> Iterator[tuple[Path, Mailbox]]:
    yield ("address",), channel.address
    for key, addresses in (("also", channel.also), ("inbound", channel.inbound)):
        for at, address in enumerate(addresses):
            yield (key, at), address


def _domains(settings: Settings) -> Iterator[Found]:
    for domain in sorted(settings.domains & settings.inside):
        yield (
            ("inside",),
            (
                f"{domain} stands in domains too; domains are the helpdesk's, inside are your others: take it out of one"
            ),
        )


def _needs_a_spool(settings: Settings) -> Iterator[Found]:
    if settings.deliver.mode is not Mode.PASS_THROUGH:
        return
    right = "write deliver.mode: pass-through-or-spool or spool"
    for each in settings.channels:
        if each.forward_to and each.forward_to.depends_on_the_verdict:
            yield (
                ("channels", each.channel.name, "forward_to"),
                (
                    "two addresses need a mode with a spool, because with pass-through the verdict comes after RCPT; "
                    f"{right}, or one address"
                ),
            )
        if each.digest_to:
            yield (
                ("channels", each.channel.name, "digest_to"),
                f"digests leave by the spool, and pass-through has none; {right}",
            )
    if settings.journal.keep_closed is not None:
        yield (
            ("journal", "keep_closed"),
            f"closed mail is kept in the spool, and pass-through has none; {right}",
        )


def _reports(settings: Settings) -> Iterator[Found]:
    if settings.deliver.reports is not Way.HOLD:
        return
    right = "write deliver.reports: mx or smtp://…, by which such mail leaves"
    for each in settings.channels:
        if each.digest_to:
            yield (
                ("channels", each.channel.name, "digest_to"),
                f"digests need a way out, but reports are held; {right}",
            )
    if settings.postmaster and not _is_the_helpdesks(settings.postmaster.mailbox, settings):
        yield ("postmaster",), f"postmaster is outside the helpdesk, but reports are held; {right}"


def _is_the_helpdesks(address: Mailbox, settings: Settings) -> bool:
    try:
        return settings.book().accepts(address)
    except ValueError:  # an address stands twice, which is told elsewhere
        return True


def _sandbox(settings: Settings) -> Iterator[Found]:
    hops = (settings.deliver.helpdesk, *(each.helpdesk for each in settings.channels))
    if Way.SANDBOX not in hops:
        return
    for path, endpoint, _ in _endpoints(settings):
        if not endpoint.loopback and "milter" not in path:
            yield (
                path,
                (
                    f"with helpdesk: sandbox only this machine may reach the relay, and {endpoint} is open to others; "
                    "write 127.0.0.1 or [::1], or a real helpdesk"
                ),
            )


def _tls(settings: Settings) -> Iterator[Found]:
    tls = settings.tls
    if tls.certificate and not tls.key:
        yield ("tls", "certificate"), "a certificate needs its key; write tls.key: key.pem too"
    if tls.key and not tls.certificate:
        yield ("tls", "key"), "a key needs its certificate; write tls.certificate: cert.pem too"
    for at, listener in enumerate(settings.listen.smtp):
        needs = listener.tls in (ListenerTls.REQUIRED, ListenerTls.IMPLICIT)
        if needs and not (tls.certificate and tls.key):
            yield (
                ("listen", "smtp", at, "tls"),
                (
                    f"{listener.tls} TLS needs a certificate; write tls: {{certificate: cert.pem, key: key.pem}}"
                ),
            )


def _listeners(settings: Settings) -> Iterator[Found]:
    for at, listener in enumerate(settings.listen.smtp):
        if listener.auth is not ListenerAuth.NONE and not settings.who_may(Right.SEND):
            yield (
                ("listen", "smtp", at, "auth"),
                ("nobody may log in to send; write users with may: [send], or auth: none"),
            )
        if listener.proxy and listener.tls is ListenerTls.IMPLICIT:
            yield (
                ("listen", "smtp", at, "proxy"),
                (
                    "the PROXY protocol does not go with implicit TLS; write two listeners, or tls: opportunistic"
                ),
            )


def _milter(settings: Settings) -> Iterator[Found]:
    for at, endpoint in enumerate(settings.listen.milter):
        if endpoint.path and _under(endpoint.path, settings.state):
            yield (
                ("listen", "milter", at),
                (
                    "the MTA cannot enter the state folder (mode 0700); write a path in a folder of the MTA, "
                    "such as unix:/var/spool/postfix/helpdesk-relay/milter.sock"
                ),
            )


def _web(settings: Settings) -> Iterator[Found]:
    web = settings.listen.web
    if web is not None and not web.loopback and not settings.who_may(Right.READ):
        yield (
            ("listen", "web"),
            (
                f"{web} is open to others, so the web page needs a login; "
                "write a user with may: [read], or listen on 127.0.0.1"
            ),
        )


def _one_listener_an_address(settings: Settings) -> Iterator[Found]:
    taken: dict[int | str, list[tuple[Endpoint, bool]]] = {}
    for path, endpoint, shares in _endpoints(settings):
        earlier = taken.setdefault(endpoint.path or endpoint.port, [])
        if any(
            _overlap(endpoint, other) and not (shares and other_shares) for other, other_shares in earlier
        ):
            yield (
                path,
                f"another listener has {endpoint} already; write another one (or reuse_port: true for both)",
            )
        earlier.append((endpoint, shares))


def _endpoints(settings: Settings) -> Iterator[tuple[Path, Endpoint, bool]]:
    """Yield for every listener where it stands, where it listens, and whether it shares its port."""
    listen = settings.listen
    for at, listener in enumerate(listen.smtp):
        yield ("listen", "smtp", at, "address"), listener.address, listener.reuse_port
    for at, endpoint in enumerate(listen.milter):
        yield ("listen", "milter", at), endpoint, False
    if listen.web:
        yield ("listen", "web"), listen.web, False


def _overlap(one: Endpoint, other: Endpoint) -> bool:
    """Tell whether two endpoints of one port (or two sockets of one path) cannot both be listened on."""
    family, family_of_other = _every(one), _every(other)
    return one.host == other.host or (family == family_of_other and family in (one.host, other.host))


def _every(endpoint: Endpoint) -> str:
    """Return the address that stands for all of the same family; empty for a name."""
    try:
        return "0.0.0.0" if ip_address(endpoint.host).version == 4 else "::"  # noqa: S104 - only compared
    except ValueError:
        return ""


def _under(inner: str, outer: str) -> bool:
    return f"{inner}/".startswith(f"{outer.rstrip('/')}/")


_CHECKS = (
    Check(_addresses),
    Check(_domains),
    Check(_needs_a_spool, (("deliver", "mode"),)),
    Check(_reports, (("deliver", "reports"), ("channels",), ("domains",))),
    Check(_sandbox),
    Check(_tls, (("tls",),)),
    Check(_listeners, (("users",),)),
    Check(_milter, (("state",),)),
    Check(_web, (("users",),)),
    Check(_one_listener_an_address),
    Check(fields_of_the_stamp),
    Check(link_of_the_stamp, (("web", "url"), ("stamp", "link"))),
    Check(signs_taken),
)
