# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# ONNX Runtime, for scripts/setup: the library comes from npm and the header from Debian 13's package, on every
# Debian. The library of that package is left alone: it carries the table of operators twice and greets every
# start of a program with some hundred lines of "Schema error". It serves only where npm has no build.
#
# The library is the CPU build that the sherpa-onnx project ships: 11 MB where Microsoft's own npm package is 114 MB, as
# fast for convolutional networks, a third slower for EdgeFace (its layer normalisation). It runs with the header of an
# older version, because ONNX Runtime's table of functions is versioned and only ever grows.

ort_dir=$deps/onnxruntime

# Is there an ONNX Runtime to build with: Debian's, one that was fetched, or one that was put into .deps by hand?
onnxruntime_is_there() {
  { have_ort_header && have_ort_library; } || { ! onnxruntime_is_pinned && is_installed libonnxruntime-dev; }
}

# Is there a pinned build for this kind of machine?
onnxruntime_is_pinned() {
  [[ $(uname -m) == x86_64 || $(uname -m) == aarch64 ]]
}

have_ort_header() {
  [[ -e $ort_dir/include/onnxruntime_c_api.h ]] || return 1
  [[ ! -e $ort_dir/include/.pin || $(<"$ort_dir/include/.pin") == "$ort_header_sha256" ]]
}

have_ort_library() {
  case $(uname -m) in
    x86_64) is_from_npm pin_ort_x86_64 "$ort_dir/lib" libonnxruntime.so ;;
    aarch64) is_from_npm pin_ort_aarch64 "$ort_dir/lib" libonnxruntime.so ;;
    *) [[ -e $ort_dir/lib/libonnxruntime.so ]] ;;
  esac
}

setup_onnxruntime() {
  case $(uname -m) in
    x86_64) from_npm pin_ort_x86_64 "$ort_dir/lib" libonnxruntime.so ;;
    aarch64) from_npm pin_ort_aarch64 "$ort_dir/lib" libonnxruntime.so ;;
    *) have_ort_library || fail "there is no ready-made ONNX Runtime for $(uname -m) machines" \
      "build it from its sources, put libonnxruntime.so into .deps/onnxruntime/lib, and run this again" ;;
  esac
  have_ort_header || setup_ort_header
}

# The library that can use NVIDIA devices, in place of the other: that one's pin goes, so it counts as put there by hand.
setup_onnxruntime_cuda() {
  local lib=$ort_dir/lib
  [[ $(uname -m) == x86_64 ]] || fail "there is no ready-made ONNX Runtime for devices of $(uname -m) machines"
  from_npm pin_ort_cuda "$lib" bin/napi-v6/linux/x64/libonnxruntime.so.1
  from_npm pin_ort_cuda_provider "$lib" Plugins/Linux/x64/libonnxruntime_providers_cuda.so \
    Plugins/Linux/x64/libonnxruntime_providers_shared.so LICENSE=LICENSE.cuda
  if [[ $(readlink "$lib/libonnxruntime.so") != libonnxruntime.so.1 ]]; then
    ln -sf libonnxruntime.so.1 "$lib/libonnxruntime.so"
    rm -f "$lib"/.pin-sherpa-onnx-*
    touch "$lib/libonnxruntime.so" # what was linked with the other one is linked again
  fi
}

# Fetches Debian 13's package from the machine's own mirror, takes the header out of it and leaves the system as it is.
setup_ort_header() {
  local work deb=
  say "ONNX Runtime's C header (0.1 MB, from Debian's $ort_header_suite suite, pinned)"
  mkdir -p "$ort_dir/include"
  work=$(mktemp -d "$ort_dir/.fetch-XXXXXX")
  cleanup=$work
  : >"$work/log"
  deb=$(ort_deb_from_pool "$work") || deb=$(ort_deb_from_suite "$work") || {
    tail -n 6 "$work/log" | sed 's/^/  /' >&2
    ort_header_by_hand "Debian's package libonnxruntime-dev could not be fetched from this machine's package source"
  }
  dpkg-deb --fsys-tarfile "$deb" |
    tar -x -C "$work" ./usr/include/onnxruntime ./usr/share/doc/libonnxruntime-dev/copyright ||
    ort_header_by_hand "$(basename "$deb") does not hold the header where it is expected"
  cp "$work/usr/include/onnxruntime/onnxruntime_c_api.h" "$work/header"
  sha256sum --status -c - <<<"$ort_header_sha256  $work/header" ||
    ort_header_by_hand "the header in $(basename "$deb") has another sha256 than scripts/setup.d/pins says"
  cp "$work/usr/share/doc/libonnxruntime-dev/copyright" "$ort_dir/LICENSE"
  mv -f "$work/header" "$ort_dir/include/onnxruntime_c_api.h"
  printf '%s\n' "$ort_header_sha256" >"$ort_dir/include/.pin"
  rm -rf "$work"
  cleanup=
  installed_something=1
}

ort_header_by_hand() {
  fail "$1" "by hand: put onnxruntime_c_api.h, of ONNX Runtime 1.21 to 1.28, into .deps/onnxruntime/include" \
    "and run this again (it is in Debian 13's package libonnxruntime-dev and in every release of ONNX Runtime)"
}

# Prints the base address of the machine's own Debian mirror, as apt itself understands its sources.
debian_mirror() {
  # shellcheck disable=SC2016 # apt fills in the field
  apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Origin: Debian' 'Label: Debian' \
    'Component: main' | sed -n 1p
}

# Downloads the pinned file by its place in the mirror's pool and prints its path; apt's helper checks the hash.
ort_deb_from_pool() {
  local mirror
  mirror=$(debian_mirror)
  if [[ -z $mirror ]]; then
    echo "apt knows no Debian source with a component main" >"$1/log"
    return 1
  fi
  /usr/lib/apt/apt-helper -o APT::Sandbox::User=root download-file "${mirror%/}/$ort_header_deb" "$1/ort.deb" \
    "SHA256:$ort_header_deb_sha256" >>"$1/log" 2>&1 || return 1
  printf '%s\n' "$1/ort.deb"
}

# Downloads the package from the other suite, with a source list and a state of apt of our own, and prints its path.
# apt checks the suite's signature with Debian's keys. Needed when the pool's file has given way to a newer version;
# 10 MB of lists.
ort_deb_from_suite() {
  local mirror work=$1
  mirror=$(debian_mirror)
  [[ -n $mirror ]] || return 1
  mkdir -p "$work/lists/partial" "$work/cache/archives/partial"
  printf 'deb [arch=amd64 signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] %s %s main\n' \
    "$mirror" "$ort_header_suite" >"$work/source.list"
  local -a private=(-o "Dir::Etc::SourceList=$work/source.list" -o Dir::Etc::SourceParts=-
    -o "Dir::State::Lists=$work/lists" -o "Dir::Cache=$work/cache" -o Acquire::Languages=none
    -o APT::Sandbox::User=root -o APT::Architecture=amd64 -o APT::Architectures=amd64)
  apt-get "${private[@]}" update >>"$work/log" 2>&1 || return 1
  (cd "$work" && apt-get "${private[@]}" download libonnxruntime-dev >>"$work/log" 2>&1) || return 1
  find "$work" -maxdepth 1 -name 'libonnxruntime-dev*.deb' -print -quit
}
