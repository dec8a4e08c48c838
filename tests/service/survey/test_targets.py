"""Which places are looked at: those where mail can go by channels.yaml, each once."""

from datetime import date
from pathlib import Path

import pytest

from relay.mail.hop import Scheme, parse_hop
from relay.service.survey.targets import ByMx, Target, foreign_domains, targets_of
from relay.service.translate import routes_of
from relay.settings.model import Settings
from relay.settings.parse import parse_settings
from tests.hosted import POSTMASTER, hosted_channels

HOSTED = hosted_channels("helpdesk: mx+starttls, reports: mx", POSTMASTER)
DESK = ByMx("desk.example", Scheme.SMTP_STARTTLS)
COMPANY = ByMx("company.com", Scheme.SMTP)


def settings_of(text: str) -> Settings:
    return parse_settings(text, "channels.yaml", Path("/x"), {})


def targets(text: str) -> dict[object, tuple[str, ...]]:
    found = _found(text)
    assert len({target.to for target in found}) == len(found)
    return {target.to: target.whose for target in found}


def _found(text: str) -> tuple[Target, ...]:
    settings = settings_of(text)
    return targets_of(settings, routes_of(settings, settings.book(), "relay.company.com", date.today))


def foreign(text: str) -> tuple[str, ...]:
    settings = settings_of(text)
    return foreign_domains(settings, routes_of(settings, settings.book(), "relay.company.com", date.today))


def test_by_mx_the_domains_are_those_that_mail_is_forwarded_to() -> None:
    assert targets(HOSTED) == {DESK: ("channel support",), COMPANY: ("postmaster",)}


def test_without_forward_to_mail_would_go_by_the_channels_own_domains() -> None:
    text = HOSTED.replace("    forward_to: {open: in@desk.example, auto-closed: copies@desk.example}\n", "")
    assert targets(text) == {
        ByMx("company.com", Scheme.SMTP_STARTTLS): ("channel support",),
        ByMx("relay.company.com", Scheme.SMTP_STARTTLS): ("channel support",),
        COMPANY: ("postmaster",),
    }


def test_the_two_addresses_of_a_channel_may_be_in_two_domains() -> None:
    text = HOSTED.replace("copies@desk.example", "copies@archive.example")
    assert set(targets(text)) == {DESK, ByMx("archive.example", Scheme.SMTP_STARTTLS), COMPANY}


def test_without_a_postmaster_his_mail_goes_to_the_helpdesk_under_its_own_address() -> None:
    text = HOSTED.replace(POSTMASTER, "")
    for domain in ("relay.company.com", "company.com"):
        assert "postmaster" in targets(text)[ByMx(domain, Scheme.SMTP_STARTTLS)]


def test_named_servers_domains_digests_and_ways_elsewhere_count_too() -> None:
    text = """\
version: 1
channels:
  support: {address: support@company.com, helpdesk: "smtps://own.example", digest_to: lead@other.example}
domains: [desk.company.com]
deliver: {helpdesk: "smtp://desk.internal:25", elsewhere: "smtp://out.internal:25", reports: mx}
"""
    assert targets(text) == {
        parse_hop("smtps://own.example"): ("channel support",),
        parse_hop("smtp://desk.internal:25"): ("anybody at desk.company.com", "postmaster"),
        parse_hop("smtp://out.internal:25"): ("elsewhere",),
        ByMx("other.example", Scheme.SMTP): ("digests of support",),
    }


@pytest.mark.parametrize("helpdesk", ["sandbox", "smtp://127.0.0.1:2526"])
def test_where_nothing_leaves_there_is_nothing_to_look_up(helpdesk: str) -> None:
    text = f"version: 1\nchannels: {{a: {{address: a@b.example}}}}\ndeliver: {{helpdesk: '{helpdesk}', mode: pass-through}}\n"
    assert [target for target in _found(text) if isinstance(target.to, ByMx)] == []


def test_an_address_outside_ascii_is_noted() -> None:
    assert [target.beyond_ascii for target in _found(HOSTED)] == [False, False]
    text = HOSTED.replace("copies@desk.example", "kopien-für@desk.example")
    assert [target.beyond_ascii for target in _found(text)] == [True, False]


def test_foreign_domains_are_those_of_others_that_the_helpdesks_mail_is_forwarded_to() -> None:
    assert foreign(HOSTED) == ("desk.example",)
    assert foreign(HOSTED + "inside: [desk.example]\n") == ()
    assert foreign(HOSTED.replace("mx+starttls", "sandbox")) == ()
