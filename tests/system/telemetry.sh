#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# telemetry.sh BUILD [LIB [keep]]: a run makes no socket and no file but ours. The runner measures a
# model for a dozen seconds (a runtime that reports home looks for its host after some eight) in a
# network namespace that holds nothing but loopback, under strace; every socket, and every file made
# outside the scratch directory, is a failure. `keep` takes back the runner's opt-out, to see the
# test fail with a library that reports home (npm's 1.29 and newer).
set -eu
tree=$(cd "$(dirname "$0")/../.." && pwd)
build=$(cd "$1" && pwd)
lib=${2:-$("$tree/etc/build/fetch-ort.sh" | tail -n 1)}
runs=20000

command -v strace >/dev/null || { echo "telemetry: strace is missing: apt-get install strace"; exit 1; }
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
mkdir "$tmp/scratch" "$tmp/home" "$tmp/tmpdir"

preload=
if [ "${3:-}" = keep ]; then
	${CC:-cc} -shared -fPIC -o "$tmp/keep.so" "$tree/tests/system/runner/keep_telemetry.c" -ldl
	preload=$tmp/keep.so
fi

# Without the right to make a namespace the run is as strict, only not as safe.
isolate="unshare -n"
[ "$(id -u)" = 0 ] || isolate="unshare -rn"
$isolate true 2>/dev/null || { isolate=; echo "telemetry: no network namespace here"; }
[ -n "$isolate" ] || [ -z "$preload" ] || { echo "telemetry: not without a namespace"; exit 1; }

# HOME and TMPDIR are ours, so that what is made there is seen and goes away.
# shellcheck disable=SC2086
(
	cd "$tmp/scratch"
	env -u ORT_DISABLE_TELEMETRY HOME="$tmp/home" TMPDIR="$tmp/tmpdir" LD_PRELOAD= \
		$isolate strace -f -qq -o "$tmp/trace" -E LD_PRELOAD="$preload" \
		-e trace=%network,openat,open,creat,mkdir,mkdirat,rename,renameat,renameat2,link,linkat,symlink,symlinkat,mknod,mknodat \
		"$build/framefarm-runner-onnxruntime" --bench "$lib" \
		"$build/models/mobilenet_v1_025_fp32.onnx" --runs $runs --warmup 0 \
		>"$tmp/out" 2>"$tmp/log"
) || { tail -n 5 "$tmp/log"; echo "telemetry: the run failed"; exit 1; }
grep -q "^runs $runs\$" "$tmp/out" || { echo "telemetry: the run is incomplete"; exit 1; }
grep -q 'openat(' "$tmp/trace" || { echo "telemetry: nothing was traced"; exit 1; }

grep -E ' (socket|connect|sendto|sendmsg|bind|socketpair)\(' "$tmp/trace" >"$tmp/sockets" || :
grep -E 'O_CREAT|O_TMPFILE|(creat|mkdir|mkdirat|rename|renameat2?|link|linkat|symlink|symlinkat|mknod|mknodat)\(' \
	"$tmp/trace" | grep -vF "\"$tmp/scratch/" >"$tmp/files" || :
echo "telemetry: $(wc -l <"$tmp/sockets") socket calls, $(wc -l <"$tmp/files") files made outside," \
	"$(find "$tmp/scratch" -mindepth 1 | wc -l) left in the scratch directory," \
	"wall $(sed -n 's/^wall_ns //p' "$tmp/out" | awk '{printf "%.1f s", $1 / 1e9}')"
if [ -s "$tmp/sockets" ] || [ -s "$tmp/files" ] || [ -n "$(ls -A "$tmp/scratch")" ]; then
	head -n 20 "$tmp/sockets" "$tmp/files"
	echo "telemetry: the runtime does more than run the model"
	exit 1
fi
