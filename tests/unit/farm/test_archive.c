/* SPDX-License-Identifier: Apache-2.0 */
/* Libraries and archives of another hand that somebody wants to register as runtimes. */
#include "support_desk.h"

#include <elf.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "farm/archive.h"
#include "farm/elf.h"

/* ---- a library ---- */

static int read_elf(struct desk *d, const uint8_t *elf, size_t n, struct elf_facts *f)
{
	char path[96];
	int fd, rc;

	snprintf(path, sizeof(path), "%s/elf", d->dir);
	fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
	assert_int_equal(write(fd, elf, n), n);
	rc = elf_read(fd, f, &d->err);
	close(fd);
	return rc;
}

static void a_library_says_what_it_is_for(void **state)
{
	static const struct {
		struct elf_wish wish;
		const char *abi, *libc;
	} cases[] = {
		{{EM_AARCH64, 64, "libc.so", NULL}, "aarch64", "bionic"},
		{{EM_X86_64, 64, "libc.so.6", NULL}, "x86_64", "glibc"},
		{{EM_X86_64, 64, "libc.musl-x86_64.so.1", NULL}, "x86_64", "musl"},
		{{EM_ARM, 32, "libc.so", NULL}, "armv7l", "bionic"},
		{{EM_386, 32, NULL, NULL}, "i686", ""},
		{{EM_RISCV, 64, "libm.so.6", NULL}, "riscv64", ""},
	};
	struct desk *d = *state;
	uint8_t elf[ELF_BYTES];
	struct elf_facts f;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(read_elf(d, elf, elf_make(&cases[i].wish, elf), &f), 0);
		assert_string_equal(f.abi, cases[i].abi);
		assert_string_equal(f.libc, cases[i].libc);
		assert_true(f.is_ort);
	}
}

static void a_symbol_that_only_ends_like_it_is_another(void **state)
{
	struct desk *d = *state;
	struct elf_wish w = {EM_X86_64, 64, NULL, "NoOrtGetApiBase"};
	uint8_t elf[ELF_BYTES];
	struct elf_facts f;

	assert_int_equal(read_elf(d, elf, elf_make(&w, elf), &f), 0);
	assert_false(f.is_ort);
	w.symbol = "OrtGetApiBaseNot";
	assert_int_equal(read_elf(d, elf, elf_make(&w, elf), &f), 0);
	assert_false(f.is_ort);
}

static void a_file_that_is_no_library_is_refused(void **state)
{
	struct desk *d = *state;
	struct elf_wish sparc = {EM_SPARCV9, 64, NULL, NULL};
	uint8_t elf[ELF_BYTES];
	struct elf_facts f;
	size_t n;

	assert_int_equal(read_elf(d, (const uint8_t *)"", 0, &f), ERR_INVAL);
	desk_assert_said(d, "no ELF file");
	n = elf_make(&wish_x64, elf);
	elf[EI_DATA] = ELFDATA2MSB;
	assert_int_equal(read_elf(d, elf, n, &f), ERR_INVAL);
	desk_assert_said(d, "a machine that no device has");
	assert_int_equal(read_elf(d, elf, elf_make(&sparc, elf), &f), ERR_INVAL);
	desk_assert_said(d, "ELF 43");
	n = elf_make(&wish_x64, elf);
	elf[offsetof(Elf64_Ehdr, e_type)] = ET_EXEC;
	assert_int_equal(read_elf(d, elf, n, &f), ERR_INVAL);
	desk_assert_said(d, "no shared library");
}

/* Each place in the file that tells where something is, or how large, told wrongly. */
static void every_offset_is_held_against_the_file(void **state)
{
	static const struct {
		size_t at;
		int bytes;
		uint64_t value;
	} wrong[] = {
		{offsetof(Elf64_Ehdr, e_phoff), 8, UINT64_MAX - 8},
		{offsetof(Elf64_Ehdr, e_phentsize), 2, 8},
		{offsetof(Elf64_Ehdr, e_phnum), 2, ELF_SEGMENTS_MAX + 1},
		{offsetof(Elf64_Ehdr, e_phnum), 2, 0},
		{ELF64_PHDR + 56 + offsetof(Elf64_Phdr, p_offset), 8, UINT64_MAX},
		{ELF64_PHDR + 56 + offsetof(Elf64_Phdr, p_filesz), 8, UINT64_MAX},
		{ELF64_PHDR + offsetof(Elf64_Phdr, p_vaddr), 8, UINT64_MAX},
		{ELF64_PHDR + offsetof(Elf64_Phdr, p_filesz), 8, 1},
		{ELF64_PHDR + offsetof(Elf64_Phdr, p_offset), 8, UINT64_MAX - 100},
		{ELF64_DYNAMIC + 8, 8, 0},           /* strings at address 0 */
		{ELF64_DYNAMIC + 24, 8, UINT64_MAX}, /* of that many bytes */
		{ELF64_DYNAMIC + 24, 8, ELF_STRINGS_MAX + 1}, {ELF64_DYNAMIC + 24, 8, 0},
		{ELF64_DYNAMIC + 40, 8, 4000}, /* a name behind their end */
	};
	struct desk *d = *state;
	uint8_t elf[ELF_BYTES];
	struct elf_facts f;

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		size_t n = elf_make(&wish_x64, elf);

		memcpy(elf + wrong[i].at, &wrong[i].value, wrong[i].bytes);
		if (read_elf(d, elf, n, &f) != ERR_INVAL)
			fail_msg("case %zu is taken for a library", i);
	}
}

static void a_library_that_is_cut_anywhere_is_refused(void **state)
{
	struct desk *d = *state;
	uint8_t elf[ELF_BYTES];
	struct elf_facts f;

	for (size_t n = elf_make(&wish_x64, elf); n--;)
		assert_int_equal(read_elf(d, elf, n, &f), ERR_INVAL);
	for (size_t n = elf_make(&wish_arm, elf); n--;)
		assert_int_equal(read_elf(d, elf, n, &f), ERR_INVAL);
}

/* ---- hostile archives ---- */

static void an_entry_that_leads_out_of_the_archive_ends_it(void **state)
{
	static const char *const names[] = {"../x", "/etc/cron.d/x", "jni/../../x", "jni\\..\\x",
		"a/..", "..", "jni/arm64-v8a/../../../lib.so"};
	struct desk *d = *state;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct packing k = desk_pack(d);

		packing_add_elf(&k, "jni/arm64-v8a/libonnxruntime.so", &wish_arm64);
		packing_add(&k, names[i], "x", 1);
		assert_int_equal(packing_take(&k), ERR_INVAL);
		desk_assert_said(d, "a way out of it");
	}
}

static void names_with_dots_are_names(void **state)
{
	struct desk *d = *state;
	struct packing k = desk_pack(d);

	packing_add_elf(&k, "jni/arm64-v8a/libonnxruntime.so", &wish_arm64);
	packing_add(&k, "a..b/..c/d..", "x", 1);
	assert_int_equal(packing_take(&k), 0);
}

static void a_name_is_bounded(void **state)
{
	struct desk *d = *state;
	struct packing k = desk_pack(d);
	char name[ARCHIVE_NAME_MAX + 1];

	memset(name, 'n', ARCHIVE_NAME_MAX);
	name[ARCHIVE_NAME_MAX] = '\0';
	packing_add_elf(&k, "jni/arm64-v8a/libonnxruntime.so", &wish_arm64);
	packing_add(&k, name + 1, "x", 1);
	assert_int_equal(packing_take(&k), 0);
	assert_int_equal(runtimes_remove(d->runtimes, "name", &d->err), 0);
	k = desk_pack(d);
	packing_add_elf(&k, "jni/arm64-v8a/libonnxruntime.so", &wish_arm64);
	packing_add(&k, name, "x", 1);
	assert_int_equal(packing_take(&k), ERR_INVAL);
}

static void entries_are_bounded(void **state)
{
	struct desk *d = *state;
	struct packing k;
	char name[32];

	for (int more = 0; more < 2; more++) {
		k = desk_pack(d);
		packing_add_elf(&k, "jni/arm64-v8a/libonnxruntime.so", &wish_arm64);
		for (int i = 1; i < ARCHIVE_ENTRIES_MAX + more; i++) {
			snprintf(name, sizeof(name), "res/%d", i);
			packing_add(&k, name, "", 0);
		}
		assert_int_equal(packing_take(&k), more ? ERR_INVAL : 0);
		runtimes_remove(d->runtimes, "name", &d->err);
	}
	k = desk_pack(d);
	for (int i = 0; i <= ARCHIVE_ENTRIES_MAX; i++) {
		snprintf(name, sizeof(name), "res/%d", i);
		packing_add(&k, name, "", 0);
	}
	assert_int_equal(packing_take(&k), ERR_INVAL);
	desk_assert_said(d, "has 4097 entries; at most 4096");
}

/* A library in front, and then as much nothing as one wants. */
static void what_unpacks_to_too_much_is_not_unpacked(void **state)
{
	struct desk *d = *state;
	struct packing k = desk_pack(d);
	size_t n = 32 << 20;
	uint8_t *bomb = calloc(1, n);

	elf_make(&wish_arm64, bomb);
	packing_add(&k, "jni/arm64-v8a/libonnxruntime.so", bomb, n);
	free(bomb);
	assert_int_equal(packing_take(&k), ERR_INVAL);
	desk_assert_said(d, "this is a trap");
	desk_assert_said(d, "jni/arm64-v8a");
}

/* A size in the directory that is smaller than what comes: found while it is unpacked. */
static void a_size_that_is_a_lie_is_found(void **state)
{
	static const uint8_t directory[] = {'P', 'K', 1, 2};
	struct desk *d = *state;
	struct packing k = desk_pack(d);
	uint8_t *mem = malloc(PACKED_MAX), elf[ELF_BYTES], *at;
	char sha[LIMIT_SHA256];
	uint32_t less = 100;
	size_t n;

	elf_make(&wish_arm64, elf);
	packing_add(&k, "jni/arm64-v8a/libonnxruntime.so", elf, sizeof(elf));
	n = packing_end(&k, mem, PACKED_MAX);
	at = memmem(mem, n, directory, sizeof(directory));
	assert_non_null(at);
	memcpy(at + 24, &less, 4); /* APPNOTE 4.3.12, uncompressed size */
	desk_upload(d, mem, n, sha);
	assert_int_equal(desk_take(d, sha, "name"), ERR_TOOBIG);
	desk_assert_said(d, "more than 100 bytes came");
	free(mem);
}

static void damage_is_found(void **state)
{
	struct desk *d = *state;
	struct packing k = desk_pack(d);
	uint8_t *mem = malloc(PACKED_MAX), elf[ELF_BYTES];
	char sha[LIMIT_SHA256];
	zip_int64_t index;
	size_t n;

	elf_make(&wish_arm64, elf);
	index = packing_add(&k, "jni/arm64-v8a/libonnxruntime.so", elf, sizeof(elf));
	zip_set_file_compression(k.zip, (zip_uint64_t)index, ZIP_CM_STORE, 0);
	n = packing_end(&k, mem, PACKED_MAX);
	mem[900] ^= 1; /* within its zeroes: what it says of itself stays, its CRC does not */
	desk_upload(d, mem, n, sha);
	assert_int_equal(desk_take(d, sha, "name"), ERR_INVAL);
	desk_assert_said(d, "damaged");
	desk_upload(d, mem, n - 30, sha); /* no directory at its end */
	assert_int_equal(desk_take(d, sha, "name"), ERR_INVAL);
	desk_assert_said(d, "cannot be read");
	free(mem);
}

static void what_is_encrypted_is_not_opened(void **state)
{
	struct desk *d = *state;
	struct packing k = desk_pack(d);
	uint8_t elf[ELF_BYTES];
	zip_int64_t index =
		packing_add(&k, "jni/x86_64/libonnxruntime.so", elf, elf_make(&wish_x64, elf));

	assert_int_equal(
		zip_file_set_encryption(k.zip, (zip_uint64_t)index, ZIP_EM_AES_128, "secret"), 0);
	assert_int_equal(packing_take(&k), ERR_INVAL);
	desk_assert_said(d, "encrypted");
}

static void a_library_of_another_machine_than_its_folder_is_refused_with_all_before_it(void **state)
{
	struct desk *d = *state;
	struct packing k = desk_pack(d);

	packing_add_elf(&k, "jni/arm64-v8a/libonnxruntime.so", &wish_arm64);
	packing_add_elf(&k, "jni/x86_64/libonnxruntime.so", &wish_arm);
	assert_int_equal(
		packing_take(&k), ERR_INVAL); /* desk_take(): nothing is left of the first one */
	desk_assert_said(d, "jni/x86_64: this is a library for armv7l, not for x86_64");
}

static void no_library_for_any_abi_and_two_without_a_choice(void **state)
{
	struct desk *d = *state;
	struct packing k = desk_pack(d);

	packing_add(&k, "classes.jar", "x", 1);
	assert_int_equal(packing_take(&k), ERR_INVAL);
	desk_assert_said(d, "has no jni/ABI/lib*.so");
	k = desk_pack(d);
	packing_add_elf(&k, "jni/arm64-v8a/libone.so", &wish_arm64);
	packing_add_elf(&k, "jni/arm64-v8a/libtwo.so", &wish_arm64);
	assert_int_equal(packing_take(&k), ERR_INVAL);
	desk_assert_said(d, "2 libraries are there, and none is libonnxruntime.so");
}

#define T(f) cmocka_unit_test_setup_teardown(f, desk_open, desk_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_library_says_what_it_is_for),
		T(a_symbol_that_only_ends_like_it_is_another),
		T(a_file_that_is_no_library_is_refused),
		T(every_offset_is_held_against_the_file),
		T(a_library_that_is_cut_anywhere_is_refused),
		T(an_entry_that_leads_out_of_the_archive_ends_it),
		T(names_with_dots_are_names),
		T(a_name_is_bounded),
		T(entries_are_bounded),
		T(what_unpacks_to_too_much_is_not_unpacked),
		T(a_size_that_is_a_lie_is_found),
		T(damage_is_found),
		T(what_is_encrypted_is_not_opened),
		T(a_library_of_another_machine_than_its_folder_is_refused_with_all_before_it),
		T(no_library_for_any_abi_and_two_without_a_choice),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
