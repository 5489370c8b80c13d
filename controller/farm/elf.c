/* SPDX-License-Identifier: Apache-2.0 */
/* Shared libraries, from the outside; see elf.h. */
#include "farm/elf.h"

#include <elf.h>
#include <endian.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"

#define ENTRY     "OrtGetApiBase" /* onnxruntime_c_api.h: the only function that is exported for all */
#define TRUNCATED "the library is cut short or damaged"

struct segment {
	uint64_t offset, addr, bytes;
};

struct image {
	int fd;
	uint64_t bytes; /* of the file */
	bool wide;      /* 64 bits */
	int n_loads;
	struct segment loads[ELF_SEGMENTS_MAX], dynamic;
	uint64_t strings, strings_bytes; /* as addresses of the dynamic section */
	int n_needed;
	uint64_t needed[ELF_DYNAMIC_MAX];
};

static int damaged(struct err *e)
{
	return err_set(e, ERR_INVAL, TRUNCATED);
}

static int read_at(const struct image *m, uint64_t offset, void *dst, uint64_t n, struct err *e)
{
	if (offset > m->bytes || n > m->bytes - offset)
		return damaged(e);
	return pread(m->fd, dst, n, (off_t)offset) == (ssize_t)n
	               ? 0
	               : err_set(e, ERR_IO, "the library cannot be read");
}

/* ---- headers ---- */

static const struct {
	uint16_t machine;
	bool wide;
	const char *abi;
} machines[] = {
	{EM_AARCH64, true, "aarch64"},
	{EM_X86_64, true, "x86_64"},
	{EM_ARM, false, "armv7l"},
	{EM_386, false, "i686"},
	{EM_RISCV, true, "riscv64"},
};

static int name_machine(const struct image *m, uint16_t machine, struct elf_facts *f, struct err *e)
{
	for (size_t i = 0; i < sizeof(machines) / sizeof(machines[0]); i++)
		if (machines[i].machine == machine && machines[i].wide == m->wide) {
			str_copy(f->abi, sizeof(f->abi), machines[i].abi);
			return 0;
		}
	return err_set(e, ERR_INVAL,
		"the library is for a machine that no device has (ELF %u, %d bits)", machine,
		m->wide ? 64 : 32);
}

/* The two layouts of an ELF header and of a program header, as one. */
struct header {
	uint16_t type, machine, n;
	uint64_t at, size;
};

static int read_header(struct image *m, struct header *h, struct err *e)
{
	unsigned char ident[EI_NIDENT];
	Elf64_Ehdr w;
	Elf32_Ehdr n;

	if (m->bytes < sizeof(n) || read_at(m, 0, ident, sizeof(ident), e) ||
		memcmp(ident, ELFMAG, SELFMAG))
		return err_set(e, ERR_INVAL, "this is no ELF file");
	if (ident[EI_DATA] != ELFDATA2LSB ||
		(ident[EI_CLASS] != ELFCLASS64 && ident[EI_CLASS] != ELFCLASS32))
		return err_set(e, ERR_INVAL, "the library is for a machine that no device has");
	m->wide = ident[EI_CLASS] == ELFCLASS64;
	if (m->wide) {
		if (read_at(m, 0, &w, sizeof(w), e))
			return ERR_INVAL;
		*h = (struct header){le16toh(w.e_type), le16toh(w.e_machine), le16toh(w.e_phnum),
			le64toh(w.e_phoff), le16toh(w.e_phentsize)};
	} else {
		if (read_at(m, 0, &n, sizeof(n), e))
			return ERR_INVAL;
		*h = (struct header){le16toh(n.e_type), le16toh(n.e_machine), le16toh(n.e_phnum),
			le32toh(n.e_phoff), le16toh(n.e_phentsize)};
	}
	if (h->type != ET_DYN)
		return err_set(e, ERR_INVAL, "this is an ELF file, but no shared library");
	return 0;
}

static void note_segment(struct image *m, uint32_t type, const struct segment *s)
{
	if (type == PT_LOAD)
		m->loads[m->n_loads++] = *s;
	else if (type == PT_DYNAMIC)
		m->dynamic = *s;
}

static int read_segments(struct image *m, const struct header *h, struct err *e)
{
	if (!h->n || h->n > ELF_SEGMENTS_MAX ||
		h->size != (m->wide ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr)))
		return damaged(e);
	for (int i = 0; i < h->n; i++) {
		Elf64_Phdr w;
		Elf32_Phdr n;
		struct segment s;
		int rc = read_at(m, h->at + (uint64_t)i * h->size,
			m->wide ? (void *)&w : (void *)&n, h->size, e);

		if (rc)
			return rc;
		s = m->wide ? (struct segment){le64toh(w.p_offset), le64toh(w.p_vaddr),
				      le64toh(w.p_filesz)}
		            : (struct segment){
				      le32toh(n.p_offset), le32toh(n.p_vaddr), le32toh(n.p_filesz)};
		note_segment(m, le32toh(m->wide ? w.p_type : n.p_type), &s);
	}
	return m->dynamic.bytes
	               ? 0
	               : err_set(e, ERR_INVAL, "this is an ELF file, but no shared library");
}

/* ---- the dynamic section ---- */

static int read_dynamic(struct image *m, struct err *e)
{
	uint64_t size = m->wide ? sizeof(Elf64_Dyn) : sizeof(Elf32_Dyn);
	uint64_t n = m->dynamic.bytes / size;

	if (n > ELF_DYNAMIC_MAX)
		return err_set(e, ERR_INVAL,
			"the library's dynamic section has more than %d entries", ELF_DYNAMIC_MAX);
	for (uint64_t i = 0; i < n; i++) {
		Elf64_Dyn w;
		Elf32_Dyn d;
		uint64_t tag, value;
		int rc = read_at(m, m->dynamic.offset + i * size, m->wide ? (void *)&w : (void *)&d,
			size, e);

		if (rc)
			return rc;
		tag = m->wide ? le64toh((uint64_t)w.d_tag) : le32toh((uint32_t)d.d_tag);
		value = m->wide ? le64toh(w.d_un.d_val) : le32toh(d.d_un.d_val);
		if (tag == DT_NULL)
			break;
		if (tag == DT_STRTAB)
			m->strings = value;
		else if (tag == DT_STRSZ)
			m->strings_bytes = value;
		else if (tag == DT_NEEDED)
			m->needed[m->n_needed++] = value;
	}
	return 0;
}

/* Where in the file the address stands, for `bytes` of it; false when nowhere. */
static bool find_address(const struct image *m, uint64_t addr, uint64_t bytes, uint64_t *ret_offset)
{
	for (int i = 0; i < m->n_loads; i++) {
		const struct segment *s = &m->loads[i];

		if (addr < s->addr || addr - s->addr > s->bytes ||
			bytes > s->bytes - (addr - s->addr))
			continue;
		return !__builtin_add_overflow(s->offset, addr - s->addr, ret_offset);
	}
	return false;
}

static const char *libc_of(const char *library)
{
	if (!strcmp(library, "libc.so.6"))
		return "glibc";
	if (!strncmp(library, "libc.musl-", 10))
		return "musl";
	/* musl's own build calls itself so too, but no device with it has phones' ABIs. */
	return strcmp(library, "libc.so") ? "" : "bionic";
}

static int read_strings(struct image *m, struct elf_facts *f, struct err *e)
{
	uint64_t n = m->strings_bytes, offset;
	char *text;
	int rc;

	if (!n || n > ELF_STRINGS_MAX || !find_address(m, m->strings, n, &offset))
		return damaged(e);
	text = mem_try(n + 1);
	if (!text)
		return err_set(e, ERR_NOMEM, "no memory for the library's names");
	rc = read_at(m, offset, text, n, e);
	for (int i = 0; !rc && i < m->n_needed; i++) {
		if (m->needed[i] >= n)
			rc = damaged(e);
		else if (*libc_of(text + m->needed[i]))
			str_copy(f->libc, sizeof(f->libc), libc_of(text + m->needed[i]));
	}
	f->is_ort = !rc && memmem(text, n, "\0" ENTRY, sizeof(ENTRY) + 1);
	mem_free(text);
	return rc;
}

int elf_read(int fd, struct elf_facts *ret_f, struct err *e)
{
	struct image *m = mem_zalloc(sizeof(*m));
	struct elf_facts f = {.abi = ""};
	struct header h = {0};
	struct stat st;
	int rc;

	m->fd = fd;
	rc = fstat(fd, &st) ? err_set(e, ERR_IO, "the library cannot be read") : 0;
	m->bytes = rc ? 0 : (uint64_t)st.st_size;
	if (!rc)
		rc = read_header(m, &h, e);
	if (!rc)
		rc = name_machine(m, h.machine, &f, e);
	if (!rc)
		rc = read_segments(m, &h, e);
	if (!rc)
		rc = read_dynamic(m, e);
	if (!rc)
		rc = read_strings(m, &f, e);
	mem_free(m);
	if (!rc)
		*ret_f = f;
	return rc;
}
