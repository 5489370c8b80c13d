#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# embed-profiles.sh FILE…: prints C source that puts profiles of phones into framefarm-phone; see
# drivers/virtual/profile_text.h. As embed.sh, it is run at the top of the tree, and so is the compiler.
set -eu

echo '/* Made by etc/build/embed-profiles.sh. */'
echo '#include "drivers/virtual/profile_text.h"'
names=
i=0
for f in "$@"; do
	cat <<END
__asm__(".section .rodata\\n.balign 16\\n.global profile_data_$i\\nprofile_data_$i:\\n"
	".incbin \\"$f\\"\\n.global profile_end_$i\\nprofile_end_$i:\\n.byte 0\\n.previous\\n");
extern const char profile_data_$i[], profile_end_$i[];
END
	i=$((i + 1))
done
echo 'const struct profile_text profile_texts[] = {'
i=0
for f in "$@"; do
	name=${f##*/}
	echo "	{\"${name%.json}\", profile_data_$i, profile_end_$i},"
	i=$((i + 1))
done
echo '};'
echo "const int profile_text_count = $i;"
