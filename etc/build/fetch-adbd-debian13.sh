#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Unpacks Debian 13's adbd, which is AOSP's own daemon, with a shell and its tools into
# .cache/adbd/debian13/root; see unpack-debian13.sh, whose output this is.
set -eu

tree=$(cd "$(dirname "$0")/../.." && pwd)
root=$("$tree/etc/build/unpack-debian13.sh" "$tree/.cache/adbd/debian13" \
	adbd bash coreutils grep sed findutils procps | tail -n 1)
[ -n "$root" ] || exit 1
if ! find "$root" -name adbd -type f | grep -q .; then
	echo "fetch-adbd-debian13: no adbd was unpacked" >&2
	exit 1
fi
[ -e "$root/usr/bin/sh" ] || ln -s bash "$root/usr/bin/sh"
mkdir -p "$root/data" "$root/shim"
[ -e "$root/adb_keys" ] || : >"$root/adb_keys"
printf '%s\n' "$root"
