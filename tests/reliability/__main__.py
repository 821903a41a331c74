# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measure every event with our agent, then with keepalived, and write docs/reliability.md and .json:

    python3 -m tests.reliability [--repeat 3] [--parallel 4] [--kind ours] [--event stop] [--print]

Needs root. The exit code is 1 when something could not be measured.
"""

from __future__ import annotations

import argparse
import json
from typing import Any

from . import ROOT, page

PAGE, FIGURES = ROOT / "docs/reliability.md", ROOT / "docs/reliability.json"


def main() -> int:
    """Measure and write."""
    from segment import remove_leftovers

    from . import measure

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeat", type=int, default=3, help="how often each event happens (default: 3)")
    parser.add_argument("--parallel", type=int, default=4, help="how many pairs at a time (default: 4)")
    parser.add_argument("--kind", action="append", choices=measure.KINDS, help="this kind of daemon only")
    parser.add_argument("--event", action="append", default=[], help="this event only")
    parser.add_argument("--print", action="store_true", help="show the tables, and write nothing")
    options = parser.parse_args()
    remove_leftovers()
    figures = measure.run(options.kind or measure.KINDS, options.event, options.repeat, options.parallel)
    if options.print:
        print(page.render(figures))
    else:
        FIGURES.write_text(_text(figures))
        PAGE.write_text(page.replace_block(PAGE.read_text(), figures))
    outcomes = [one for event in figures["events"] for cell in event["outcomes"].values() for one in cell]
    return 1 if any("error" in one for one in outcomes) else 0


def _text(figures: dict[str, Any]) -> str:
    """The figures as JSON, with one event a line."""
    head = {key: value for key, value in figures.items() if key != "events"}
    events = ",\n".join(json.dumps(event) for event in figures["events"])
    return f'{json.dumps(head)[:-1]}, "events": [\n{events}\n]}}\n'


if __name__ == "__main__":
    raise SystemExit(main())
