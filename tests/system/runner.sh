#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# runner.sh BUILD: the runner's stories against the runtime library that etc/build/fetch-ort.sh
# finds.
set -eu
tree=$(cd "$(dirname "$0")/../.." && pwd)
build=$(cd "$1" && pwd)
FRAMEFARM_ORT=$("$tree/etc/build/fetch-ort.sh" | tail -n 1)
FRAMEFARM_RUNNER=$build/framefarm-runner-onnxruntime
FRAMEFARM_MODELS=$build/models
FRAMEFARM_OLD_ORT=$build/tests/system/old_ort.so
export FRAMEFARM_OLD_ORT FRAMEFARM_ORT FRAMEFARM_RUNNER FRAMEFARM_MODELS
for story in test_attempt test_bad; do
	"$build/tests/system/$story"
done
