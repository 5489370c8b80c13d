#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# deps.sh [compile|build|test]: installs what is missing to compile (`compile`), to build and run
# (`build`, the default) or to run the tests as well (`test`). `compile` leaves out what npm brings, so
# that compilers can work meanwhile. What is there already is left alone, and where nothing is missing
# nothing is asked of the network. Debian packages come from apt, through sudo when not root; ONNX
# Runtime and uPlot from the scripts beside this one, which check what they fetch.
set -eu

what=${1:-build}
cd "$(dirname "$0")/../.."
missing=

say() { printf 'deps: %s\n' "$*"; }
die() { say "$*" >&2; exit 1; }

as_root() {
	if [ "$(id -u)" = 0 ]; then
		"$@"
	elif command -v sudo >/dev/null; then
		sudo "$@"
	else
		die "these packages are missing, and there is neither root nor sudo:$missing"
	fi
}

# ---- is it there? each line: how to see it, and the package that brings it ----

lacks() { missing="$missing $1"; }
command_of() { command -v "$1" >/dev/null || lacks "$2"; }
file_of() { [ -e "$1" ] || lacks "$2"; }
# The system's own Python, which Debian's packages of modules belong to.
module_of() { /usr/bin/python3 -c "import $1" 2>/dev/null || lacks "$2"; }
header_of() {
	if ! command -v cc >/dev/null || ! echo "#include <$1>" | cc -E -x c - >/dev/null 2>&1; then
		lacks "$2"
	fi
}

for_compile() {
	command_of cc gcc
	command_of make make
	command_of musl-gcc musl-tools
	command_of sha256sum coreutils
	header_of stdlib.h libc6-dev
	header_of linux/seccomp.h linux-libc-dev
	header_of microhttpd.h libmicrohttpd-dev
	header_of event2/event.h libevent-dev
	header_of sqlite3.h libsqlite3-dev
	header_of cjson/cJSON.h libcjson-dev
	header_of curl/curl.h libcurl4-openssl-dev
	header_of openssl/evp.h libssl-dev
	header_of uthash.h uthash-dev
	header_of libusb-1.0/libusb.h libusb-1.0-0-dev
	header_of brotli/encode.h libbrotli-dev
	header_of lz4frame.h liblz4-dev
	header_of zstd.h libzstd-dev
	header_of zlib.h zlib1g-dev
	header_of zip.h libzip-dev
	command_of python3 python3
	module_of onnx python3-onnx
	[ -e /etc/ssl/certs/ca-certificates.crt ] || lacks ca-certificates
	fetched || command -v npm >/dev/null || command_of node nodejs
}

for_test() {
	header_of cmocka.h libcmocka-dev
	file_of /usr/share/libonnx-testdata/data/node libonnx-testdata
	file_of /usr/include/umockdev-1.0/umockdev.h libumockdev-dev
	command_of umockdev-wrapper umockdev
	command_of pkg-config pkg-config
	command_of strace strace
	command_of sqlite3 sqlite3
	module_of hypothesis python3-hypothesis
	module_of jsonschema python3-jsonschema
	module_of prometheus_client python3-prometheus-client
	command_of adb adb
	file_of /usr/bin/qemu-aarch64-static qemu-user-static
	command_of aarch64-linux-gnu-gcc gcc-aarch64-linux-gnu
	file_of /usr/aarch64-linux-gnu/include/stdlib.h libc6-dev-arm64-cross
	file_of /usr/aarch64-linux-gnu/lib/libstdc++.so.6 libstdc++6-arm64-cross
	command_of arm-linux-gnueabihf-gcc gcc-arm-linux-gnueabihf
	command_of ip iproute2
	command_of unshare util-linux
	command_of systemd-nspawn systemd-container
	command_of zsh zsh
	command_of curl curl
	command_of openssl openssl
	command_of clang clang
	command_of llvm-cov llvm
	libfuzzer || lacks "clang libclang-rt-dev"
	command_of clang-format clang-format
	command_of chromium chromium
	command_of node nodejs
	{ [ -d .cache/browser/node_modules/playwright-core ] && [ -d .cache/openapi/node_modules ]; } ||
		command_of npm npm
}

libfuzzer() {
	command -v clang >/dev/null &&
		[ -n "$(find "$(clang -print-resource-dir)" -name 'libclang_rt.fuzzer*.a' 2>/dev/null)" ]
}

# Whether what only npm brings is here already.
fetched() {
	[ -e .cache/uplot/uPlot.iife.min.js ] || return 1
	[ -n "${FRAMEFARM_ORT:-}" ] && return 0
	for lib in .cache/ort/*/libonnxruntime.so.1 /usr/lib/*/libonnxruntime.so.1*; do
		[ -e "$lib" ] && return 0
	done
	return 1
}

install_packages() {
	command -v apt-get >/dev/null ||
		die "this host has no apt; install what these Debian packages bring:$missing"
	say "installing$missing"
	as_root apt-get update -q </dev/null >/dev/null || die "apt-get update failed: is there a network?"
	# shellcheck disable=SC2086
	as_root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends \
		-o DPkg::Lock::Timeout=300 $missing </dev/null || die "apt-get could not install:$missing"
}

case $what in
compile | build) for_compile ;;
test) for_compile; for_test ;;
*) echo "usage: deps.sh [compile|build|test]" >&2; exit 2 ;;
esac
[ -z "$missing" ] || install_packages
[ "$what" != compile ] || exit 0
# Where it cannot be had without being installed, it is installed.
if ! fetched && ! etc/build/npm.sh --version >/dev/null; then
	missing=" npm"
	install_packages
fi

ort=$(etc/build/fetch-ort.sh) || die "ONNX Runtime is missing; put its library somewhere and set FRAMEFARM_ORT"
ort=$(printf '%s\n' "$ort" | tail -n 1)
etc/build/fetch-uplot.sh
say "all there; ONNX Runtime is $ort"
