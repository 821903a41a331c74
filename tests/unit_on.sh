#!/usr/bin/env bash
# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# The agent's unit tests on the Python of a Debian release, in the lab's root file system of it: unit_on.sh SUITE.
# The root is only read; the checkout and the tests' own packages are mounted in for this process alone.
set -euo pipefail
cd "$(dirname "$0")/.."
suite=$1
root=$(.venv/bin/python -m lab root "$suite")
version=$(chroot "$root" python3 -c 'import sys; print("%d.%d" % sys.version_info[:2])')

# Wheels for that Python, fetched by ours: the root has no pip and no network. The last versions that know Python 3.9,
# with what they themselves need there.
wheels=(pytest==8.4.2 iniconfig==2.1.0 hypothesis==6.141.1 attrs==25.3.0 pyroute2==0.9.7 exceptiongroup==1.3.0 tomli==2.2.1
  typing_extensions==4.15.0 aiosmtpd==1.4.6 atpublic==5.1 pytest-xdist==3.8.0 execnet==2.1.2)
packages=$root.unit-$(sha256sum <<< "$version ${wheels[*]}" | cut -c1-12)
(
  flock 9
  [[ -d $packages ]] || {
    rm -rf "$packages.partial"
    .venv/bin/python -m pip install --quiet --disable-pip-version-check --only-binary=:all: \
      --python-version "$version" --implementation cp --target "$packages.partial" "${wheels[@]}"
    mv "$packages.partial" "$packages"
  }
) 9> "$packages.lock"

report=$(sed -n 's/.*--junitxml=\([^ ]*\).*/\1/p' <<< "${PYTEST_ADDOPTS:-}")
folder=$(dirname "${report:-/tmp/none}")
# shellcheck disable=SC2016 # the words are the inner shell's to expand
# Two at a time: they wait more than they work.
exec unshare --mount --propagation private bash -c '
  root=$1 packages=$2 folder=$3
  mount --bind -o ro . "$root/mnt"
  mount -t tmpfs none "$root/tmp"
  mount -t tmpfs none "$root/run"
  mount -t proc none "$root/proc"
  mount --rbind /dev "$root/dev"
  mkdir "$root/run/packages" && mount --bind "$packages" "$root/run/packages"
  if [[ -d $folder ]]; then mkdir -p "$root$folder" && mount --bind "$folder" "$root$folder"; fi
  exec chroot "$root" /usr/bin/env -C /mnt PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=/run/packages \
    PYTEST_ADDOPTS="$4" HOME=/tmp python3 -m pytest -q -p no:cacheprovider -n 2 tests/unit/vrrp_agent
' bash "$root" "$packages" "$folder" "${PYTEST_ADDOPTS:-}"
