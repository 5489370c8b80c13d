#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# run.sh SERVER: the dashboard in a real browser. Needs chromium and node; says so and succeeds where
# one is missing, since the pages' logic on the server's side is tested without them. playwright-core
# drives the browser; it is fetched once into .cache/browser/ by its pinned version and hash.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
server=$(realpath "$1")
cache=$(dirname "$(dirname "$here")")/.cache/browser

skip() {
	echo "browser tests SKIPPED: $1" >&2
	exit 0
}

chromium=${CHROMIUM:-$(command -v chromium || command -v chromium-browser || :)}
[ -n "$chromium" ] || skip "there is no chromium (apt-get install chromium)"
command -v node >/dev/null || skip "there is no node (apt-get install nodejs npm)"

mkdir -p "$cache"
if ! cmp -s "$here/package-lock.json" "$cache/package-lock.json" ||
	! [ -d "$cache/node_modules/playwright-core" ]; then
	command -v npm >/dev/null || skip "there is no npm to fetch playwright-core with"
	cp "$here/package.json" "$cache/package.json"
	cp "$here/package-lock.json" "$cache/new-lock.json"
	mv "$cache/new-lock.json" "$cache/package-lock.json"
	(cd "$cache" && npm ci --silent --ignore-scripts --no-audit --no-fund) || {
		rm -f "$cache/package-lock.json"
		skip "playwright-core could not be fetched (is there a network?)"
	}
fi

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
failed=0
for test in "$here"/*.test.mjs; do
	echo "$(basename "$test")"
	TMPDIR=$tmp CHROMIUM=$chromium SERVER=$server MODULES=$cache node "$test" || failed=1
done
exit $failed
