#!/usr/bin/env bash
# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# ansible-test sanity, on any machine: bash tests/sanity.sh [arguments of ansible-test sanity]
# Needs ansible-test (in PATH or .venv/bin), pip's package index and shellcheck. A test that is skipped for any reason
# but a Python version that the machine lacks is a failure.
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD
[ -d .venv/bin ] && PATH="$root/.venv/bin:$PATH"

# pyenv's shims look like interpreters and are none; ansible-test has to find the real ones.
for folder in "${PYENV_ROOT:-$HOME/.pyenv}"/versions/*/bin; do
    [ -d "$folder" ] && PATH="$PATH:$folder"
done
PATH=$(tr ':' '\n' <<< "$PATH" | grep -v '/shims$' | paste -sd:)
export PATH

# ansible-test fetches pip's bootstrap script from a host of its own; this one does the same from pip's own wheel.
bootstrap_pip() {
    local python version cache script
    python=$(dirname "$(command -v ansible-test)")/python
    version=$("$python" - <<'PYTHON'
import pathlib
import re

import ansible_test

source = pathlib.Path(list(ansible_test.__path__)[0], "_internal", "python_requirements.py").read_text()
print(re.search(r"pip='([\d.]+)'", source).group(1))
PYTHON
)
    cache="$HOME/.ansible/test/cache"
    script="$cache/get_pip_${version//./_}.py"
    [ -e "$script" ] && return
    mkdir -p "$cache"
    "$python" -m pip download --quiet --no-deps --dest "$cache" "pip==$version"
    cat > "$script" <<PYTHON
# Written by duet.ha_pair's tests/sanity.sh: runs pip $version from its wheel.
import os
import runpy
import sys

folder = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(folder, "pip-$version-py3-none-any.whl"))
arguments = [word for word in sys.argv[1:] if word not in ("--no-setuptools", "--no-wheel")]
sys.argv = ["pip", "install", "--find-links", folder, *arguments]
runpy.run_module("pip", run_name="__main__", alter_sys=True)
PYTHON
}

# ansible-test wants to stand in .../ansible_collections/duet/ha_pair, really and not by a link.
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
collection="$copy/ansible_collections/duet/ha_pair"
mkdir -p "$collection"
git ls-files -z --cached --others --exclude-standard > "$copy/files"
tar --create --null --files-from "$copy/files" --ignore-failed-read 2> /dev/null | tar --extract --directory "$collection"
git -C "$collection" init --quiet
git -C "$collection" add --all

bootstrap_pip
cd "$collection"
log="$copy/sanity.log"
ansible-test sanity --local --color no "$@" 2>&1 | tee "$log"
if grep 'Skipping sanity test' "$log" | grep -vE 'on Python [0-9.]+ because it could not be found'; then
    echo "sanity: the tests above were skipped; install what they need" >&2
    exit 1
fi
