# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measure our agent and keepalived alternately, in network namespaces of this machine:

    python3 -m tests.benchmark [--only ROW] [--only ROW/CASE] [--rounds N] [--print]

Needs root. Rows that were measured whole are written to docs/benchmarks.md and docs/benchmarks/, unless --print says
otherwise. The exit code is 1 when something could not be measured.
"""

from __future__ import annotations

import argparse

from . import report


def main() -> int:
    """Measure, show, write."""
    from segment import remove_leftovers

    from . import run
    from .rows import rows

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--only", action="append", default=[], metavar="ROW[/CASE]", help=", ".join(r.name for r in rows(0))
    )
    parser.add_argument("--kind", action="append", choices=run.KINDS, help="this kind of daemon only")
    parser.add_argument("--rounds", type=int, help="how often each case is measured")
    parser.add_argument("--release", default="bookworm", help="of which Debian the keepalived is (default: bookworm)")
    parser.add_argument("--print", action="store_true", help="write nothing")
    parser.add_argument("--busy-seconds", type=float, default=120, help="how long the row `busy` takes (default: 120)")
    options = parser.parse_args()
    remove_leftovers()
    wanted = run.chosen(rows(options.busy_seconds), options.only)
    measured = run.measure(wanted, options.kind or run.KINDS, options.release, options.rounds)
    whole = not options.kind and not any("/" in name for name in options.only)
    if whole and not options.print:
        report.write(measured)
    return 1 if any("error" in sample for row in measured for case in row["cases"] for sample in case["samples"]) else 0


if __name__ == "__main__":
    raise SystemExit(main())
