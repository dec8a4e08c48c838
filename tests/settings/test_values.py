"""What the texts of single values mean."""

from datetime import timedelta
from ipaddress import IPv4Address, IPv6Address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.settings import values
from relay.settings.entrances import Endpoint
from relay.settings.stamp_fields import strip_pattern, wrong_name

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
PORTS = st.integers(1, 65535)


def words_against(convert, text) -> str:
    """Return the words with which ``text`` is refused; empty where it is a value."""
    try:
        return "not right" if convert(text) is None else ""
    except ValueError as wrong:
        return str(wrong)


def refused(convert, text) -> bool:
    return words_against(convert, text) != ""


@given(st.integers(0, 36000), st.sampled_from(list(UNITS)))
def test_a_duration_is_its_number_times_its_unit(number: int, unit: str) -> None:
    assert values.duration(f"{number}{unit}") == timedelta(seconds=number * UNITS[unit])


@given(
    st.integers(0, 2**30),
    st.sampled_from([("", 1), ("B", 1), ("KiB", 2**10), ("MiB", 2**20), ("GiB", 2**30)]),
)
def test_a_size_is_its_number_times_its_unit(number: int, unit: tuple[str, int]) -> None:
    assert values.size(f"{number}{unit[0]}") == number * unit[1]


@given(st.text(max_size=20) | st.from_regex(r"[0-9.]{1,14}[a-zA-Z/ ]{0,5}", fullmatch=True))
def test_any_text_is_a_value_or_is_refused_in_words(text: str) -> None:
    for convert in (values.duration, values.size, values.rate, values.time_of_day, values.file_mode, values.domain,
                    values.address, values.network, values.narrow_network, values.endpoint, values.milter_endpoint,
                    values.web_url, strip_pattern, wrong_name):  # fmt: skip
        assert words_against(convert, text).isprintable()


@given(
    st.builds(IPv4Address, st.integers(0, 2**32 - 1)) | st.builds(IPv6Address, st.integers(0, 2**128 - 1)),
    PORTS,
)
def test_an_endpoint_that_is_written_is_read_as_the_same(
    address: IPv4Address | IPv6Address, port: int
) -> None:
    endpoint = Endpoint(str(address), port)
    assert values.endpoint(str(endpoint)) == endpoint
    assert values.milter_endpoint(f"inet:{endpoint}") == endpoint
    assert endpoint.loopback is address.is_loopback


def test_a_unix_socket_and_a_name_are_endpoints_too() -> None:
    assert values.milter_endpoint("unix:/run/milter.sock") == Endpoint(path="/run/milter.sock")
    assert str(Endpoint(path="/run/milter.sock")) == "unix:/run/milter.sock"
    assert Endpoint(path="/run/milter.sock").loopback
    assert Endpoint("localhost", 25).loopback
    assert not Endpoint("relay.company.com", 25).loopback


@pytest.mark.parametrize(
    "text",
    [
        "unix:/",
        "unix:/run/",
        "unix:run",
        "unix:/" + "a" * 107,
        "unix:/a\nb",
        "inet:25",
        "inet:a:0",
        "inet:[a]:25",
        "inet:[10.0.0.1]:25",
        "a:25",
        "tcp:a:25",
    ],
)
def test_what_is_no_milter_socket_is_refused(text: str) -> None:
    assert refused(values.milter_endpoint, text)


@pytest.mark.parametrize(
    "text",
    ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "127.0.0.0/8", "169.254.0.0/16", "100.64.0.0/10", "193.0.0.0/20",
     "193.0.0.1", "fc00::/7", "fe80::/10", "::1", "2001:db8::/40", "::ffff:10.0.0.0/104", "::ffff:193.0.0.0/116"],
)  # fmt: skip
def test_a_private_network_may_have_any_width_and_a_public_one_up_to_20_or_40(text: str) -> None:
    assert values.narrow_network(text) == ip_network(text)


@pytest.mark.parametrize(
    "text",
    ["0.0.0.0/0", "::/0", "193.0.0.0/19", "10.0.0.0/7", "172.0.0.0/11", "192.168.0.0/15", "2001:db8::/39", "fc00::/6",
     "::/96", "0.0.0.0/1", "128.0.0.0/1", "::ffff:0:0/96", "::ffff:193.0.0.0/115", "::/1"],
)  # fmt: skip
def test_a_network_that_trusts_strangers_is_refused_but_may_be_any_other(text: str) -> None:
    if text == "::/96":
        assert values.narrow_network(text) == ip_network(text)
        return
    assert refused(values.narrow_network, text)
    assert values.network(text) == ip_network(text)


@pytest.mark.parametrize(
    "text", ["fe80::1%eth0", "fe80::%eth0/64", "10.0.0.0/33", "10.0.0", "::1/129", " 10.0.0.1", ""]
)
def test_what_is_no_network_is_refused(text: str) -> None:
    assert refused(values.network, text)


@pytest.mark.parametrize(
    "text",
    [
        "relay.company.com",
        "a",
        "xn--mller-kva.example",
        "Müller.Example",
        "_dmarc.company.com",
        "a" * 63 + ".example",
    ],
)
def test_a_host_name_has_an_a_label_form(text: str) -> None:
    assert values.host(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "-a.example",
        "a..b",
        "a b",
        "a" * 64,
        "a." * 130 + "b",
        "a/b",
        "[10.0.0.1]",
        "a\nb",
        "café\u0301\u0301☃.example",
    ],
)
def test_what_is_no_domain_is_refused(text: str) -> None:
    assert refused(values.domain, text)


@pytest.mark.parametrize(
    "text",
    [
        "a",
        "@a.example",
        "a@",
        "a@b@c.example",
        "a b@c.example",
        "*@c.example",
        "a@[10.0.0.1]",
        "<a@b.example>",
        '"a\tb"@c.example',
        "a@b..example",
    ],
)
def test_what_is_no_bare_address_is_refused(text: str) -> None:
    assert refused(values.forward_path, text)


def test_a_quoted_local_part_is_kept_as_written_and_compared_without_quotes() -> None:
    found = values.forward_path('"John Doe"@Desk.Example')
    assert found.text == '"John Doe"@desk.example'
    assert found.mailbox.local == "john doe"


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("https://relay.company.com/", "https://relay.company.com"),
        ("http://localhost:8025", "http://localhost:8025"),
        ("https://[::1]:8025/relay/", "https://[::1]:8025/relay"),
    ],
)
def test_a_web_address_has_no_slash_at_its_end(text: str, kept: str) -> None:
    assert values.web_url(text) == kept


@pytest.mark.parametrize(
    "text",
    [
        "relay.company.com",
        "ftp://a",
        "https://",
        "https://a b",
        "https://a/?q=1",
        "https://u:p@a",
        "https://a#b",
    ],
)
def test_what_is_no_web_address_is_refused(text: str) -> None:
    assert values.web_url(text) is None


@pytest.mark.parametrize(
    "name",
    [
        "From",
        "RECEIVED",
        "content-type",
        "Content-Foo",
        "Resent-To",
        "ARC-Seal",
        "Bcc",
        "DKIM-Signature",
        "X-Ticket-Why",
        "X Y",
        "X:",
        "",
        "Ü",
    ],
)
def test_a_stamp_does_not_set_fields_of_the_message(name: str) -> None:
    assert wrong_name(name)


@pytest.mark.parametrize("name", ["X-Ticket-Status", "X-RT-Command", "Auto-Submitted", "Precedence", "x"])
def test_a_stamp_sets_fields_of_its_own(name: str) -> None:
    assert wrong_name(name) is None


@pytest.mark.parametrize("pattern", ["*", "F*m", "*ubject", "content-*", "Received", "**"])
def test_nothing_that_mail_needs_is_stripped(pattern: str) -> None:
    assert refused(strip_pattern, pattern)


@pytest.mark.parametrize("pattern", ["X-*", "*-Spam-*", "Authentication-Results", "Bcc"])
def test_what_a_sender_had_no_right_to_set_may_be_stripped(pattern: str) -> None:
    assert strip_pattern(pattern) == pattern
