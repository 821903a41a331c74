# Copyright: (c) 2026, duet.ha_pair contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Prometheus' text format, version 0.0.4: families of samples as text. Knows nothing of VRRP."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_ESCAPES = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})

Labels = Mapping[str, object]


class Family:
    """One metric: its name, type and help, and its samples in the order in which they came."""

    def __init__(self, name: str, kind: str, text: str) -> None:
        self.name = name
        self._heading = f"# HELP {name} {text}\n# TYPE {name} {kind}\n"
        self._samples: list[str] = []

    def add(self, labels: Labels, value: float | None, suffix: str = "") -> None:
        """One sample; None is none at all."""
        if value is not None:
            self._samples.append(f"{self.name}{suffix}{_shown(labels)} {_number(value)}\n")

    def add_histogram(self, labels: Labels, bounds: Sequence[float], counts: Sequence[int], total: float) -> None:
        """A histogram's samples; there is one count more than bounds, of all that is above the last one."""
        cumulated = 0
        for bound, count in zip((*bounds, float("inf")), counts):
            cumulated += count
            self.add({**labels, "le": _number(bound)}, cumulated, "_bucket")
        self.add(labels, total, "_sum")
        self.add(labels, cumulated, "_count")

    def text(self) -> Iterator[str]:
        """Its lines; none without a sample."""
        if self._samples:
            yield self._heading
            yield from self._samples


def _shown(labels: Labels) -> str:
    inside = ",".join(f'{name}="{str(value).translate(_ESCAPES)}"' for name, value in labels.items())
    return f"{{{inside}}}" if inside else ""


def _number(value: float) -> str:
    if value == float("inf"):
        return "+Inf"
    return str(int(value)) if value == int(value) else repr(float(value))
