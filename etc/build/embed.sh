#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# embed.sh FILE…: prints C source that puts the files into the program, with the table that
# controller/api/asset.h describes. The assembler reads them (.incbin) relative to where the
# compiler runs, so run both at the top of the tree; file names must not hold spaces or quotes, the
# tree's own path may.
set -eu

type_of() {
	case $1 in
	*.html) echo "text/html; charset=utf-8" ;;
	*.css) echo "text/css; charset=utf-8" ;;
	*.js) echo "text/javascript; charset=utf-8" ;;
	*.json) echo "application/json" ;;
	*.svg) echo "image/svg+xml" ;;
	*.txt) echo "text/plain; charset=utf-8" ;;
	*) echo "embed.sh: what type has $1?" >&2; return 1 ;;
	esac
}

echo '/* Made by etc/build/embed.sh. */'
echo '#include "api/asset.h"'
i=0
for f in "$@"; do
	cat <<END
__asm__(".section .rodata\\n.balign 16\\n.global asset_data_$i\\nasset_data_$i:\\n"
	".incbin \\"$f\\"\\n.global asset_end_$i\\nasset_end_$i:\\n.byte 0\\n.previous\\n");
extern const unsigned char asset_data_$i[], asset_end_$i[];
END
	i=$((i + 1))
done
echo 'const struct asset assets[] = {'
i=0
for f in "$@"; do
	type=$(type_of "$f")
	sum=$(sha256sum <"$f" | cut -d' ' -f1)
	echo "	{\"${f##*/}\", \"$type\", \"\\\"$sum\\\"\", asset_data_$i, asset_end_$i},"
	i=$((i + 1))
done
echo '	{0},'
echo '};'
