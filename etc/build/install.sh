#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# install.sh install|uninstall BUILD: puts what was built below $DESTDIR$PREFIX, or takes it away again.
# From the environment: DESTDIR (empty), PREFIX (/usr/local), SYSCONFDIR (/etc), ORT (the runtime's library;
# empty: none is installed). Nothing is built, nobody's rights but one's own are needed, and the
# configuration and the data are left alone by either.
set -eu

what=$1 build=$2
PREFIX=${PREFIX:-/usr/local} SYSCONFDIR=${SYSCONFDIR:-/etc} DESTDIR=${DESTDIR:-}
root=$(cd "$(dirname "$0")/../.." && pwd)
cd "$root"

bin=$PREFIX/bin
tools=$PREFIX/lib/framefarm
man=$PREFIX/share/man/man1
doc=$PREFIX/share/doc/framefarm
bash=$PREFIX/share/bash-completion/completions
zsh=$PREFIX/share/zsh/site-functions
units=$PREFIX/lib/systemd/system
sysusers=$PREFIX/lib/sysusers.d
rules=$PREFIX/lib/udev/rules.d
conf=$SYSCONFDIR/framefarm

say() { printf 'install: %s\n' "$*"; }
die() { say "$*" >&2; exit 1; }

# put MODE FILE NAME: NAME is below DESTDIR.
put() {
	mkdir -p "$DESTDIR$(dirname "$3")"
	install -m "$1" "$2" "$DESTDIR$3"
}

# A program of this host without what it says about the tree that it was built in; its functions keep their
# names, for whoever reads a core.
put_program() {
	put 755 "$1" "$2"
	"${STRIP:-strip}" --strip-debug "$DESTDIR$2"
}

put_tools() {
	put_program "$build/framefarm-agent" "$tools/framefarm-agent"
	put_program "$build/framefarm-runner-onnxruntime" "$tools/framefarm-runner-onnxruntime"
	put_program "$build/framefarm_sql.so" "$tools/framefarm_sql.so"
	if [ -n "${ORT:-}" ]; then
		put 644 "$ORT" "$tools/libonnxruntime.so.1"
	fi
	# What devices of other ABIs and C libraries need, as far as it was built.
	for abi in x86_64 aarch64 armv7l; do
		[ -d "$build/$abi" ] || continue
		(cd "$build/$abi" && find . -type f ! -name '.*' -print) | while read -r file; do
			mode=644
			[ ! -x "$build/$abi/$file" ] || mode=755
			put "$mode" "$build/$abi/$file" "$tools/$abi/${file#./}"
		done
	done
}

put_docs() {
	put 644 "$build/framefarm.1" "$man/framefarm.1"
	put 644 "$build/framefarm-phone.1" "$man/framefarm-phone.1"
	for program in framefarm framefarm-phone; do
		put 644 "$build/completion/$program.bash" "$bash/$program"
		put 644 "$build/completion/_$program" "$zsh/_$program"
	done
	for file in README.md CHANGELOG.md LICENSE; do
		put 644 "$file" "$doc/$file"
	done
	put 644 profiles/job.schema.json "$doc/job.schema.json"
	for file in profiles/examples/*.json; do
		put 644 "$file" "$doc/examples/$(basename "$file")"
	done
	put 644 "$build/framefarm.conf" "$doc/framefarm.conf"
}

put_service() {
	mkdir -p "$DESTDIR$units"
	sed "s|@BINDIR@|$bin|g" etc/systemd/framefarm.service.in >"$DESTDIR$units/framefarm.service"
	chmod 644 "$DESTDIR$units/framefarm.service"
	put 644 etc/systemd/framefarm.sysusers "$sysusers/framefarm.conf"
	put 644 etc/udev/51-framefarm.rules "$rules/51-framefarm.rules"
	if [ -e "$DESTDIR$conf/framefarm.conf" ]; then
		say "$DESTDIR$conf/framefarm.conf stays as it is; $DESTDIR$doc/framefarm.conf has every key"
	else
		put 644 "$build/framefarm.conf" "$conf/framefarm.conf"
	fi
}

case $what in
install)
	[ -x "$build/framefarm" ] || die "$build/framefarm is not there; run \`make\` first"
	put_program "$build/framefarm" "$bin/framefarm"
	put_program "$build/framefarm-phone" "$bin/framefarm-phone"
	put_tools
	put_docs
	put_service
	say "installed below $DESTDIR$PREFIX"
	[ -n "$DESTDIR" ] || say "to run it as a service: systemd-sysusers && udevadm control --reload &&" \
		"systemctl daemon-reload && systemctl enable --now framefarm"
	;;
uninstall)
	rm -f "$DESTDIR$bin/framefarm" "$DESTDIR$bin/framefarm-phone" \
		"$DESTDIR$man/framefarm.1" "$DESTDIR$man/framefarm-phone.1" \
		"$DESTDIR$bash/framefarm" "$DESTDIR$bash/framefarm-phone" \
		"$DESTDIR$zsh/_framefarm" "$DESTDIR$zsh/_framefarm-phone" \
		"$DESTDIR$units/framefarm.service" "$DESTDIR$sysusers/framefarm.conf" \
		"$DESTDIR$rules/51-framefarm.rules"
	rm -rf "$DESTDIR$tools" "$DESTDIR$doc"
	say "removed from $DESTDIR$PREFIX; $conf, /var/lib/framefarm and the user framefarm are left"
	;;
*)
	die "usage: install.sh install|uninstall BUILD"
	;;
esac
