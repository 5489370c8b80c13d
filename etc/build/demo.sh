#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The demo (`make demo`): installs what is missing, builds (the compilers work while npm and what it
# fetches come in the background, since either takes its time on a bare host), starts the daemon on loopback with a store
# of its own and a shelf of virtual phones beside this very machine, runs the example models there and
# here, prints the verdicts and the page's address, and stays until Ctrl-C. With ONCE=1 it ends after
# the verdicts.
# DEMO_DATA is the daemon's directory instead, DEMO_JOBS the jobs behind those of the shelf ("" for none).
# Exit code: 0 when every job came to a verdict, whichever; otherwise that of the first that did not.
set -eu

cd "$(dirname "$0")/../.."
build=${B:-build}
data=${DEMO_DATA:-$build/demo}
log=$data.log
port=${PORT:-8765}
jobs=${DEMO_JOBS-profiles/examples/mobilenet-v1.json}
hello= # what the daemon says on stdout once it listens
pid=
phones= # processes of virtual phones
shelf= # addresses that the daemon was told of
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
	for address in $shelf; do # it would look for them at its next start, too
		"$build/framefarm" device disconnect --data "$data" --retry 0s "$address" 2>/dev/null || :
	done
	shelf=
	for phone in $phones; do
		kill "$phone" 2>/dev/null || :
	done
	for phone in $phones; do
		wait "$phone" 2>/dev/null || :
	done
	phones=
	rm -f "$data"-phones.*
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

# play NAME COUNT OPTION…: virtual phones; their addresses are then in $data-phones.NAME. False where
# there can be none, which is no reason to show nothing.
play() {
	out=$data-phones.$1 count=$2
	shift 2
	: >"$out" # it is read before the phone's process has had its turn
	"$build/framefarm-phone" --port 0 --count "$count" "$@" >"$out" 2>>"$log" &
	phones="$phones $!"
	tries=0
	while [ "$(wc -l <"$out")" -lt "$count" ]; do
		kill -0 "${phones##* }" 2>/dev/null || return 1
		tries=$((tries + 1))
		[ "$tries" -le 300 ] || return 1
		sleep 0.1
	done
}
addresses() { sed -n 's/^listening \([^ ]*\) .*/\1/p' "$data-phones.$1"; }

# ready N: waits until so many devices are.
ready() {
	tries=0
	until [ "$("$build/framefarm" device list --data "$data" --url "$url" --state ready --no-color |
		grep -c '^d[0-9]')" -ge "$1" ]; do
		tries=$((tries + 1))
		[ "$tries" -le 120 ] || return 1
		sleep 0.5
	done
}

# run JOB: notes the exit code of the first that came to no verdict.
run() {
	say "$1"
	rc=0
	"$build/framefarm" run --data "$data" --url "$url" "$1" || rc=$?
	case $rc in
	0 | 10 | 11 | 12 | 13 | 15) ;;
	*) [ "$code" != 0 ] || code=$rc ;;
	esac
}

start() { # PORT; sets url and is true when it listens
	hello=$(mktemp)
	# The phones that are plugged in here stay whose they are; `framefarm serve` finds them.
	"$build/framefarm" serve --local --no-usb ${cable:+--adb "$cable"} --data "$data" --listen "127.0.0.1:$1" >"$hello" 2>>"$log" &
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

say "virtual phones: one with a bad cable, two good ones"
mkdir -p "$data"
cable=
# The first connection breaks in the middle of the files that its first run needs.
if play cable 1 --profile galaxy-s9 --quirk cut-in=2000000 && play shelf 2 --profile pixel-8; then
	cable=$(addresses cable)
	cat "$data"-phones.*
else
	tail -n 1 "$log"
	echo "none can be played on this host; on without them, with this machine alone"
fi

say "daemon"
if ! start "$port"; then
	tail -n 1 "$log"
	echo "once more, on a free port"
	start 0 || die "$(tail -n 1 "$log")"
fi
echo "listening at $url; its log is $log"

code=0
if [ -n "$cable" ]; then
	# The job takes whoever has been idle longest: the phone with the bad cable, which was first.
	ready 2 || die "the first virtual phone does not get ready; see $log"
	for address in $(addresses shelf); do
		shelf="$shelf $address"
		"$build/framefarm" device connect --data "$data" --url "$url" "$address" 2>/dev/null
	done
	ready 4 || die "the virtual phones do not get ready; see $log"
	"$build/framefarm" device list --data "$data" --url "$url" --state ready
	echo "One phone fails in the middle; its run is tried again on another:"
	run profiles/examples/one-phone.json
	ready 4 || die "the phone with the bad cable does not come back; see $log"
	echo "One job across all of them, and this machine:"
	run profiles/examples/shelf.json
fi
for job in $jobs; do
	run "$job"
done

say "results"
"$build/framefarm" job list --data "$data" --url "$url"
cat <<END

The page:  $url/
The token: $(cat "$data/admin.token")   (asked for once; also in $data/admin.token)
Try:       $build/framefarm device show --data $data local
           $build/framefarm run --data $data profiles/examples/transformer.json
           $build/framefarm job artifacts --data $data JOB    (what a phone said when a run failed)
END

if [ -z "${ONCE:-}" ] && [ "$code" = 0 ]; then
	echo
	echo "The daemon stays until Ctrl-C."
	wait "$pid" || die "the daemon ended; see $log"
fi
stop
exit "$code"
