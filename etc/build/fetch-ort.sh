#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Finds or fetches ONNX Runtime's library; its path is the last line on stdout, progress goes to
# stderr. In this order:
#   1. FRAMEFARM_ORT, if set
#   2. the distribution's package libonnxruntime*, if installed
#   3. .cache/ort/VERSION/libonnxruntime.so.1 in the tree, if its hash is right
#   4. the distribution's package, if apt has one (Debian 13 and later)
#   5. the npm package onnxruntime-node, whose scripts are not run, checked by SHA-256
# With an argument, aarch64 or x86_64, the library for that machine, from 3 (a folder of its own) or 5.
# The first three need no network. Exit codes: 0, or 1 with a sentence.
set -eu

version=1.27.0
tgz_sha256=c3779c01c59832f8c03e2c392ac3af10bf08579f1822e8b1c63cc451edb302a2
root=$(cd "$(dirname "$0")/../.." && pwd)
cache=$root/.cache/ort/$version
lib=$cache/libonnxruntime.so.1

say() { printf 'fetch-ort: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }
found() { say "$1"; printf '%s\n' "$2"; exit 0; }

machine=${1:-$(uname -m)}
if [ -n "${1:-}" ]; then
	cache=$cache/$machine
	lib=$cache/libonnxruntime.so.1
fi
case $machine in
x86_64)
	arch=x64
	lib_sha256=d8aff4aa8abee8fb2abb2f2f2459ffc94461e781e41b9f7c072829dd0d470221 ;;
aarch64)
	arch=arm64
	lib_sha256=c36bc200e7e6c093b8abb0b34590fbdd8c52fd3fb5e33795b9523ffdde2fce0f ;;
*)
	arch= ;;
esac

sha256_is() { # FILE HASH
	[ -f "$1" ] && [ "$(sha256sum <"$1" | cut -d' ' -f1)" = "$2" ]
}

# Path of the library of an installed package, or nothing.
installed() {
	dpkg-query -W -f='${db:Status-Status} ${Package}\n' 'libonnxruntime[0-9]*' 2>/dev/null |
		sed -n 's/^installed //p' | while read -r package; do
		dpkg -L "$package" | grep -m1 '/libonnxruntime\.so\.[0-9]' || :
	done | head -n 1
}

# Name of the newest package that apt could install, or nothing.
candidate() {
	apt-cache search --names-only '^libonnxruntime[0-9][0-9.]*$' 2>/dev/null |
		cut -d' ' -f1 | sort -V | tail -n 1
}

as_root() {
	if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

from_npm() {
	[ -n "$arch" ] || die "no library for $machine; build ONNX Runtime and set FRAMEFARM_ORT"
	tmp=$cache/fetch.$$
	mkdir -p "$tmp"
	trap 'rm -rf "$tmp"' EXIT
	say "fetching onnxruntime-node@$version with npm (100 MB)"
	(cd "$tmp" && "$root/etc/build/npm.sh" pack --loglevel=error --ignore-scripts "onnxruntime-node@$version" >&2) ||
		die "npm could not fetch onnxruntime-node@$version"
	tgz=$tmp/onnxruntime-node-$version.tgz
	sha256_is "$tgz" "$tgz_sha256" || die "the package's SHA-256 is not the expected one"
	member=package/bin/napi-v6/linux/$arch/libonnxruntime.so.1
	tar -xzf "$tgz" -C "$tmp" "$member"
	sha256_is "$tmp/$member" "$lib_sha256" || die "the library's SHA-256 is not the expected one"
	mv "$tmp/$member" "$lib"
}

if [ -n "${1:-}" ]; then
	sha256_is "$lib" "${lib_sha256:-none}" && found "fetched before, SHA-256 checked" "$lib"
	from_npm
	found "onnxruntime-node@$version, SHA-256 checked" "$lib"
fi
if [ -n "${FRAMEFARM_ORT:-}" ]; then
	[ -f "$FRAMEFARM_ORT" ] || die "FRAMEFARM_ORT names no file: $FRAMEFARM_ORT"
	found "from FRAMEFARM_ORT" "$FRAMEFARM_ORT"
fi
path=$(installed)
[ -z "$path" ] || found "the distribution's package" "$path"
sha256_is "$lib" "${lib_sha256:-none}" && found "fetched before, SHA-256 checked" "$lib"
package=$(candidate)
if [ -n "$package" ]; then
	say "installing the distribution's package $package"
	as_root apt-get install -y --no-install-recommends "$package" >&2 ||
		die "apt-get could not install $package"
	path=$(installed)
	[ -n "$path" ] || die "$package holds no libonnxruntime.so"
	found "the distribution's package" "$path"
fi
from_npm
found "onnxruntime-node@$version, SHA-256 checked" "$lib"
