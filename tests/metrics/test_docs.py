"""What docs/ says of metrics is true: the table, the example alerts, the dashboard."""

import json
import re
from collections.abc import Iterator

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from relay.metrics.catalogue import FAMILIES, Kind
from relay.settings.values import duration
from tests.docs.pages import TOP, coded, named
from tests.metrics import promql
from tests.metrics.happenings import metrics

ALERTS = TOP / "docs/prometheus/alerts.yaml"
DASHBOARD = TOP / "docs/grafana/helpdesk-relay.json"
PROMETHEUS_OWN = {"up": set[str]()}
TARGET = {"job", "instance"}
"""Labels that Prometheus adds."""


def exposed() -> dict[str, tuple[str, str]]:
    """Names as they are queried, with type and help; a counter's name has its _total."""
    return {
        family.name + "_total" * (family.type == "counter"): (family.type, family.documentation)
        for family in text_string_to_metric_families(metrics().exposed().decode())
    }


def labels_by_sample() -> dict[str, set[str]]:
    """What an expression may name, and the labels that it has."""
    found = {name: set[str]() for name in exposed()} | PROMETHEUS_OWN
    for family in FAMILIES:
        labels = set(family.labels)
        if family.kind is Kind.HISTOGRAM:
            del found[family.name]
            found |= {f"{family.name}_sum": labels, f"{family.name}_count": labels}
            found[f"{family.name}_bucket"] = labels | {"le"}
        else:
            found[family.name] = labels
    return found


SAMPLES = labels_by_sample()


def assert_true(expression: str) -> None:
    found, grouped = promql.named(expression)
    assert found, expression
    for name, labels in found:
        assert name in SAMPLES, f"{expression}: there is no metric {name}"
        assert labels <= SAMPLES[name] | TARGET, f"{expression}: {name} has no such labels"
    assert grouped <= set().union(*(SAMPLES[name] for name, _ in found)) | TARGET, expression


def rows(heading: str) -> list[list[str]]:
    return named("docs/metrics.md").table(heading)


def test_the_table_is_the_exposition():
    table = {
        coded(name)[0]: (kind, tuple(coded(labels)), text) for name, kind, labels, text in rows("All metrics")
    }
    assert {name: (kind, text) for name, (kind, _, text) in table.items()} == exposed()
    for family in FAMILIES:
        assert table[family.name][1] == family.labels


def test_the_table_has_the_order_of_the_catalogue():
    told = [coded(row[0])[0] for row in rows("All metrics")]
    assert told[: len(FAMILIES)] == [family.name for family in FAMILIES]


def test_every_label_is_explained():
    told = {label for row in rows("The values of labels") for label in coded(row[0])}
    own_words = {"digest", "version", "python"}
    assert told == {label for family in FAMILIES for label in family.labels} - own_words


def test_the_questions_of_the_page_name_what_there_is():
    asked = [coded(row[1])[0] for row in rows("What to look at first")]
    assert asked
    for expression in asked:
        assert_true(expression)


# alerts


def alerts() -> list[dict]:
    return [rule for group in yaml.safe_load(ALERTS.read_text())["groups"] for rule in group["rules"]]


each_alert = pytest.mark.parametrize("alert", alerts(), ids=lambda alert: alert["alert"])


@each_alert
def test_an_alert_names_what_there_is(alert: dict):
    assert_true(alert["expr"])


@each_alert
def test_an_alert_has_the_structure_that_prometheus_wants(alert: dict):
    assert set(alert) <= {"alert", "expr", "for", "labels", "annotations"}
    assert re.fullmatch(r"Helpdesk[A-Za-z]+", alert["alert"])
    assert alert["labels"]["severity"] in {"critical", "warning", "info"}
    assert set(alert["annotations"]) == {"summary", "description"}
    if "for" in alert:
        assert duration(alert["for"])


@each_alert
def test_an_alert_uses_no_label_in_its_words_that_its_expression_drops(alert: dict):
    used = set(re.findall(r"\$labels\.(\w+)", "".join(alert["annotations"].values())))
    found, grouped = promql.named(alert["expr"])
    aggregated = re.match(r"\s*(sum|max|min|count|histogram_quantile)\b", alert["expr"])
    kept = grouped if aggregated else set().union(*(SAMPLES[name] for name, _ in found)) | TARGET
    assert used <= kept


def test_alerts_have_names_of_their_own():
    names = [alert["alert"] for alert in alerts()]
    assert len(names) == len(set(names))


# the dashboard


def dashboard() -> dict:
    return json.loads(DASHBOARD.read_text())


def panels() -> list[dict]:
    return [panel for panel in dashboard()["panels"] if panel["type"] != "row"]


def targets() -> Iterator[tuple[dict, dict]]:
    for panel in panels():
        for target in panel["targets"]:
            yield panel, target


def test_every_panel_asks_for_what_there_is():
    assert len(list(targets())) > 20
    for panel, target in targets():
        assert_true(target["expr"].replace("$__rate_interval", "5m"))
        used = set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"]))
        assert used <= promql.named(target["expr"])[1], panel["title"]


def test_every_panel_is_of_the_relays_that_were_chosen():
    for _, target in targets():
        for name, labels in promql.named(target["expr"])[0]:
            assert labels >= TARGET, name


def test_the_variables_of_the_dashboard_are_those_that_it_uses():
    text = DASHBOARD.read_text()
    variables = {variable["name"] for variable in dashboard()["templating"]["list"]}
    used = set(re.findall(r"\$\{?([a-z]\w+)", text)) - {"__rate_interval"}
    assert used == variables
    for variable in dashboard()["templating"]["list"]:
        if variable["type"] == "query":
            name, labels = re.fullmatch(
                r"label_values\((\w+)(?:\{.*\})?, (\w+)\)", variable["definition"]
            ).groups()
            assert name in SAMPLES
            assert labels in TARGET


def test_panels_stand_beside_each_other_and_not_on_top():
    taken: set[tuple[int, int]] = set()
    ids = [panel["id"] for panel in dashboard()["panels"]]
    assert len(ids) == len(set(ids))
    for panel in dashboard()["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, panel["title"]
        assert place["x"] + place["w"] <= 24
        taken |= cells


def test_dashboard_and_alerts_leave_no_metric_family_unused_that_tells_of_trouble():
    text = DASHBOARD.read_text() + ALERTS.read_text()
    trouble = [
        family.name
        for family in FAMILIES
        if re.search("trouble|lost|faults|refused|doubtful|failed", family.name)
    ]
    unused = [name for name in trouble if name not in text]
    assert unused == ["helpdesk_relay_milter_connections_refused_total"]


# the test of the test


@pytest.mark.parametrize(
    ("expression", "metrics_named", "grouped"),
    [
        ("up == 0", [("up", set())], set()),
        ('sum by (a, b) (rate(x_total{c=~"d,{e}",f!="g"}[5m])) / 2', [("x_total", {"c", "f"})], {"a", "b"}),
        ("a_total > 1 and on (z) b unless c", [("a_total", set()), ("b", set()), ("c", set())], {"z"}),
        ("time() - max(x)", [("x", set())], set()),
    ],
)
def test_what_an_expression_names_is_found(
    expression: str, metrics_named: list[tuple[str, set[str]]], grouped: set[str]
):
    assert promql.named(expression) == (metrics_named, grouped)


@pytest.mark.parametrize(
    "expression",
    [
        "helpdesk_relay_nothing_total",
        'helpdesk_relay_messages_total{verdicts="open"}',
        "sum by (chanel) (helpdesk_relay_messages_total)",
        "helpdesk_relay_client_wait_seconds",
    ],
)
def test_an_expression_that_names_what_there_is_not_is_found_out(expression: str):
    with pytest.raises(AssertionError):
        assert_true(expression)
