#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# fetch-musl.sh arm64|armhf: unpacks Debian's musl-dev and kernel headers of another architecture into
# .cache/musl/ARCH, for static programs that run on any Linux of that ABI. Nothing is installed, and the
# host's own architectures stay as they are: apt works with a state of its own, from the host's sources,
# and checks what it fetches.
# The folder is the last line on stdout, progress goes to stderr. Exit codes: 0, 1, or 2 (usage).
set -eu

arch=${1:-}
case $arch in
arm64) triple=aarch64-linux-musl ;;
armhf) triple=arm-linux-musleabihf ;;
*) echo "usage: fetch-musl.sh arm64|armhf" >&2; exit 2 ;;
esac
tree=$(cd "$(dirname "$0")/../.." && pwd)
base=$tree/.cache/musl/$arch

say() { printf 'fetch-musl: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

if [ -f "$base/.complete" ]; then
	printf '%s\n' "$base"
	exit 0
fi
command -v apt-get >/dev/null || die "this host has no apt"
say "fetching musl for $arch"
# apt's options are split at blanks in places, so it works in a directory of a plain name.
tmp=$(mktemp -d /tmp/framefarm-musl.XXXXXX)
trap 'rm -rf "$tmp"' EXIT
mkdir -p "$tmp/state/lists/partial" "$tmp/cache/archives/partial" "$tmp/root"
apt() {
	apt-get -q -o APT::Architecture="$arch" -o APT::Architectures::="$arch" \
		-o Dir::State="$tmp/state" -o Dir::State::status=/dev/null -o Dir::Cache="$tmp/cache" \
		-o APT::Sandbox::User="$(id -un)" -o Debug::NoLocking=true "$@" >&2
}
apt update || say "some package lists for $arch could not be read; going on with the others"
(cd "$tmp/cache/archives" && apt download musl-dev linux-libc-dev) || die "apt could not fetch musl-dev"
for deb in "$tmp"/cache/archives/*.deb; do
	dpkg-deb -x "$deb" "$tmp/root" || die "$deb cannot be unpacked"
done
rm -rf "$tmp/root/usr/share"
[ -f "$tmp/root/usr/lib/$triple/libc.a" ] || die "the package has no libc.a"
: >"$tmp/root/.complete"
rm -rf "$base"
mkdir -p "$(dirname "$base")"
cp -a "$tmp/root" "$base"
printf '%s\n' "$base"
