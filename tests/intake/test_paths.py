"""MAIL and RCPT arguments, cell by cell and by property."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.intake.paths import forward_path_in, parse_mail, parse_rcpt
from relay.mail.address import Mailbox
from relay.mail.envelope import ForwardPath, ReversePath
from relay.mail.reply import Reply

GOOD_ADDRESSES = [
    ("a@b", Mailbox("a", "b")),
    ("Anna.Meier+tag@Example.COM", Mailbox("anna.meier+tag", "example.com")),
    ('"anna meier"@example.com', Mailbox("anna meier", "example.com")),
    (r'"a\"b\\c"@example.com', Mailbox(r"a\"b\\c".replace('\\"', '"').replace("\\\\", "\\"), "example.com")),
    ('"@"@example.com', Mailbox("@", "example.com")),
    ('"<>"@example.com', Mailbox("<>", "example.com")),
    ('""@example.com', Mailbox("", "example.com")),
    ("a@[192.0.2.1]", Mailbox("a", "[192.0.2.1]")),
    ("a@[IPv6:2001:db8::1]", Mailbox("a", "[ipv6:2001:db8::1]")),
    ("a@my_host.example", Mailbox("a", "my_host.example")),
    ("!#$%&'*+/=?^_`{|}~-@x.example", Mailbox("!#$%&'*+/=?^_`{|}~-", "x.example")),
    ("a" * 200 + "@x.example", Mailbox("a" * 200, "x.example")),
]
BAD_ADDRESSES = [
    "", "<", "<a@", "<a", "a@b", "<a@b", "a@b>", "<<a@b>>", "<a@b>>", "<a b@c>", "<a@b c>", "<a>", "<@b>", "<a@>",
    "<a@b@c>", "<.a@b>", "<a.@b>", "<a..b@c>", "<a@.b>", "<a@b.>", "<a@b..c>", "<a@-b>", "<a@b->", "<a@[1.2.3]>",
    "<a@[300.1.1.1]>", "<a@[IPv6:zz]>", "<a@[IPv6:::1>", "<a@[]>", "<a@[tag:x]>", '<"a@b>', '<"a"b@c>', '<a"b"@c>',
    "<a\x00@b>", "<a@b\x00>", "<a@b>\x00", "<a@b\x7f>", "<a\r@b>", "<a\n@b>", '<"a\x00"@b>', '<"a\r\nb"@c>', "< a@b>",
    "<a@b >", "<a@b>x", "<@x,a@b>", "<@x:@y:a@b>", "<@:a@b>", "<" + "a" * 520 + "@b>", "<a@" + "b." * 130 + "c>",
    "Anna <a@b>", "<a@b>,<c@d>", "<\udcff@b>", "<a,b@c>", "<a(b)@c>",
]  # fmt: skip


@pytest.mark.parametrize(("text", "box"), GOOD_ADDRESSES)
def test_a_well_formed_address_is_read_on_both_sides(text: str, box: Mailbox) -> None:
    assert parse_mail(f"FROM:<{text}>") == ReversePath(text, box)
    assert parse_rcpt(f"TO:<{text}>") == ForwardPath(text, box)


@pytest.mark.parametrize("path", BAD_ADDRESSES)
def test_a_path_that_the_grammar_does_not_know_is_refused(path: str) -> None:
    backward, forward = parse_mail(f"FROM:{path}"), parse_rcpt(f"TO:{path}", smtputf8=True)
    assert isinstance(backward, Reply)
    assert (backward.code, backward.enhanced) == (501, "5.1.7")
    assert isinstance(forward, Reply)
    assert (forward.code, forward.enhanced) == (501, "5.1.3")


@pytest.mark.parametrize("argument", ["", "FROM", "FROM <a@b>", "TO:<a@b>", "<a@b>", "FROMM:<a@b>"])
def test_mail_without_its_keyword_is_a_syntax_error(argument: str) -> None:
    reply = parse_mail(argument)
    assert isinstance(reply, Reply)
    assert (reply.code, reply.enhanced) == (501, "5.5.4")


@pytest.mark.parametrize("argument", ["", "TO", "TO <a@b>", "FROM:<a@b>", "<a@b>"])
def test_rcpt_without_its_keyword_is_a_syntax_error(argument: str) -> None:
    reply = parse_rcpt(argument)
    assert isinstance(reply, Reply)
    assert (reply.code, reply.enhanced) == (501, "5.5.4")


@pytest.mark.parametrize(
    "argument", ["FROM:<a@b>", "from:<a@b>", "From: <a@b>", "FROM:  \t<a@b>", "FROM:<a@b> "]
)
def test_case_and_blanks_around_the_path_do_not_matter(argument: str) -> None:
    assert parse_mail(argument) == ReversePath("a@b", Mailbox("a", "b"))


def test_the_null_reverse_path_is_read_and_has_no_mailbox() -> None:
    assert parse_mail("FROM:<>") == ReversePath("")
    assert parse_mail("FROM:<> SIZE=7") == ReversePath("", size=7)


def test_a_null_forward_path_is_refused() -> None:
    assert parse_rcpt("TO:<>") == Reply(501, "5.1.3", "Bad forward-path")


@pytest.mark.parametrize("name", ["postmaster", "Postmaster", "POSTMASTER"])
def test_postmaster_needs_no_domain_as_forward_path(name: str) -> None:
    assert parse_rcpt(f"TO:<{name}>") == ForwardPath(name, Mailbox("postmaster", ""))


def test_nobody_else_goes_without_a_domain() -> None:
    assert isinstance(parse_rcpt("TO:<root>"), Reply)
    assert isinstance(parse_mail("FROM:<postmaster>"), Reply)


@pytest.mark.parametrize("route", ["@x.example:", "@x.example,@y.example:", "@[192.0.2.1]:"])
def test_a_source_route_is_dropped(route: str) -> None:
    assert parse_rcpt(f"TO:<{route}a@b>") == ForwardPath("a@b", Mailbox("a", "b"))
    assert parse_mail(f"FROM:<{route}a@b>") == ReversePath("a@b", Mailbox("a", "b"))


class TestParameters:
    """ESMTP parameters, each by its RFC."""

    def test_all_of_mail_are_kept_with_the_values_case(self) -> None:
        argument = "FROM:<a@b> SIZE=1234 body=8bitmime SMTPUTF8 RET=hdrs ENVID=QQ+2B1 AUTH=Anna+3DX"
        assert parse_mail(argument) == ReversePath(
            "a@b",
            Mailbox("a", "b"),
            size=1234,
            body="8BITMIME",
            smtputf8=True,
            ret="HDRS",
            envid="QQ+2B1",
            auth="Anna+3DX",
        )

    def test_all_of_rcpt_are_kept(self) -> None:
        assert parse_rcpt("TO:<a@b> notify=success,Delay ORCPT=rfc822;A+2Bx@b.example") == ForwardPath(
            "a@b", Mailbox("a", "b"), notify="SUCCESS,DELAY", orcpt="rfc822;A+2Bx@b.example"
        )

    @pytest.mark.parametrize("text", ["AUTH=<>", "BODY=7BIT", "RET=FULL", "SIZE=0", "SIZE=" + "9" * 20])
    def test_a_good_value_of_mail_is_taken(self, text: str) -> None:
        assert isinstance(parse_mail(f"FROM:<a@b> {text}"), ReversePath)

    @pytest.mark.parametrize(
        "text",
        [
            "SIZE",
            "SIZE=",
            "SIZE=x",
            "SIZE=-1",
            "SIZE=" + "9" * 21,
            "SIZE=1 SIZE=1",
            "BODY",
            "BODY=BINARYMIME",
            "BODY=x",
            "SMTPUTF8=1",
            "SMTPUTF8 SMTPUTF8",
            "RET=BODY",
            "RET",
            "ENVID",
            "ENVID=a+2",
            "ENVID=a+2b",
            "ENVID=a=b",
            "ENVID=" + "x" * 101,
            "AUTH",
            "AUTH=+",
            "=1",
            "-X=1",
            "SIZE=1\x00",
            "SIZE=1\t2",
            "é=1",
            "ENVID=\x7f",
        ],
    )
    def test_a_bad_value_of_mail_is_refused(self, text: str) -> None:
        reply = parse_mail(f"FROM:<a@b> {text}")
        assert isinstance(reply, Reply)
        assert (reply.code, reply.enhanced) == (501, "5.5.4")

    @pytest.mark.parametrize(
        "text", ["NOTIFY=NEVER", "NOTIFY=FAILURE", "NOTIFY=DELAY,FAILURE", "ORCPT=unknown;x"]
    )
    def test_a_good_value_of_rcpt_is_taken(self, text: str) -> None:
        assert isinstance(parse_rcpt(f"TO:<a@b> {text}"), ForwardPath)

    @pytest.mark.parametrize(
        "text",
        [
            "NOTIFY",
            "NOTIFY=",
            "NOTIFY=NEVER,DELAY",
            "NOTIFY=X",
            "NOTIFY=DELAY,",
            "NOTIFY=DELAY NOTIFY=DELAY",
            "ORCPT",
            "ORCPT=x",
            "ORCPT=rfc822;",
            "ORCPT=;x",
            "ORCPT=rfc822;a+b",
            "ORCPT=rfc822;" + "x" * 501,
        ],
    )
    def test_a_bad_value_of_rcpt_is_refused(self, text: str) -> None:
        reply = parse_rcpt(f"TO:<a@b> {text}")
        assert isinstance(reply, Reply)
        assert (reply.code, reply.enhanced) == (501, "5.5.4")

    @pytest.mark.parametrize("text", ["X", "X=1", "HOLDFOR=1", "NOTIFY=NEVER", "X-LONG-NAME=1"])
    def test_a_parameter_that_mail_does_not_know_is_555(self, text: str) -> None:
        assert parse_mail(f"FROM:<a@b> {text}") == Reply(555, "5.5.4", "Parameter not recognized")

    @pytest.mark.parametrize("text", ["X", "X=1", "RRVS=1", "SIZE=1", "SMTPUTF8"])
    def test_a_parameter_that_rcpt_does_not_know_is_555(self, text: str) -> None:
        assert parse_rcpt(f"TO:<a@b> {text}") == Reply(555, "5.5.4", "Parameter not recognized")

    def test_a_forward_path_refused_for_its_parameters_can_still_be_named(self) -> None:
        assert forward_path_in("TO:<a@b> X=1") == ForwardPath("a@b", Mailbox("a", "b"))
        assert forward_path_in("TO:<a@> X=1") is None
        assert forward_path_in("nonsense") is None


class TestSmtpUtf8:
    """RFC 6531: names outside ASCII go with the parameter only."""

    def test_a_reverse_path_outside_ascii_needs_the_parameter(self) -> None:
        refused = parse_mail("FROM:<jörg@müller.example>")
        assert isinstance(refused, Reply)
        assert (refused.code, refused.enhanced) == (550, "5.6.7")
        taken = parse_mail("FROM:<jörg@müller.example> SMTPUTF8")
        assert taken == ReversePath(
            "jörg@müller.example", Mailbox("jörg", "xn--mller-kva.example"), smtputf8=True
        )

    def test_a_forward_path_outside_ascii_needs_the_parameter_on_mail(self) -> None:
        refused = parse_rcpt("TO:<a@müller.example>")
        assert isinstance(refused, Reply)
        assert (refused.code, refused.enhanced) == (553, "5.6.7")
        assert isinstance(parse_rcpt("TO:<a@müller.example>", smtputf8=True), ForwardPath)

    def test_a_parameter_outside_ascii_needs_it_too(self) -> None:
        assert isinstance(parse_rcpt("TO:<a@b> ORCPT=utf-8;ä@b"), Reply)
        assert isinstance(parse_rcpt("TO:<a@b> ORCPT=utf-8;ä@b", smtputf8=True), ForwardPath)
        assert isinstance(parse_mail("FROM:<a@b> AUTH=ä@b"), Reply)

    def test_quoted_names_may_be_outside_ascii(self) -> None:
        assert isinstance(parse_rcpt('TO:<"jörg m"@b>', smtputf8=True), ForwardPath)

    def test_lengths_are_counted_in_octets(self) -> None:
        assert isinstance(parse_rcpt(f"TO:<{'ä' * 200}@b>", smtputf8=True), ForwardPath)
        assert isinstance(parse_rcpt(f"TO:<{'ä' * 300}@b>", smtputf8=True), Reply)


def _rendered(path: ReversePath | ForwardPath) -> str:
    if isinstance(path, ForwardPath):
        words = [f"TO:<{path.text}>"]
        pairs = {"NOTIFY": path.notify, "ORCPT": path.orcpt}
    else:
        words = [f"FROM:<{path.text}>"] + ["SMTPUTF8"] * path.smtputf8
        size = None if path.size is None else str(path.size)
        pairs = {"SIZE": size, "BODY": path.body, "RET": path.ret, "ENVID": path.envid, "AUTH": path.auth}
    return " ".join(words + [f"{name}={value}" for name, value in pairs.items() if value is not None])


FRAGMENTS = st.sampled_from(
    [
        "FROM:",
        "TO:",
        "<",
        ">",
        "a",
        "b.example",
        "@",
        ".",
        '"',
        "\\",
        " ",
        "[192.0.2.1]",
        "[IPv6:::1]",
        "@x:",
        ",",
        "ä",
        "SIZE=1",
        "BODY=8BITMIME",
        "SMTPUTF8",
        "RET=FULL",
        "ENVID=x+2B",
        "AUTH=<>",
        "NOTIFY=NEVER",
        "ORCPT=rfc822;x",
        "\x00",
        "\r",
        "\n",
        "\udcff",
        "postmaster",
        ":",
        "=",
        "-",
    ]
)
ARGUMENTS = st.one_of(st.text(), st.lists(FRAGMENTS, max_size=14).map("".join))


@given(ARGUMENTS, st.sampled_from(["", "FROM:", "FROM:<", "FROM:<a@b> "]))
def test_no_argument_makes_mail_raise_and_what_is_read_reads_the_same_again(
    argument: str, start: str
) -> None:
    path = parse_mail(start + argument)
    if isinstance(path, ReversePath):
        assert parse_mail(_rendered(path)) == path
    else:
        assert path.permanent


@given(ARGUMENTS, st.sampled_from(["", "TO:", "TO:<", "TO:<a@b> "]), st.booleans())
def test_no_argument_makes_rcpt_raise_and_what_is_read_reads_the_same_again(
    text: str, start: str, utf8: bool
) -> None:
    path = parse_rcpt(start + text, smtputf8=utf8)
    if isinstance(path, ForwardPath):
        assert parse_rcpt(_rendered(path), smtputf8=utf8) == path
        named = forward_path_in(start + text)
        assert named is not None
        assert (named.text, named.mailbox) == (path.text, path.mailbox)
    else:
        assert path.permanent


ATOMS = st.text("abcXYZ019!#$%&'*+/=?^_`{|}~-", min_size=1, max_size=12)
QUOTED = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=12).map(
    lambda text: '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
)
LOCALS = st.one_of(st.lists(ATOMS, min_size=1, max_size=3).map(".".join), QUOTED)
LABELS = st.from_regex(r"[a-zA-Z0-9]([a-zA-Z0-9-]{0,8}[a-zA-Z0-9])?", fullmatch=True)
DOMAINS = st.one_of(
    st.lists(LABELS, min_size=1, max_size=4).map(".".join),
    st.ip_addresses(v=4).map(lambda ip: f"[{ip}]"),
    st.ip_addresses(v=6).map(lambda ip: f"[IPv6:{ip}]"),
)


@given(LOCALS, DOMAINS)
def test_every_mailbox_that_the_grammar_makes_is_taken(local: str, domain: str) -> None:
    path = parse_rcpt(f"TO:<{local}@{domain}>")
    assert isinstance(path, ForwardPath)
    assert path.text == f"{local}@{domain}"
