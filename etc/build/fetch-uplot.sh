#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Fetches uPlot, the chart library, once: the npm package of one pinned version, checked by its
# SHA-256 and unpacked into .cache/uplot/ at the top of the tree. No script of the package is run, and
# nothing is fetched when the files are there. Offline elsewhere: put the package's file there
# yourself (.cache/uplot/uplot-VERSION.tgz); it is checked in the same way.
set -eu

version=1.6.32
sum=4b8a8191e425658e3ea8c8c1314b0fc679c861ee3a1af2b20c7b16ba50b5133d

cd "$(dirname "$0")/../.."
tree=$(pwd)
dir=.cache/uplot
pack=$dir/uplot-$version.tgz
files="uPlot.iife.min.js uPlot.min.css uPlot.LICENSE.txt"

for f in $files; do
	[ -s "$dir/$f" ] || missing=1
done
[ "${missing:-}" ] || exit 0

is_right() {
	[ -f "$pack" ] && [ "$(sha256sum <"$pack" | cut -d' ' -f1)" = "$sum" ]
}

mkdir -p "$dir"
if ! is_right; then
	rm -f "$pack"
	(cd "$dir" && "$tree/etc/build/npm.sh" pack --loglevel=error --ignore-scripts "uplot@$version" >/dev/null) || {
		echo "fetch-uplot: npm could not fetch uplot@$version (is there a network?);" \
			"or put its package into $pack" >&2
		exit 1
	}
	is_right || {
		echo "fetch-uplot: $pack is not the package that is pinned here (SHA-256 $sum)" >&2
		exit 1
	}
fi

# Into place one by one and whole, so that an interrupted fetch is not taken for a finished one.
tmp=$(mktemp -d "$dir/new.XXXXXX")
trap 'rm -rf "$tmp"' EXIT
tar -xzf "$pack" -C "$tmp"
mv "$tmp/package/LICENSE" "$tmp/package/dist/uPlot.LICENSE.txt"
for f in $files; do
	mv "$tmp/package/dist/$f" "$dir/$f"
done
