#!/usr/bin/env bash
# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# `make demo`. The first chapter is told here: there may be no Python yet to tell it.
set -euo pipefail
cd "$(dirname "$0")/.."

title='1. Bootstrap: Debian packages and the virtual environment .venv'
[[ ! -t 1 || -n ${NO_COLOR-} ]] || title=$'\e[1m'$title$'\e[0m'
printf '\n%s\n' "$title"
began=$(date +%s.%N)
lab/bootstrap.sh
exec .venv/bin/python -m lab.demo --began "$began"
