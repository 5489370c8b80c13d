#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# fetch-promtool.sh: Prometheus' own checker of figures, for tests, from Debian's package, which apt
# checks. It is unpacked into .cache/promtool/ and not installed, since the package starts a server.
# The path is the last line on stdout. Exit codes: 0, or 1.
set -eu

cd "$(dirname "$0")/../.."
tool=.cache/promtool/promtool

say() { printf 'promtool: %s\n' "$*" >&2; }

if [ ! -x "$tool" ]; then
	tmp=$(mktemp -d /tmp/framefarm-promtool.XXXXXX)
	trap 'rm -rf "$tmp"' EXIT
	say "fetching Debian's prometheus, to be unpacked and not installed"
	(cd "$tmp" && apt-get -q download prometheus >log 2>&1) || { cat "$tmp/log" >&2; say "apt-get could not fetch it"; exit 1; }
	dpkg-deb --fsys-tarfile "$tmp"/prometheus_*.deb | tar -x -C "$tmp" --no-same-owner ./usr/bin/promtool
	mkdir -p .cache/promtool
	mv "$tmp/usr/bin/promtool" "$tool.new"
	mv "$tool.new" "$tool"
fi
printf '%s\n' "$(pwd)/$tool"
