"""Which way a forward-path goes, cell by cell."""

from dataclasses import replace

import pytest

from relay.delivery.route import NOT_OURS, Route, Routes
from relay.mail.envelope import ForwardPath
from relay.mail.hop import Way, parse_hop
from relay.settings.model import ForwardTo
from relay.spool.item import ELSEWHERE, HELPDESK, REPORTS, helpdesk_of
from tests.pipeline.test_pass_through import BOOK, path

DESK = parse_hop("smtp://desk.example")
BILLING = parse_hop("smtp://billing.example")
ROUTES = Routes(
    BOOK, DESK, "relay.example", by_channel={"billing": BILLING}, elsewhere=Way.MX, reports=Way.MX
)


def way(text: str, routes: Routes = ROUTES, *, may_relay: bool = False) -> Route | None:
    """Return the route of an address; None where it is refused."""
    found = routes.route(path(text), may_relay=may_relay)
    return found if isinstance(found, Route) else None


@pytest.mark.parametrize(
    ("address", "hop", "destination", "by_domain_alone"),
    [
        ("support@company.com", DESK, HELPDESK, False),
        ("support+t1@company.com", DESK, HELPDESK, False),
        ("in@relay.example", DESK, HELPDESK, False),
        ("billing@company.com", BILLING, helpdesk_of("billing"), False),
        ("anybody@desk.example", DESK, HELPDESK, True),
        ("postmaster@company.com", DESK, HELPDESK, False),
        ("postmaster@desk.example", DESK, HELPDESK, False),
        ("postmaster@relay.example", DESK, HELPDESK, False),
    ],
)
def test_an_address_of_the_helpdesk_goes_there_whoever_asks(address, hop, destination, by_domain_alone):
    for may_relay in (False, True):
        route = way(address, may_relay=may_relay)
        assert (route.hop, route.destination, route.by_domain_alone) == (hop, destination, by_domain_alone)
        assert route.for_the_helpdesk
        assert route.original == route.path == path(address)


@pytest.mark.parametrize(
    "address", ["anna@customer.example", "someone@company.com", "postmaster@customer.example"]
)
def test_any_other_address_is_for_those_who_may_relay_and_only_where_there_is_a_way(address):
    assert ROUTES.route(path(address), may_relay=False) is NOT_OURS
    route = way(address, may_relay=True)
    assert (route.hop, route.destination, route.for_the_helpdesk) == (Way.MX, ELSEWHERE, False)
    assert way(address, replace(ROUTES, elsewhere=Way.REFUSE), may_relay=True) is None


def test_the_sandbox_takes_everything_as_the_helpdesks():
    route = way("anna@customer.example", replace(ROUTES, accept_everything=True))
    assert (route.hop, route.for_the_helpdesk, route.by_domain_alone) == (DESK, True, False)


def test_postmaster_without_a_domain_is_ours():
    bare = ForwardPath("postmaster", path("postmaster@x.example").mailbox._replace(domain=""))
    assert isinstance(ROUTES.route(bare, may_relay=False), Route)


@pytest.mark.parametrize(
    ("postmaster", "hop", "told", "for_the_helpdesk"),
    [
        ("billing@company.com", BILLING, "billing@company.com", True),
        ("it@desk.example", DESK, "it@desk.example", True),
        ("it@elsewhere.example", Way.MX, "it@elsewhere.example", False),
    ],
)
def test_postmaster_goes_where_the_settings_say(postmaster, hop, told, for_the_helpdesk):
    asked = replace(path("postmaster@company.com"), notify="NEVER")
    route = replace(ROUTES, postmaster=path(postmaster)).route(asked, may_relay=False)
    assert (route.hop, route.path.text, route.for_the_helpdesk) == (hop, told, for_the_helpdesk)
    assert route.path.notify == "NEVER"
    assert route.original == asked


def test_a_postmaster_outside_that_cannot_be_reached_is_the_helpdesks():
    routes = replace(ROUTES, postmaster=path("it@elsewhere.example"), reports=None)
    assert way("postmaster@company.com", routes).path.text == "postmaster@company.com"


def test_forward_to_follows_the_verdict_and_keeps_what_the_client_asked_for():
    targets = ForwardTo(path("open@t.example"), path("copies@t.example"))
    routes = replace(ROUTES, forward_to={"support": targets})
    asked = replace(path("support@company.com"), orcpt="rfc822;x@y.example")
    route = routes.route(asked, may_relay=False)
    assert route.told(auto_closed=False).text == "open@t.example"
    assert route.told(auto_closed=True).text == "copies@t.example"
    assert route.told(auto_closed=True).orcpt == "rfc822;x@y.example"
    plain = way("support@company.com")
    assert plain.told(auto_closed=True) == plain.told(auto_closed=False) == path("support@company.com")


def test_an_address_of_ours_that_srs_made_goes_back_by_the_way_of_reports():
    back = path("anna@customer.example")
    routes = replace(ROUTES, srs_back=lambda asked: back if asked.text.startswith("SRS0=") else None)
    route = way("SRS0=x@relay.example", routes)
    assert (route.hop, route.destination, route.path, route.for_the_helpdesk) == (
        Way.MX,
        REPORTS,
        back,
        False,
    )
    assert way("other@relay.example", routes) is None
    assert way("SRS0=x@relay.example", replace(routes, reports=None)) is None


def test_a_destination_of_the_spool_is_looked_up_in_the_settings_in_force():
    assert ROUTES.hop_of(HELPDESK) == DESK
    assert ROUTES.hop_of(helpdesk_of("billing")) == BILLING
    assert ROUTES.hop_of(helpdesk_of("gone")) == DESK
    assert ROUTES.hop_of(ELSEWHERE) is Way.MX
    assert replace(ROUTES, elsewhere=Way.REFUSE).hop_of(ELSEWHERE) is None
    assert ROUTES.hop_of(REPORTS) is Way.MX


def test_our_domains_are_the_books_and_our_own_name():
    ours = ("company.com", "desk.example", "relay.example")
    assert [domain for domain in (*ours, "customer.example") if not ROUTES.is_our_domain(domain)] == [
        "customer.example"
    ]
