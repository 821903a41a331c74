# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The house's own rules: who may import whom, from outside the standard library too, and how long a file may be."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import vrrp_agent

PACKAGE = Path(vrrp_agent.__file__).parent
FILES = sorted(PACKAGE.rglob("*.py"))
LINES_MAX = 440
LICENCE = (
    "# Copyright: (c) 2026, duet.ha_pair contributors\n"
    "# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)\n"
    "# SPDX-License-Identifier: BSD-2-Clause\n"
    '"""'
)

# Whose modules each part may import from the package, itself always included.
MAY_IMPORT = {
    "protocol": set(),
    "linux": set(),
    "schema": {"protocol"},
    "check_schema": {"protocol", "schema"},
    "notification": {"schema"},
    "metrics_config": {"schema"},
    "config": {"protocol", "schema", "check_schema", "notification", "metrics_config"},
    "client": set(),
    "version": set(),
    "service": {"protocol", "schema", "notification", "metrics_config", "config", "linux", "client", "version"},
    "check_command": {"schema", "config", "service"},
    "events_command": {"client", "service"},
    "status_table": set(),
    "status_command": {"client", "status_table"},
    "cli": {"client", "check_command", "events_command", "status_command", "version", "schema", "linux", "service"},
}
IMPURE = {
    "socket",
    "asyncio",
    "time",
    "logging",
    "os",
    "sys",
    "threading",
    "random",
    "subprocess",
    "select",
    "pyroute2",
}
# sys.stdlib_module_names is of Python 3.10; what the package needs is a short list.
STANDARD_LIBRARY = getattr(sys, "stdlib_module_names", None) or {
    *(
        "__future__",
        "argparse",
        "array",
        "asyncio",
        "bisect",
        "collections",
        "concurrent",
        "contextlib",
        "dataclasses",
        "datetime",
        "decimal",
        "difflib",
    ),
    *(
        "ctypes",
        "email",
        "enum",
        "errno",
        "functools",
        "gc",
        "hashlib",
        "hmac",
        "http",
        "ipaddress",
        "json",
        "logging",
        "math",
        "mmap",
        "os",
        "pwd",
        "re",
        "resource",
    ),
    *("select", "shutil", "signal", "smtplib", "socket", "ssl", "struct", "subprocess", "sys", "textwrap", "time"),
    *("importlib", "operator", "queue", "threading", "types", "typing", "urllib"),
}

each_file = pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(PACKAGE)))


def part(file: Path) -> str:
    """protocol, linux, service, or the name of a module at the top."""
    return Path(file.relative_to(PACKAGE).parts[0]).stem


def imports(file: Path) -> Iterator[tuple[str, bool]]:
    """Each import of a file, in functions too: a part of the package (True), or a module outside it (False)."""
    folder = file.relative_to(PACKAGE).parent.parts
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from ((alias.name.partition(".")[0], False) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield node.module.partition(".")[0], False
        elif isinstance(node, ast.ImportFrom):
            above = folder[: len(folder) - node.level + 1]
            names = [node.module] if node.module else [alias.name for alias in node.names]
            yield from ((".".join((*above, name)).partition(".")[0], True) for name in names)


def test_every_part_has_its_rule() -> None:
    assert {part(file) for file in FILES} - {"__init__"} == set(MAY_IMPORT)


@each_file
def test_imports_run_one_way(file: Path) -> None:
    """protocol <- config <- service -> linux; client and cli stand beside them."""
    inside = {name for name, own in imports(file) if own}
    assert inside <= {part(file)} | MAY_IMPORT.get(part(file), set())


@each_file
def test_outside_the_package_there_is_the_standard_library_and_pyroute2(file: Path) -> None:
    outside = {name for name, own in imports(file) if not own}
    assert outside <= {*STANDARD_LIBRARY, *(["pyroute2"] if part(file) == "linux" else [])}


@each_file
def test_the_protocol_and_the_schema_are_pure(file: Path) -> None:
    """No file, socket, clock or log: time is an argument, and everything to be done a value."""
    if part(file) in ("protocol", "schema", "check_schema", "notification", "metrics_config", "config", "version"):
        assert not IMPURE & {name for name, own in imports(file)}


@each_file
def test_inside_the_package_imports_are_relative(file: Path) -> None:
    """It has another name on a node than in the collection."""
    assert not {"vrrp_agent", "ansible_collections"} & {name for name, own in imports(file)}


@each_file
def test_files_are_short_and_licensed(file: Path) -> None:
    text = file.read_text()
    assert text.count("\n") <= LINES_MAX
    assert text == "" or text.startswith(LICENCE)
    assert text == "" or "\nfrom __future__ import annotations\n" in text


@each_file
def test_functions_are_short(file: Path) -> None:
    functions = [node for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.FunctionDef)]
    assert [node.name for node in functions if node.end_lineno - node.lineno >= 40] == []


@each_file
def test_the_public_is_documented(file: Path) -> None:
    kinds = (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    module = ast.parse(file.read_text())
    public = [node for node in module.body if isinstance(node, kinds) and not node.name.startswith("_")]
    for node in list(public):
        public += [inner for inner in node.body if isinstance(inner, kinds) and not inner.name.startswith("_")]
    assert [node.name for node in public if not ast.get_docstring(node)] == []
    assert ast.get_docstring(module) or not module.body


def test_only_the_package_itself_is_empty() -> None:
    """AnsiballZ takes along what is imported: an __init__ that imports would drag the daemon into every module."""
    assert {file.name for file in FILES if not file.read_text()} == {"__init__.py"}
    assert all(not file.read_text() for file in FILES if file.name == "__init__.py")
