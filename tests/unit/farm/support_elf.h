/* SPDX-License-Identifier: Apache-2.0 */
/* The least shared libraries that can be told apart, as bytes. */
#ifndef FRAMEFARM_TEST_SUPPORT_ELF_H
#define FRAMEFARM_TEST_SUPPORT_ELF_H

#include <stddef.h>
#include <stdint.h>

#define ELF_BYTES 1024

struct elf_wish {
	uint16_t machine;   /* EM_… */
	int bits;           /* 64 or 32 */
	const char *needed; /* NULL: none */
	const char *symbol; /* NULL: OrtGetApiBase */
};

/* Places in it, for those who damage it. */
#define ELF64_DYNAMIC                                                                              \
	176           /* the first entry: DT_STRTAB, DT_STRSZ, DT_NEEDED, DT_NULL, 16 bytes each */
#define ELF64_PHDR 64 /* PT_LOAD, then PT_DYNAMIC, 56 bytes each */

/* dst is cleared; returns the number of bytes, at most ELF_BYTES. */
size_t elf_make(const struct elf_wish *w, uint8_t dst[ELF_BYTES]);

#endif
