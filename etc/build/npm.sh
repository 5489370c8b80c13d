#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# npm.sh ARGUMENT…: npm, from wherever there is one:
#   1. the host's own
#   2. Debian's, unpacked into .cache/npm/ before
#   3. Debian's, fetched by apt (which checks it), unpacked there and run with the host's node
# Debian's npm is some 350 small packages. To install them takes longer than everything else that is
# needed, and nobody has asked for them on this host: two files are to be fetched.
# Exit code: npm's own, or 1 with a sentence.
set -eu

tree=$(cd "$(dirname "$0")/../.." && pwd)
base=$tree/.cache/npm
cli=usr/share/nodejs/npm/bin/npm-cli.js

say() { printf 'npm: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

# Into a directory of a plain name first, since apt splits its options at blanks in places.
unpack() {
	tmp=$(mktemp -d /tmp/framefarm-npm.XXXXXX)
	trap 'rm -rf "$tmp"' EXIT
	mkdir -p "$tmp/debs/partial" "$tmp/root"
	say "fetching Debian's npm, to be unpacked and not installed"
	apt-get -q install --download-only -y --no-install-recommends \
		-o Dir::Cache::archives="$tmp/debs" -o Debug::NoLocking=true \
		-o APT::Sandbox::User="$(id -un)" npm </dev/null >"$tmp/log" 2>&1 ||
		{ cat "$tmp/log" >&2; die "apt-get could not fetch npm"; }
	for deb in "$tmp"/debs/*.deb; do
		dpkg-deb --fsys-tarfile "$deb" | tar -x -C "$tmp/root" --no-same-owner \
			--exclude=./usr/share/doc --exclude=./usr/share/man --exclude=./usr/bin ||
			die "$deb cannot be unpacked"
	done
	[ -f "$tmp/root/$cli" ] || die "Debian's npm is not where it was: $cli"
	mkdir -p "$base"
	rm -rf "$base/root" "$base/root.new"
	cp -a "$tmp/root" "$base/root.new"
	mv "$base/root.new" "$base/root"
	rm -rf "$tmp"
	trap - EXIT
}

if command -v npm >/dev/null; then
	exec npm "$@"
fi
command -v node >/dev/null || die "node is missing: apt-get install nodejs"
if [ ! -f "$base/root/$cli" ]; then
	command -v apt-get >/dev/null || die "npm is missing, and this host has no apt to fetch it"
	unpack
fi
arch=$(dpkg-architecture -q DEB_HOST_MULTIARCH 2>/dev/null || cc -print-multiarch)
NODE_PATH=$base/root/usr/share/nodejs:$base/root/usr/lib/$arch/nodejs:$base/root/usr/share/javascript
export NODE_PATH
exec node "$base/root/$cli" "$@"
