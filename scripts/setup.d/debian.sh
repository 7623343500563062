# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# Packages from Debian, for scripts/setup: what is missing, and how it is installed.

# Ends the run where packages are missing and the user cannot install any.
require_root() {
  [[ $EUID -eq 0 ]] || command -v sudo >/dev/null ||
    fail "these Debian packages are missing, and installing them needs root or sudo: $*" \
      "try: as root, apt-get update && apt-get install --no-install-recommends $*"
}

# Runs a command as root, by sudo where the user is not root.
as_root() {
  if [[ $EUID -eq 0 ]]; then "$@"; else sudo "$@"; fi
}

# Runs apt-get quietly; its output is shown only when it fails.
apt_get() {
  local log
  log=$(mktemp)
  if ! as_root env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=120 "$@" </dev/null >"$log" 2>&1; then
    tail -n 12 "$log" | sed 's/^/  /' >&2
    rm -f "$log"
    return 1
  fi
  rm -f "$log"
}

is_installed() { [[ -z $(missing_packages "$1") ]]; }

# Has the machine a candidate for this package in the lists of its own sources?
debian_has() { [[ $(apt-cache policy "$1" 2>/dev/null) =~ Candidate:\ [0-9] ]]; }

# Brings the package lists up to date. A failure is not the end: what is known already may do.
update_lists() {
  apt_get update -q || say "apt-get update failed, see above; going on with the package lists that are here"
}

# Prints those of the given packages that are not installed.
missing_packages() {
  local package installed
  installed=$(dpkg-query -W -f '${Package}:${db:Status-Status} ' "$@" 2>/dev/null) || true
  for package; do
    [[ " $installed" == *" $package:installed "* ]] || printf '%s\n' "$package"
  done
}

# Prints what an installation brings: "12 packages with all they need, 34 MB to download".
installation_size() {
  local count bytes
  count=$(apt-get install --simulate -qq --no-install-recommends "$@" 2>/dev/null | grep -c '^Inst') || return 0
  bytes=$(apt-get install --print-uris -qq --no-install-recommends "$@" 2>/dev/null | awk '{ sum += $3 } END { printf "%.0f", sum }')
  printf ' (%d packages with all they need, %d MB to download)\n' "$count" $(((bytes + 500000) / 1000000))
}

# Installs the given packages, which are all known to be missing.
install_packages() {
  local to_install=("$@")
  [[ $# -gt 0 ]] || return 0
  say "installing from Debian: $*$(installation_size "$@")"
  apt_get install -y -q --no-install-recommends "$@" ||
    fail "apt-get could not install the packages, see above" "try: apt-get install --no-install-recommends $*"
  installed_something=1
}
