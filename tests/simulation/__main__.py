# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Simulate for as long as asked, or replay one seed: python3 -m tests.simulation [--seconds S | --seed N]."""

from __future__ import annotations

import argparse
import sys

from .runner import run, tell


def main() -> int:
    """0 when everything held; otherwise the story of the first seed for which it did not, and 1."""
    parser = argparse.ArgumentParser(prog="python3 -m tests.simulation", description=__doc__)
    parser.add_argument("--seed", type=int, help="replay this one and tell its story")
    parser.add_argument("--verbose", action="store_true", help="with --seed: every line, and every advert")
    parser.add_argument("--seconds", type=float, default=60.0, help="how long to run (60)")
    parser.add_argument("--first", type=int, default=0, metavar="SEED", help="the seed to begin with (0)")
    parser.add_argument("--jobs", type=int, help="how many processes (as many as cores)")
    options = parser.parse_args()
    if options.seed is not None:
        holds, story = tell(options.seed, options.verbose)
        print(story)
        return 0 if holds else 1
    result = run(options.seconds, options.first, options.jobs, _progress if sys.stderr.isatty() else None)
    print(result)
    if result.failed_seed is None:
        return 0
    print(tell(result.failed_seed)[1])
    return 1


def _progress(schedules: int) -> None:
    print(f"\r{schedules} schedules ", end="", file=sys.stderr, flush=True)


if __name__ == "__main__":
    raise SystemExit(main())
