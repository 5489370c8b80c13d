#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Unpacks Debian 13's ONNX Runtime 1.21 (a build with XNNPACK, and its C header) into
# .cache/ort/debian13/root; see unpack-debian13.sh, whose output this is.
set -eu

tree=$(cd "$(dirname "$0")/../.." && pwd)
root=$("$tree/etc/build/unpack-debian13.sh" "$tree/.cache/ort/debian13" \
	libonnxruntime1.21 libonnxruntime-dev | tail -n 1)
[ -n "$root" ] || exit 1
if ! find "$root" -name onnxruntime_c_api.h | grep -q .; then
	echo "fetch-ort-debian13: no header was unpacked" >&2
	exit 1
fi
printf '%s\n' "$root"
