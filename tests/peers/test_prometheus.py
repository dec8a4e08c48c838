"""Prometheus's own tool reads our metrics, our alerts and the dashboard, and the alerts wake whom they should."""

from pathlib import Path

import pytest
import yaml

from tests.docs.pages import named
from tests.metrics.happenings import copies_of, metrics
from tests.metrics.test_docs import ALERTS, targets
from tests.metrics.test_metrics import ONE_EACH, counted
from tests.peers.prometheus import promtool

pytestmark = pytest.mark.peers
RELAY = 'job="helpdesk-relay",instance="a"'


def test_the_exposition_is_well_formed_and_keeps_the_conventions():
    found = counted(*(event for event, *_ in ONE_EACH), *copies_of(60))
    assert promtool("check", "metrics", given=found.exposed()) == ""
    assert promtool("check", "metrics", given=metrics().exposed()) == ""


def test_what_the_page_says_to_scrape_is_valid(tmp_path: Path):
    (block,) = [block for block in named("docs/metrics.md").blocks if block.language == "yaml"]
    (tmp_path / "prometheus.yml").write_text(block.text)
    assert "SUCCESS" in promtool("check", "config", tmp_path / "prometheus.yml")


def test_the_alerts_are_valid():
    assert "SUCCESS" in promtool("check", "rules", ALERTS)


def test_every_expression_of_the_dashboard_is_valid(tmp_path: Path):
    expressions = [target["expr"].replace("$__rate_interval", "5m") for _, target in targets()]
    rules = [{"record": f"panel:{n}", "expr": expression} for n, expression in enumerate(expressions)]
    file = tmp_path / "panels.yaml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": rules}]}))
    assert f"SUCCESS: {len(rules)} rules" in promtool("check", "rules", file)


@pytest.mark.parametrize(
    ("alert", "series", "values", "minutes"),
    [
        ("HelpdeskRelayDown", f"up{{{RELAY}}}", "0x10", 5),
        ("HelpdeskRelayMailWaits", f"helpdesk_relay_queue_oldest_age_seconds{{{RELAY}}}", "0+60x60", 50),
        ("HelpdeskRelayMailHeld", f'helpdesk_relay_queue_items{{{RELAY},state="held"}}', "1x30", 20),
        ("HelpdeskRelaySpoolAway", f"helpdesk_relay_queue_up{{{RELAY}}}", "0x10", 5),
        (
            "HelpdeskRelaySpoolAway",
            f'helpdesk_relay_spool_troubles_total{{{RELAY},trouble="not-kept"}}',
            "0 0 1 1 1 1 1 1",
            4,
        ),
        (
            "HelpdeskRelayDoubtfulClosings",
            f'helpdesk_relay_doubtful_closings_total{{{RELAY},reason="outbound-copy",channel="care"}}',
            "0+1x100",
            60,
        ),
        ("HelpdeskRelaySettingsNotUsed", f"helpdesk_relay_last_reload_successful{{{RELAY}}}", "0x10", 8),
        ("HelpdeskRelayJournalLoses", f"helpdesk_relay_journal_entries_lost_total{{{RELAY}}}", "0 0 5 5", 3),
        ("HelpdeskRelayLoginsGuessed", f"helpdesk_relay_logins_failed_total{{{RELAY}}}", "0+10x20", 15),
        ("HelpdeskRelayFault", f'helpdesk_relay_faults_total{{{RELAY},where="judging"}}', "0 0 1 1", 3),
        (
            "HelpdeskRelayDigestNotSent",
            f'helpdesk_relay_digests_total{{{RELAY},result="failed"}}',
            "0+1x60",
            30,
        ),
        (
            "HelpdeskRelayClientsWait",
            f'helpdesk_relay_client_wait_seconds_bucket{{{RELAY},way="next-hop",hop="smtp",le="30.0"}}',
            "0+9x40",
            30,
        ),
        (
            "HelpdeskRelayClientsPutOff",
            f'helpdesk_relay_transactions_total{{{RELAY},reply="4yz"}}',
            "0+9x40",
            30,
        ),
    ],
)
def test_an_alert_fires_when_it_should_and_not_before(
    tmp_path: Path, alert: str, series: str, values: str, minutes: int
):
    more = (
        [{"series": series.replace('le="30.0"', 'le="+Inf"'), "values": values}] if ",le=" in series else []
    )
    more += (
        [{"series": series.replace('le="30.0"', 'le="5.0"'), "values": "0x40"}] if ",le=" in series else []
    )
    test = {
        "rule_files": [str(ALERTS)],
        "evaluation_interval": "1m",
        "tests": [
            {
                "interval": "1m",
                "input_series": [{"series": series, "values": values}, *more],
                "promql_expr_test": [
                    {
                        "expr": f'count(ALERTS{{alertname="{alert}",alertstate="firing"}})',
                        "eval_time": f"{minutes}m",
                        "exp_samples": [{"labels": "{}", "value": 1}],
                    },
                    {
                        "expr": f'count(ALERTS{{alertname="{alert}",alertstate="firing"}})',
                        "eval_time": "0m",
                        "exp_samples": [],
                    },
                ],
            }
        ],
    }
    file = tmp_path / "test.yaml"
    file.write_text(yaml.safe_dump(test))
    assert "SUCCESS" in promtool("test", "rules", file)
