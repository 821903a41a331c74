# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the page of a drill looks, and what it does when scripts may run: a reading under the pointer, folded tables."""

from __future__ import annotations

CSS = """
:root { color-scheme: light dark; --ink: #1c2330; --faint: #5b6675; --paper: #fbfbf9; --card: #fff; --line: #d9dde3;
  --good: #17724a; --bad: #b3261e; --doubt: #8a5a00; --mark: #c2185b;
  --h0: #2f6fb2; --h1: #d9822b; --h2: #5b8f3a; --h3: #7a5bb0; --h4: #2a8f8f; --h5: #a0614a; }
@media (prefers-color-scheme: dark) { :root { --ink: #e7eaf0; --faint: #a2acba; --paper: #14171c; --card: #1c2027;
  --line: #343b46; --good: #5fcf97; --bad: #ff8a80; --doubt: #f2c063; --mark: #ff6f9f;
  --h0: #6ba6e6; --h1: #eba55a; --h2: #8fc46a; --h3: #ad92e0; --h4: #5cc4c4; --h5: #d0957e; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1.2rem; max-width: 68rem; background: var(--paper); color: var(--ink);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif; }
h1 { font-size: 1.6rem; margin: 0 0 .3rem; } h2 { font-size: 1.2rem; margin: 0; }
p { margin: .4rem 0; } .faint { color: var(--faint); fill: var(--faint); }
section, header { background: var(--card); border: 1px solid var(--line); border-radius: .6rem; padding: 1rem;
  margin: 0 0 1rem; }
.verdict { display: inline-block; padding: .1rem .6rem; border-radius: 1rem; border: 2px solid; font-weight: 600; }
.passed { color: var(--good); } .failed { color: var(--bad); } .not-proven { color: var(--doubt); }
.refused, .not-made { color: var(--faint); }
.scroll { overflow-x: auto; } table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: .3rem .7rem .3rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
td.number { white-space: nowrap; font-variant-numeric: tabular-nums; }
.top { display: flex; flex-wrap: wrap; gap: .6rem; align-items: center; justify-content: space-between; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .1rem 1rem; margin: .6rem 0; }
dt { color: var(--faint); } dd { margin: 0; }
ul.reasons { margin: .4rem 0; padding-left: 1.2rem; }
.timeline { display: block; width: 100%; min-width: 44rem; height: auto; font-size: 12px; }
.timeline text { fill: var(--ink); } .timeline .label { text-anchor: end; fill: var(--faint); }
.timeline .tick { text-anchor: middle; fill: var(--faint); } .timeline .vip { font-weight: 600; font-size: 13px; }
.timeline .grid, .timeline .rail { stroke: var(--line); stroke-width: 1; }
.turn { fill: var(--faint); }
.host0 { fill: var(--h0); } .host1 { fill: var(--h1); } .host2 { fill: var(--h2); }
.host3 { fill: var(--h3); } .host4 { fill: var(--h4); } .host5 { fill: var(--h5); }
.lost { stroke: var(--mark); stroke-width: 1.2; fill: none; }
.cutoff { stroke: var(--doubt); stroke-width: 2; stroke-dasharray: 3 2; fill: none; }
.silence { fill: var(--mark); opacity: .25; }
.pause { fill: var(--line); stroke: var(--faint); stroke-dasharray: 2 2; }
rect.broke { fill: var(--bad); opacity: .16; } rect.mended { fill: var(--good); opacity: .16; }
.timeline text.broke { fill: var(--bad); } .timeline text.mended { fill: var(--good); }
path.bound { stroke: var(--ink); stroke-width: 1.5; fill: none; }
.cursor { stroke: var(--ink); stroke-width: 1; stroke-dasharray: 3 3; pointer-events: none; }
.reading { min-height: 1.5em; font-size: .9rem; color: var(--faint); }
.log { font: 13px/1.5 ui-monospace, "DejaVu Sans Mono", monospace; } .log td { border: 0; padding: 0 .8rem 0 0; }
.log td:last-child { overflow-wrap: anywhere; } .log tr.transition { font-weight: 600; }
summary { cursor: pointer; } a { color: inherit; }
.key { display: inline-block; width: 1.6em; height: .8em; border-radius: 3px; vertical-align: baseline; }
@media (max-width: 40rem) { body { padding: .6rem; } .log td { display: inline; } }
@media print { body { max-width: none; } section { break-inside: avoid; } }
"""

# Pointing at a picture tells who had the addresses in that moment. The page says all of it without a script, too.
SCRIPT = """
"use strict";
for (const picture of document.querySelectorAll("svg.timeline")) {
  const reading = picture.closest("section").querySelector(".reading");
  const from = Number(picture.dataset.from), to = Number(picture.dataset.to);
  const left = Number(document.body.dataset.left), right = Number(document.body.dataset.right);
  const cursor = document.createElementNS(picture.namespaceURI, "line");
  cursor.setAttribute("class", "cursor");
  cursor.setAttribute("y1", 20);
  cursor.setAttribute("y2", picture.viewBox.baseVal.height);
  const point = (event) => {
    const box = picture.getBoundingClientRect();
    const x = Math.min(Math.max((event.clientX - box.left) / box.width * picture.viewBox.baseVal.width, left), right);
    const at = from + (x - left) / (right - left) * (to - from);
    cursor.setAttribute("x1", x);
    cursor.setAttribute("x2", x);
    picture.append(cursor);
    const here = [...picture.querySelectorAll(".segment")]
      .filter((one) => Number(one.dataset.from) <= at && at <= Number(one.dataset.to))
      .map((one) => one.dataset.address + " on " + one.dataset.host);
    reading.textContent = at.toFixed(3) + " s: " + (here.join(", ") || "nobody has an address");
  };
  picture.addEventListener("pointermove", point);
  picture.addEventListener("pointerdown", point);
}
document.documentElement.dataset.script = "ran";
"""
