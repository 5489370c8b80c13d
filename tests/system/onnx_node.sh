#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# onnx_node.sh BUILD [LIB]: ONNX's node tests through the runner, in one process. Fails when one that
# tests/models/onnx-node-exceptions.tsv does not list fails, or when fewer pass than that leaves
# (859 of 932 with no exception of a single runtime version). One that is listed and passes is
# printed: random numbers do that.
set -eu
tree=$(cd "$(dirname "$0")/../.." && pwd)
runner=$1/framefarm-runner-onnxruntime
lib=${2:-$("$tree/etc/build/fetch-ort.sh" | tail -n 1)}
data=/usr/share/libonnx-testdata/data/node
list=$tree/tests/models/onnx-node-exceptions.tsv

[ -d "$data" ] || { echo "onnx_node: $data is missing: apt-get install libonnx-testdata"; exit 1; }
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

version=$("$runner" --check "$lib" 2>/dev/null | sed -n 's/^version \([0-9]*\.[0-9]*\).*/\1/p')
grep -v '^#' "$list" | awk -F'\t' -v v="$version" '$2 == "any" || $2 == v { print $1 }' |
	sort >"$tmp/listed"
"$runner" --onnx-tests "$lib" "$data" >"$tmp/out" 2>"$tmp/log" || [ $? = 1 ]
sed -n 's/^not ok \([^\t]*\)\t.*/\1/p' "$tmp/out" | sort >"$tmp/failed"

tail -n 1 "$tmp/out" | sed "s/^/onnx_node: runtime $version: /"
comm -13 "$tmp/failed" "$tmp/listed" | sed 's/^/onnx_node: listed, but passes: /'
comm -23 "$tmp/failed" "$tmp/listed" >"$tmp/new"
bad=0
while read -r name; do
	grep "^not ok $name	" "$tmp/out"
	bad=1
done <"$tmp/new"
ok=$(sed -n 's/^\([0-9]*\) ok, .*/\1/p' "$tmp/out")
total=$(find "$data" -mindepth 1 -maxdepth 1 | wc -l)
least=$((total - $(wc -l <"$tmp/listed")))
if [ "${ok:-0}" -lt "$least" ]; then
	echo "onnx_node: ${ok:-none} pass, at least $least must"
	tail -n 5 "$tmp/log"
	bad=1
fi
# The list must not be where a regression is hidden: only what one runtime version lacks comes on top.
always=$(awk -F'\t' '!/^#/ && $2 == "any"' "$list" | wc -l)
if [ $((total - always)) -lt 854 ]; then
	echo "onnx_node: $list excuses $always of $total tests; at least 854 must pass"
	bad=1
fi
exit $bad
