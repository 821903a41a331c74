# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is built on the metrics: the alert rules, by promtool itself, and the dashboard. Each metric in them exists."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[3]
RULES = ROOT / "extensions/prometheus/vrrp_alerts.yml"
DASHBOARD = json.loads((ROOT / "extensions/grafana/vrrp.json").read_text())
METRIC = re.compile(r"\b((?:vrrp|node)_[a-z_]+)\b")
# node_exporter's own.
FOREIGN = {"node_textfile_mtime_seconds"}


@pytest.fixture(scope="module")
def promtool() -> str:
    """Debian's, as lab/bootstrap.sh has unpacked it, or the host's own."""
    found = shutil.which("promtool", path=f"{ROOT / '.build/bin'}{os.pathsep}{os.environ.get('PATH', '')}")
    assert found is not None, "there is no promtool; lab/bootstrap.sh brings it"
    return found


def check(*command: object) -> str:
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def rules() -> list[dict[str, Any]]:
    [group] = yaml.safe_load(RULES.read_text())["groups"]
    return list(group["rules"])


def queries() -> list[str]:
    """Every query of the dashboard, as Prometheus would get it."""
    found = [target["expr"] for panel in DASHBOARD["panels"] for target in panel["targets"]]
    return [text.replace("$__rate_interval", "1m").replace("$job", ".+").replace("$iname", ".+") for text in found]


def names_of_the_agent() -> set[str]:
    """The names of all samples that an agent has."""
    from test_rendered_metrics import DOCUMENT, samples

    return {name for name, unused_labels in samples(DOCUMENT)}


# --- the alert rules


def test_the_rules_are_what_prometheus_takes(promtool: str) -> None:
    assert f"{len(rules())} rules found" in check(promtool, "check", "rules", RULES)


def test_each_alert_fires_when_it_should_and_else_not(promtool: str) -> None:
    check(promtool, "test", "rules", ROOT / "tests/unit/monitoring/alerts_test.yml")


def test_each_alert_has_a_story_of_both_kinds() -> None:
    stories = yaml.safe_load((ROOT / "tests/unit/monitoring/alerts_test.yml").read_text())["tests"]
    cases = [case for story in stories for case in story["alert_rule_test"]]
    fires = {case["alertname"] for case in cases if case.get("exp_alerts")}
    silent = {case["alertname"] for case in cases if not case.get("exp_alerts")}
    assert fires == silent == {rule["alert"] for rule in rules()}


def test_the_rules_ask_for_metrics_that_exist() -> None:
    asked = {name for rule in rules() for name in METRIC.findall(rule["expr"])}
    assert asked - FOREIGN <= names_of_the_agent()


# --- what the agent says, as Prometheus' own linter sees it


def test_the_names_are_by_the_conventions(promtool: str) -> None:
    from test_rendered_metrics import DOCUMENT
    from vrrp_agent.service.metrics import render

    command = [promtool, "check", "metrics"]
    done = subprocess.run(command, input=render(DOCUMENT), capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


# --- the dashboard


def test_the_dashboard_asks_for_metrics_that_exist() -> None:
    variables = [one["definition"] for one in DASHBOARD["templating"]["list"] if one["type"] == "query"]
    asked = {name for text in [*queries(), *variables] for name in METRIC.findall(text)}
    assert asked and asked <= names_of_the_agent()


def test_prometheus_understands_each_query(promtool: str, tmp_path: Path) -> None:
    written = [{"record": f"panel:query:{number}", "expr": text} for number, text in enumerate(queries())]
    file = tmp_path / "queries.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": written}]}))
    assert f"{len(written)} rules found" in check(promtool, "check", "rules", file)


def test_the_dashboard_is_one_that_grafana_can_import() -> None:
    """Its model: docs of Grafana, 'Dashboard JSON model'. It has no id, which is the server's to give."""
    assert "id" not in DASHBOARD and DASHBOARD["schemaVersion"] >= 36
    assert {"title", "uid", "tags", "time", "templating", "panels", "annotations"} <= set(DASHBOARD)
    variables = [one["name"] for one in DASHBOARD["templating"]["list"]]
    used = set(re.findall(r"\$\{?([a-z]+)", json.dumps(DASHBOARD)))
    assert used == set(variables)
    for panel in DASHBOARD["panels"]:
        assert panel["title"] and panel["description"] and panel["targets"]
        assert panel["type"] in ("stat", "state-timeline", "timeseries", "table")
        assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
        assert len({target["refId"] for target in panel["targets"]}) == len(panel["targets"])
    ids = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(ids) == len(set(ids))


def cells(panel: dict[str, Any]) -> Iterator[tuple[int, int]]:
    place = panel["gridPos"]
    for column in range(place["x"], place["x"] + place["w"]):
        yield from ((column, row) for row in range(place["y"], place["y"] + place["h"]))


def test_no_panel_lies_on_another() -> None:
    taken = [cell for panel in DASHBOARD["panels"] for cell in cells(panel)]
    assert len(taken) == len(set(taken)) and max(column for column, unused_row in taken) < 24
