"""Authentication-Results (RFC 8601): read as verifiers write them, believed of the right verifier in the right place."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.mail.authentication_results import Results, read_results, vouched_for
from relay.mail.proof import AUTHENTICATION_RESULTS, Proof, ProofFault, Proved, Unproved
from tests.growth import linear
from tests.samples import head

MX, DESK = "mx.company.com", "mail.desk.example"
PASS = f"dkim=pass header.d={DESK}"


@pytest.mark.parametrize(
    ("value", "authserv_id", "signers"),
    [
        (f"{MX}; {PASS}", MX, [DESK]),
        (f"{MX} 1; {PASS}", MX, [DESK]),
        (f'"{MX}" ; {PASS}', MX, [DESK]),
        (f"{MX};{PASS}", MX, [DESK]),
        (f"(a (nested \\) comment)) {MX} (x) 1 (y);\r\n\tdkim (z) = (;) pass (2048-bit; key)\r\n header.d={DESK}", MX, [DESK]),
        (f"{MX}; DKIM=Pass HEADER.D={DESK.upper()}", MX, [DESK]),
        (f"{MX}; dkim/1=pass header.d={DESK}", MX, [DESK]),
        (f'{MX}; dkim=pass reason="good; signature" header.d={DESK} header.i=@{DESK} header.b="ab/c=="', MX, [DESK]),
        (f'{MX}; dkim=pass header.d="{DESK}"', MX, [DESK]),
        (f"{MX}; dkim=pass header.d=m\u00e4il.example", MX, ["xn--mil-qla.example"]),
        (
            f'{MX}; spf=fail smtp.mailfrom="a;b"@x.example; dkim=fail header.d=x.example; {PASS}; dmarc=none',
            MX,
            [DESK],
        ),
        (f"{MX}; {PASS}; dkim=pass header.d=other.example", MX, [DESK, "other.example"]),
        (f"{MX}; none", MX, []),
        (MX, MX, []),
        (f"{MX};", MX, []),
        (f"{MX}; dkim=fail header.d={DESK}", MX, []),
        (f"{MX}; dkim=pass", MX, []),
        (f"{MX}; dkim=pass header.i=@{DESK}", MX, []),
        (f"{MX}; dkim=pass header.d={DESK} header.d=x.example", MX, []),
        (f"{MX}; dkim=fail (dkim=pass) header.d={DESK}", MX, []),
        (f'{MX}; dkim=fail reason="; {PASS}"', MX, []),
        (f'{MX}; spf=pass smtp.helo="x\\"; {PASS}"', MX, []),
        (f"{MX}; x-dkim=pass header.d={DESK}", MX, []),
        (f"{MX}; dkim=pass smtp.d={DESK}", MX, []),
        (f"{MX}; dkim==pass header.d={DESK}", MX, []),
        (f"{MX}; dkim=passed header.d={DESK}", MX, []),
        (f"{MX}; dkim=pass header.d = = {DESK}", MX, []),
        (f"{MX}; pass header.d={DESK}", MX, []),
        (f"{MX}; (comment {PASS})", MX, []),
    ],
)  # fmt: skip
def test_what_a_field_says(value: str, authserv_id: str, signers: list[str]) -> None:
    assert read_results(value.encode()) == Results(authserv_id, tuple(signers))


@pytest.mark.parametrize(
    "value",
    [
        "",
        f"; {PASS}",
        f"{MX} 2; {PASS}",
        f"{MX} 1 1; {PASS}",
        f"evil.example {MX}; {PASS}",
        f"{MX} = x; {PASS}",
        f'{MX}; {PASS}; x=y z="no end',
        f"{MX}; {PASS}; (no end",
        f"{MX}; {PASS}; (no (end)",
        f"{MX}; {PASS}; )",
        f"{MX}; {PASS}; \\",
    ],
)
def test_what_cannot_be_read_says_nothing(value: str) -> None:
    assert read_results(value.encode()) is None


FIELD = f"Authentication-Results: {MX}; {PASS}"
RECEIVED = "Received: from a by b; now"
SIGNATURE = f"DKIM-Signature: v=1; d={DESK}; b=x"
DOMAINS = frozenset({DESK})


def found(*fields: str, ids: tuple[str, ...] = (MX,)) -> Proved:
    return vouched_for(head(*fields), ids, DOMAINS)


def test_a_field_of_our_verifier_above_the_first_received_is_a_proof() -> None:
    proof = Proof(AUTHENTICATION_RESULTS, DESK, MX)
    for fields in (
        (FIELD, RECEIVED, SIGNATURE),
        ("X-Spam: no", FIELD, RECEIVED, RECEIVED, SIGNATURE),
        (FIELD, FIELD, RECEIVED, SIGNATURE),
        (f"authentication-results: {MX.upper()};\r\n\t{PASS}", RECEIVED, SIGNATURE),
        (f"Authentication-Results: x.example; dkim=fail header.d={DESK}", FIELD, RECEIVED, SIGNATURE),
    ):
        assert found(*fields) == Proved(DOMAINS, (proof,))


@pytest.mark.parametrize(
    "fields",
    [
        (RECEIVED, FIELD),
        (FIELD,),
        (FIELD.replace(":", " :", 1), RECEIVED),
        (FIELD.replace(MX, "mx.company.com.evil.example"), RECEIVED),
        (FIELD.replace(f"{MX};", f"evil.example ({MX});"), RECEIVED),
        (FIELD.replace(f"{MX};", f'"{MX} ";'), RECEIVED),
        (FIELD.replace(f"{MX};", f"{MX}.;"), RECEIVED),
        (FIELD.replace(f"{MX};", f"{MX} 2;"), RECEIVED),
        (f"X-{FIELD}", RECEIVED),
        (f"ARC-{FIELD}", RECEIVED),
        (f"Subject: x\n {FIELD}", RECEIVED),
        (FIELD.replace(DESK, f"deep.{DESK}"), RECEIVED),
        (FIELD.replace("pass", "fail"), RECEIVED),
        ("received: x", FIELD, RECEIVED),
        (),
    ],
)
def test_any_other_proves_nothing(fields: tuple[str, ...]) -> None:
    unproved = (Unproved(DESK, ProofFault.NOT_VOUCHED_FOR),)
    assert found(*fields, SIGNATURE) == Proved(DOMAINS, unproved=unproved)
    assert found(*fields) == Proved(frozenset())


def test_without_a_verifier_to_believe_nothing_is_proved() -> None:
    assert found(FIELD, RECEIVED, ids=()).proofs == ()


NOISE = st.lists(
    st.sampled_from([*' \t;=()"\\/.@1axm', MX, DESK, PASS, "dkim", "header.d"]), max_size=12
).map("".join)


@given(NOISE, NOISE)
def test_no_forged_field_with_another_authserv_id_proves_anything(before: str, behind: str) -> None:
    value = f"evil.example {before}; {PASS}{behind}"
    assert found(f"Authentication-Results: {value}", RECEIVED).proofs == ()


@given(st.binary(max_size=60))
def test_no_octets_raise(value: bytes) -> None:
    read_results(value)


@pytest.mark.parametrize("piece", ['"', "(", "()", "\\", " ", ";", "=", "a", 'a"b"', "(\\)"])
def test_a_heap_of_fields_takes_no_time_by_the_square_of_their_length(piece: str) -> None:
    start = f"{MX}; {PASS} "

    def read(size: int) -> None:
        value = start + piece * ((size - len(start)) // len(piece))
        found(*[f"Authentication-Results: {value}"] * 120, RECEIVED)

    assert linear(read, 8192)


def test_what_is_longer_or_further_down_than_any_verifier_writes_is_not_read() -> None:
    assert found(FIELD + ";" * 9000, RECEIVED).proofs == ()
    other = "Authentication-Results: x.example; none"
    assert found(*[other] * 19, FIELD, RECEIVED).proofs
    assert found(*[other] * 20, FIELD, RECEIVED).proofs == ()
