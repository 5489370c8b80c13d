/* SPDX-License-Identifier: Apache-2.0 */
/* See support_elf.h. Header, two program headers, four dynamic entries, strings. */
#include "support_elf.h"

#include <elf.h>
#include <string.h>

#define AT_32 (sizeof(Elf32_Ehdr) + 2 * sizeof(Elf32_Phdr))
#define AT_64 (sizeof(Elf64_Ehdr) + 2 * sizeof(Elf64_Phdr))

_Static_assert(AT_64 == ELF64_DYNAMIC && sizeof(Elf64_Ehdr) == ELF64_PHDR, "as the header says");

static size_t put_strings(const struct elf_wish *w, char *at, uint32_t *ret_needed)
{
	const char *symbol = w->symbol ? w->symbol : "OrtGetApiBase";
	size_t n = 1;

	strcpy(at + n, symbol);
	n += strlen(symbol) + 1;
	*ret_needed = (uint32_t)n;
	if (w->needed) {
		strcpy(at + n, w->needed);
		n += strlen(w->needed) + 1;
	}
	return n;
}

static size_t make_64(const struct elf_wish *w, uint8_t *dst)
{
	size_t strings = AT_64 + 4 * sizeof(Elf64_Dyn), all;
	Elf64_Ehdr h = {.e_type = ET_DYN,
		.e_machine = w->machine,
		.e_phoff = sizeof(h),
		.e_phentsize = sizeof(Elf64_Phdr),
		.e_phnum = 2};
	uint32_t needed;
	size_t n = put_strings(w, (char *)dst + strings, &needed);
	Elf64_Dyn dyn[4] = {{DT_STRTAB, {0x10000 + strings}}, {DT_STRSZ, {n}},
		{w->needed ? DT_NEEDED : DT_NULL, {needed}}, {DT_NULL, {0}}};
	Elf64_Phdr p[2] = {{.p_type = PT_LOAD, .p_vaddr = 0x10000},
		{.p_type = PT_DYNAMIC, .p_offset = AT_64, .p_filesz = sizeof(dyn)}};

	all = strings + n;
	p[0].p_filesz = all;
	memcpy(h.e_ident, ELFMAG, SELFMAG);
	h.e_ident[EI_CLASS] = ELFCLASS64;
	h.e_ident[EI_DATA] = ELFDATA2LSB;
	memcpy(dst, &h, sizeof(h));
	memcpy(dst + sizeof(h), p, sizeof(p));
	memcpy(dst + AT_64, dyn, sizeof(dyn));
	return all;
}

static size_t make_32(const struct elf_wish *w, uint8_t *dst)
{
	size_t strings = AT_32 + 4 * sizeof(Elf32_Dyn), all;
	Elf32_Ehdr h = {.e_type = ET_DYN,
		.e_machine = w->machine,
		.e_phoff = sizeof(h),
		.e_phentsize = sizeof(Elf32_Phdr),
		.e_phnum = 2};
	uint32_t needed;
	size_t n = put_strings(w, (char *)dst + strings, &needed);
	Elf32_Dyn dyn[4] = {{DT_STRTAB, {(Elf32_Word)(0x10000 + strings)}},
		{DT_STRSZ, {(Elf32_Word)n}}, {w->needed ? DT_NEEDED : DT_NULL, {needed}},
		{DT_NULL, {0}}};
	Elf32_Phdr p[2] = {{.p_type = PT_LOAD, .p_vaddr = 0x10000},
		{.p_type = PT_DYNAMIC, .p_offset = AT_32, .p_filesz = sizeof(dyn)}};

	all = strings + n;
	p[0].p_filesz = (Elf32_Word)all;
	memcpy(h.e_ident, ELFMAG, SELFMAG);
	h.e_ident[EI_CLASS] = ELFCLASS32;
	h.e_ident[EI_DATA] = ELFDATA2LSB;
	memcpy(dst, &h, sizeof(h));
	memcpy(dst + sizeof(h), p, sizeof(p));
	memcpy(dst + AT_32, dyn, sizeof(dyn));
	return all;
}

size_t elf_make(const struct elf_wish *w, uint8_t dst[ELF_BYTES])
{
	memset(dst, 0, ELF_BYTES);
	return w->bits == 64 ? make_64(w, dst) : make_32(w, dst);
}
