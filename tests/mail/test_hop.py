import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.mail.hop import DEFAULT_PORTS, NextHop, Scheme, Way, parse_hop


def quoted(text: str) -> str:
    """Percent-encode every octet: always allowed (RFC 3986 2.1)."""
    return "".join(f"%{octet:02x}" for octet in text.encode())


@pytest.mark.parametrize(
    ("url", "hop"),
    [
        ("smtp://desk.internal", NextHop(Scheme.SMTP, "desk.internal", 25)),
        ("smtp://desk.internal:2526/", NextHop(Scheme.SMTP, "desk.internal", 2526)),
        ("SMTP://Desk.Internal.:25", NextHop(Scheme.SMTP, "desk.internal.", 25)),
        ("smtp://127.0.0.1:2526", NextHop(Scheme.SMTP, "127.0.0.1", 2526)),
        ("smtp://[::1]:2526", NextHop(Scheme.SMTP, "::1", 2526)),
        ("smtp://[2001:DB8:0::1]", NextHop(Scheme.SMTP, "2001:db8::1", 25)),
        ("smtp://help_desk", NextHop(Scheme.SMTP, "help_desk", 25)),
        ("smtp://bücher.example", NextHop(Scheme.SMTP, "xn--bcher-kva.example", 25)),
        ("smtp+starttls://mx.example", NextHop(Scheme.SMTP_STARTTLS, "mx.example", 25)),
        ("smtps://mx.example", NextHop(Scheme.SMTPS, "mx.example", 465)),
        ("lmtp://mx.example", NextHop(Scheme.LMTP, "mx.example", 24)),
        ("lmtp+unix:///run/dovecot/lmtp", NextHop(Scheme.LMTP_UNIX, path="/run/dovecot/lmtp")),
        ("smtp://a:b@mx.example", NextHop(Scheme.SMTP, "mx.example", 25, user="a", password="b")),
        (
            "smtps://anna%40desk.example:p%40ss%3aw%2Ford%25@mx.example:587",
            NextHop(Scheme.SMTPS, "mx.example", 587, user="anna@desk.example", password="p@ss:w/ord%"),
        ),
        ("lmtp://a:b:c@mx.example", NextHop(Scheme.LMTP, "mx.example", 24, user="a", password="b:c")),
    ],
)
def test_a_url_names_scheme_host_port_and_login(url: str, hop: NextHop) -> None:
    assert parse_hop(url) == hop


@pytest.mark.parametrize(
    ("url", "right"),
    [
        ("", "write smtp://"),
        ("desk.internal", "write smtp://"),
        ("mx", "write smtp://"),
        ("smpt://desk", "smpt:// is no way"),
        ("http://desk", "write smtp://"),
        ("smtp://", "needs a host name"),
        ("smtp://:25", "needs a host name"),
        ("smtp://-desk", "needs a host name"),
        ("smtp://desk internal", "only :port"),
        ("smtp://desk..internal", "needs a host name"),
        ("smtp://" + "a" * 64, "needs a host name"),
        ("smtp://" + ".".join(["a" * 60] * 5), "needs a host name"),
        ("smtp://desk:0", "from 1 to 65535"),
        ("smtp://desk:65536", "from 1 to 65535"),
        ("smtp://desk:" + "9" * 5000, "from 1 to 65535"),
        ("smtp://desk:", "from 1 to 65535"),
        ("smtp://desk:smtp", "only :port"),
        ("smtp://desk/path", "only :port"),
        ("smtp://::1", "in brackets"),
        ("smtp://[::1", "in brackets"),
        ("smtp://[10.0.0.1]", "no IPv6 address"),
        ("smtp://anna@desk", "user:password@"),
        ("smtp://anna:@desk", "user:password@"),
        ("smtp://:secret@desk", "user:password@"),
        ("smtp://anna:10%@desk", "%25"),
        ("smtp://anna:%ff@desk", "UTF-8"),
        ("smtp://anna:a%0d%0ab@desk", "control character"),
        ("lmtp+unix://run/lmtp", "absolute path"),
        ("lmtp+unix:///", "absolute path"),
        ("lmtp+unix:///a\x00b", "absolute path"),
    ],
)
def test_a_wrong_url_is_answered_with_what_would_be_right(url: str, right: str) -> None:
    with pytest.raises(ValueError, match=r"[^.]$") as raised:
        parse_hop(url)
    assert right in str(raised.value)


@pytest.mark.parametrize(
    "url",
    [
        "smtp://anna:hunter2@desk:x",
        "smtp://anna:hunter2@[x]",
        "smpt://anna:hunter2@desk",
        "smtp://anna:hunter2@",
        "smtp://anna:hunter2%@desk",
    ],
)
def test_a_problem_never_tells_the_password(url: str) -> None:
    with pytest.raises(ValueError, match=r".") as raised:
        parse_hop(url)
    assert "hunter2" not in str(raised.value)


def test_a_hop_as_text_never_tells_the_password() -> None:
    hop = parse_hop("smtp+starttls://anna%40desk.example:hunter2@mx.example:587")
    assert str(hop) == "smtp+starttls://anna%40desk.example@mx.example:587"
    assert "hunter2" not in repr(hop)
    assert str(parse_hop("lmtp+unix:///run/lmtp")) == "lmtp+unix:///run/lmtp"
    assert str(parse_hop("smtp://[::1]")) == "smtp://[::1]:25"


def test_hops_that_differ_only_in_the_password_are_different_hops() -> None:
    assert len({parse_hop("smtp://a:b@mx"), parse_hop("smtp://a:c@mx"), parse_hop("smtp://a:b@MX:25")}) == 2


@pytest.mark.parametrize(
    ("url", "here"),
    [
        ("smtp://localhost", True),
        ("smtp://localhost.", True),
        ("smtp://127.8.9.1", True),
        ("smtp://[::1]", True),
        ("lmtp+unix:///run/lmtp", True),
        ("smtp://10.0.0.1", False),
        ("smtp://localhost.example", False),
    ],
)
def test_only_loopback_and_unix_sockets_are_on_this_machine(url: str, here: bool) -> None:
    assert parse_hop(url).on_this_machine is here


def test_only_starttls_and_smtps_require_tls_and_only_lmtp_is_lmtp() -> None:
    hops = {scheme: NextHop(scheme) for scheme in Scheme}
    assert {scheme for scheme, hop in hops.items() if hop.tls_required} == {
        Scheme.SMTP_STARTTLS,
        Scheme.SMTPS,
    }
    assert {scheme for scheme, hop in hops.items() if hop.lmtp} == {Scheme.LMTP, Scheme.LMTP_UNIX}


def test_the_words_are_those_of_the_contract() -> None:
    assert {str(way) for way in Way} == {"mx", "mx+starttls", "sandbox", "refuse", "hold"}


names = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?(\.[a-z0-9]{1,10}){0,3}", fullmatch=True).filter(
    lambda name: name.isascii()
)
hosts = names | st.ip_addresses(v=4).map(str) | st.ip_addresses(v=6).map(str)
words = st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=20)


@given(st.sampled_from(sorted(DEFAULT_PORTS)), hosts, st.integers(1, 65535), words, words)
def test_every_hop_comes_back_from_its_url(
    scheme: Scheme, host: str, port: int, user: str, password: str
) -> None:
    place = f"[{host}]" if ":" in host else host
    hop = parse_hop(f"{scheme}://{quoted(user)}:{quoted(password)}@{place}:{port}")
    assert hop == NextHop(scheme, host, port, user=user, password=password)
    bare = parse_hop(f"{scheme}://{place}:{port}")
    assert parse_hop(str(bare)) == bare
    assert str(hop).replace("@", f":{quoted(password)}@") != str(hop)
    assert parse_hop(str(hop).replace("@", f":{quoted(password)}@")) == hop


@given(st.text())
def test_no_text_makes_anything_but_a_hop_or_a_value_error(text: str) -> None:
    for start in ("", "smtp://", "lmtp+unix://"):
        try:
            parse_hop(start + text)
        except ValueError:
            continue
