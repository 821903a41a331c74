#!/usr/bin/env bash
# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Installs what the lab, the demo and the tests need: Debian packages and the virtual environment .venv.
# What is there is left alone, so that a second run takes no time. Arguments are more Debian packages to install.
set -euo pipefail
cd "$(dirname "$0")/.."

packages=(
  python3 python3-venv ca-certificates
  # Root file systems; hosts and their network; ansible-test sanity.
  mmdebstrap debian-archive-keyring
  systemd-container iproute2 nftables openssh-client procps iputils-ping curl
  shellcheck
  tshark # reads what the agents send, as a decoder that is not ours
  "$@"
)
requirements=(requirements.txt requirements-dev.txt)
log=$(mktemp)
trap 'rm -f "$log"' EXIT

say() { printf 'bootstrap: %s\n' "$*" >&2; }

# Runs a command quietly; shows the end of what it said only when it fails.
quietly() {
  "$@" > "$log" 2>&1 || { tail -n 30 "$log" >&2; say "failed: $*"; exit 1; }
}

missing_packages() {
  local package
  for package in "${packages[@]}"; do
    [[ $(dpkg-query -W -f '${db:Status-Status}' "$package" 2> /dev/null) == installed ]] || echo "$package"
  done
}

install_packages() {
  local missing
  mapfile -t missing < <(missing_packages)
  ((${#missing[@]})) || return 0
  [[ $EUID == 0 ]] || { say "run as root: Debian packages are missing: ${missing[*]}"; exit 1; }
  say "installing the Debian packages ${missing[*]}"
  export DEBIAN_FRONTEND=noninteractive
  quietly apt-get update
  quietly apt-get install --yes --no-install-recommends "${missing[@]}"
}

# The stamp is written last: an environment without the right one is made anew.
install_environment() {
  local stamp
  stamp=$(/usr/bin/python3 -VV | cat - "${requirements[@]}" | sha256sum)
  [[ $(cat .venv/stamp 2> /dev/null) != "$stamp" ]] || return 0
  say "making the virtual environment .venv from requirements-dev.txt (about half a minute)"
  rm -rf .venv
  quietly /usr/bin/python3 -m venv .venv
  quietly .venv/bin/python -m pip install --disable-pip-version-check --requirement requirements-dev.txt
  echo "$stamp" > .venv/stamp
}

# Prometheus' own judge of alert rules. Only that: the whole package would start a server.
install_promtool() {
  [[ ! -x .build/bin/promtool ]] || return 0
  say "fetching promtool out of the Debian package prometheus"
  local folder
  folder=$(mktemp -d)
  (cd "$folder" && { apt-get download prometheus > "$log" 2>&1 || { quietly apt-get update && quietly apt-get download prometheus; }; })
  dpkg --fsys-tarfile "$folder"/prometheus_*.deb | tar --extract --directory "$folder" ./usr/bin/promtool
  mkdir -p .build/bin
  mv "$folder/usr/bin/promtool" .build/bin/
  rm -rf "$folder"
}

# Ansible finds the checkout as duet.ha_pair below .build.
link_collection() {
  mkdir -p .build/ansible_collections/duet
  [[ -e .build/ansible_collections/duet/ha_pair ]] || ln -s ../../.. .build/ansible_collections/duet/ha_pair
}

# One at a time: two `make` at once share .venv.
exec 9< requirements-dev.txt
flock 9
install_packages
install_environment
install_promtool
link_collection
