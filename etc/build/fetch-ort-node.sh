#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Finds or fetches the runtime's JavaScript binding, the peer of `make bench-runner`; the folder to require() it
# from is the last line on stdout, progress goes to stderr. Two npm packages, checked by SHA-256, whose scripts
# are not run (they would fetch CUDA's providers), in .cache/ort-node/VERSION. Of the same version as the
# library that fetch-ort.sh fetches, which the package brings too. Exit codes: 0, or 1 with a sentence.
set -eu

version=1.27.0
root=$(cd "$(dirname "$0")/../.." && pwd)
cache=$root/.cache/ort-node/$version

say() { printf 'fetch-ort-node: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

case $(uname -m) in
x86_64) arch=x64 ;;
aarch64) arch=arm64 ;;
*) die "npm has no binding for $(uname -m)" ;;
esac

unpack() { # PACKAGE SHA256 MEMBER…
	package=$1 sha256=$2
	shift 2
	tgz=$tmp/$package-$version.tgz
	(cd "$tmp" && "$root/etc/build/npm.sh" pack --loglevel=error --ignore-scripts "$package@$version" >&2) ||
		die "npm could not fetch $package@$version"
	[ "$(sha256sum <"$tgz" | cut -d' ' -f1)" = "$sha256" ] ||
		die "the SHA-256 of $package@$version is not the expected one"
	mkdir -p "$tmp/node_modules/$package"
	tar -xzf "$tgz" -C "$tmp/node_modules/$package" --strip-components=1 "$@"
}

if [ ! -f "$cache/.complete" ]; then
	mkdir -p "$cache"
	tmp=$cache/fetch.$$
	mkdir "$tmp"
	trap 'rm -rf "$tmp"' EXIT
	say "fetching onnxruntime-node@$version with npm (100 MB)"
	unpack onnxruntime-node c3779c01c59832f8c03e2c392ac3af10bf08579f1822e8b1c63cc451edb302a2 \
		package/package.json package/dist "package/bin/napi-v6/linux/$arch"
	unpack onnxruntime-common 37faaa5883b7f317b0f357ae8b2f4f8c8d97d177638be12cbcdf8239d75bbd7b
	rm -rf "$cache/node_modules"
	mv "$tmp/node_modules" "$cache/node_modules"
	touch "$cache/.complete"
fi
printf '%s\n' "$cache"
