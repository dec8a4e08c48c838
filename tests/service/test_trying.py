"""*Try it* verifies a signature of the platform where that changes the verdict."""

import pytest

from relay.channels import Platform
from relay.delivery.resolver import Resolver
from relay.judge.verdict import Unknown
from relay.service.proving import prover
from relay.service.trying import tried
from relay.stamp import stamp_rules
from relay.web.sources import Trial
from tests.delivery.dns_server import DnsServer
from tests.proof.signing import DOMAIN, KEY_NAME, MESSAGE, NOW, in_strings, record, signed
from tests.samples import book

COPY = MESSAGE.replace(b"support@company.com", b"care@shop.example")
BOOK = book(platform=Platform(dkim_domains=frozenset({DOMAIN})))


@pytest.mark.parametrize(
    ("trial", "closed", "questions"),
    [
        (Trial(signed(COPY)), False, 1),
        (Trial(signed(COPY).replace(b"Bye", b"bye")), True, 1),
        (Trial(signed(COPY), whole=False), True, 0),
        (Trial(COPY), True, 0),
        (Trial(signed(MESSAGE)), False, 0),
    ],
    ids=["signed", "changed", "cut", "unsigned", "foreign"],
)
async def test_a_trial_is_judged_with_its_signature(trial: Trial, closed: bool, questions: int) -> None:
    async with DnsServer({(KEY_NAME, "TXT"): in_strings(record())}) as server:
        resolver = Resolver(["127.0.0.1"], port=server.port)
        found = await tried(trial, BOOK, stamp_rules(), lambda _: None, prover(resolver, lambda: NOW))
        await resolver.close()
    assert (found.verdict.auto_closed, server.asked.total()) == (closed, questions)
    assert (Unknown.SIGNATURE in found.verdict.depends) is (not trial.whole)
