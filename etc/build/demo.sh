#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The demo (`make demo`): installs what is missing, builds (the compilers work while npm and what it
# fetches come in the background, since either takes its time on a bare host), starts the daemon on loopback with a store
# of its own, measures the example models on this very machine, prints the verdicts and the page's
# address, and stays until Ctrl-C. With ONCE=1 it ends after the verdicts.
# Exit code: 0 when every job came to a verdict, whichever; otherwise that of the first that did not.
set -eu

cd "$(dirname "$0")/../.."
build=${B:-build}
data=$build/demo
log=$data.log
port=${PORT:-8765}
jobs="profiles/examples/mobilenet-v1.json profiles/examples/transformer.json"
hello= # what the daemon says on stdout once it listens
pid=
fetch= # deps.sh in the background
fetch_log=$build/deps.log
began=$(date +%s)

# A stage, and the seconds since the start.
say() { printf '\n=== %s (%s s)\n' "$*" "$(($(date +%s) - began))"; }
die() { printf 'demo: %s\n' "$*" >&2; exit 1; }

# The daemon is our child. The agent it started outlives it, as it does on a phone; a demo leaves
# nothing behind, so the process that has our directory on its command line ends too.
stop() {
	# apt ends what it has begun by itself: it must not be cut in the middle.
	[ -z "$fetch" ] || kill "$fetch" 2>/dev/null || :
	fetch=
	[ -n "$pid" ] || return 0
	kill "$pid" 2>/dev/null || :
	wait "$pid" 2>/dev/null || :
	rm -f "$hello"
	pid=
	device=$(cd "$data/devices/local/device" 2>/dev/null && pwd) || return 0
	agent=$(cat "$device/agent.pid" 2>/dev/null) || return 0
	if tr '\0' '\n' <"/proc/$agent/cmdline" 2>/dev/null | grep -qxF -e "--dir=$device"; then
		kill "$agent" 2>/dev/null || :
	fi
}
trap stop EXIT
trap 'stop; exit 130' INT
trap 'stop; exit 143' TERM

start() { # PORT; sets url and is true when it listens
	hello=$(mktemp)
	"$build/framefarm" serve --local --data "$data" --listen "127.0.0.1:$1" >"$hello" 2>>"$log" &
	pid=$!
	tries=0
	while url=$(sed -n 's/.* listens on //p' "$hello") && [ -z "$url" ]; do
		if ! kill -0 "$pid" 2>/dev/null; then
			wait "$pid" || :
			rm -f "$hello"
			pid=
			return 1
		fi
		tries=$((tries + 1))
		[ "$tries" -le 300 ] || die "the daemon does not listen after 30 s; see $log"
		sleep 0.1
	done
}

say "what is needed to compile"
etc/build/deps.sh compile

say "the rest of what is needed, in the background; its log is $fetch_log"
mkdir -p "$build"
etc/build/deps.sh build </dev/null >"$fetch_log" 2>&1 &
fetch=$!

say "build: everything that needs nothing of it"
${MAKE:-make} -j2 B="$build" early

say "the rest of what is needed: waiting for it"
if ! wait "$fetch"; then
	fetch=
	tail -n 20 "$fetch_log" >&2
	die "something that is needed is missing; the whole story is in $fetch_log"
fi
fetch=
tail -n 1 "$fetch_log"

say "build: the rest"
${MAKE:-make} -j2 B="$build" all models

say "daemon"
if ! start "$port"; then
	tail -n 1 "$log"
	echo "once more, on a free port"
	start 0 || die "$(tail -n 1 "$log")"
fi
echo "listening at $url; its log is $log"

code=0
for job in $jobs; do
	say "$job"
	rc=0
	"$build/framefarm" run --data "$data" --url "$url" "$job" || rc=$?
	case $rc in
	0 | 10 | 11 | 12 | 13 | 15) ;;
	*) [ "$code" != 0 ] || code=$rc ;;
	esac
done

say "results"
"$build/framefarm" job list --data "$data" --url "$url"
cat <<END

The page:  $url/
The token: $(cat "$data/admin.token")   (asked for once; also in $data/admin.token)
Try:       $build/framefarm device show --data $data local
           $build/framefarm run --data $data profiles/examples/mobilenet-v2.json
END

if [ -z "${ONCE:-}" ] && [ "$code" = 0 ]; then
	echo
	echo "The daemon stays until Ctrl-C."
	wait "$pid" || die "the daemon ended; see $log"
fi
stop
exit "$code"
