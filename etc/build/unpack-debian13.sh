#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# unpack-debian13.sh FOLDER PACKAGE…: unpacks Debian 13's packages, with all that they need, into
# FOLDER/root, to be run through that root's own loader or in a chroot. For tests only; nothing is
# installed. The packages come from the host's own apt sources, the suite's name rewritten, under a
# private apt configuration, and are checked by apt's signatures.
# The root's path is the last line on stdout, progress goes to stderr. Exit codes: 0, or 1.
set -eu

suite=trixie
base=$1
shift
packages=$*

say() { printf 'debian13: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

if [ -f "$base/root/.complete" ]; then
	printf '%s\n' "$base/root"
	exit 0
fi
[ "$(uname -m)" = x86_64 ] || die "only for x86_64"
command -v apt-get >/dev/null || die "this host has no apt"

# apt's options are split at blanks in places, so it works in a directory of a plain name.
tmp=$(mktemp -d /tmp/framefarm-debian13.XXXXXX)
trap 'rm -rf "$tmp"' EXIT
mkdir -p "$tmp/parts" "$tmp/state/lists/partial" "$tmp/cache/archives/partial" "$tmp/root"
: >"$tmp/status"
: >"$tmp/sources.list"

# Only sources that have the release itself, not third parties' with its name in theirs.
release=$(. /etc/os-release && printf %s "${VERSION_CODENAME:-}")
[ -n "$release" ] || die "this host's release has no code name"
n=0
for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources; do
	[ -f "$file" ] || continue
	grep -Eq "^(Suites:|deb ).*[[:space:]]$release([-[:space:]]|\$)" "$file" || continue
	n=$((n + 1))
	sed -E "s/([[:space:]])$release([-[:space:]]|\$)/\1$suite\2/g" "$file" \
		>"$tmp/parts/source$n.${file##*.}"
done
[ "$n" -gt 0 ] || die "this host's apt sources have no $release to rewrite"

apt() {
	apt-get -q \
		-o Dir::Etc::sourcelist="$tmp/sources.list" -o Dir::Etc::sourceparts="$tmp/parts" \
		-o Dir::State="$tmp/state" -o Dir::State::status="$tmp/status" \
		-o Dir::Cache="$tmp/cache" -o APT::Sandbox::User="$(id -un)" \
		-o APT::Install-Recommends=false -o Debug::NoLocking=true "$@" >&2
}

say "fetching $packages and what they need from $suite"
apt update || die "apt could not read the package lists of $suite"
# shellcheck disable=SC2086
apt install --download-only -y $packages || die "apt could not fetch $packages"
for deb in "$tmp"/cache/archives/*.deb; do
	dpkg-deb -x "$deb" "$tmp/root" || die "$deb cannot be unpacked"
done
: >"$tmp/root/.complete"
mkdir -p "$base"
rm -rf "$base/root" "$base/root.new"
cp -a "$tmp/root" "$base/root.new"
mv "$base/root.new" "$base/root"
say "unpacked into $base/root"
printf '%s\n' "$base/root"
