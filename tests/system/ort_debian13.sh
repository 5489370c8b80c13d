#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# ort_debian13.sh BUILD: the runner against Debian 13's ONNX Runtime 1.21, through that release's
# own loader: the slot table against the package's header, partial delegation, strict mode, the
# node tests. Skips, loudly, where the packages cannot be fetched.
set -eu
tree=$(cd "$(dirname "$0")/../.." && pwd)
build=$(cd "$1" && pwd)

skip() { printf '\n*** ort_debian13: SKIPPED: %s ***\n\n' "$*"; exit 0; }

root=$("$tree/etc/build/fetch-ort-debian13.sh" | tail -n 1) && [ -n "$root" ] ||
	skip "Debian 13's packages cannot be fetched"
libs=$root/usr/lib/x86_64-linux-gnu
lib=$(find "$libs" -name 'libonnxruntime.so.1.*' | sort | tail -n 1)
header=$(find "$root/usr/include" -name onnxruntime_c_api.h | head -n 1)
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

${CC:-cc} -std=c11 -I"$tree" -isystem "$(dirname "$header")" -fsyntax-only \
	"$tree/tests/system/runner/ort_slots.c"
echo "ort_debian13: every slot stands where the header of $(basename "$lib") has it"

cat >"$tmp/framefarm-runner-onnxruntime" <<END
#!/bin/sh
exec "$libs/ld-linux-x86-64.so.2" --library-path "$libs" "$build/framefarm-runner-onnxruntime" "\$@"
END
chmod +x "$tmp/framefarm-runner-onnxruntime"
FRAMEFARM_RUNNER=$tmp/framefarm-runner-onnxruntime FRAMEFARM_ORT=$lib \
	FRAMEFARM_MODELS=$build/models "$build/tests/system/test_debian13"
"$tree/tests/system/onnx_node.sh" "$tmp" "$lib"
