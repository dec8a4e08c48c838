from relay.web.throttle import FAILURES, SECONDS, Failures


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_after_so_many_failures_a_client_has_to_wait_and_nobody_else() -> None:
    clock = Clock()
    failures = Failures(clock)
    for _ in range(FAILURES):
        assert failures.seconds_to_wait("192.0.2.1") == 0
        failures.add("192.0.2.1")
    assert failures.seconds_to_wait("192.0.2.1") > 0
    assert failures.seconds_to_wait("192.0.2.2") == 0
    clock.now += SECONDS
    assert failures.seconds_to_wait("192.0.2.1") == 0
    failures.add("192.0.2.1")
    assert failures.seconds_to_wait("192.0.2.1") == 0


def test_an_attempt_that_goes_well_forgets_those_before() -> None:
    failures = Failures(Clock())
    for _ in range(FAILURES):
        failures.add("192.0.2.1")
    failures.forget("192.0.2.1")
    assert failures.seconds_to_wait("192.0.2.1") == 0


def test_addresses_of_one_ipv6_network_are_one_client() -> None:
    failures = Failures(Clock())
    for number in range(FAILURES):
        failures.add(f"2001:db8:0:7::{number:x}")
    assert failures.seconds_to_wait("2001:db8:0:7:ffff::1") > 0
    assert failures.seconds_to_wait("2001:db8:0:8::1") == 0
    for _ in range(FAILURES):
        failures.add("::ffff:192.0.2.1")
    assert failures.seconds_to_wait("192.0.2.1") > 0
    assert failures.seconds_to_wait("::ffff:192.0.2.2") == 0


def test_memory_is_bounded() -> None:
    failures = Failures(Clock())
    for number in range(10_100):
        failures.add(f"no address {number}")
    assert len(failures._found) == 10_000
