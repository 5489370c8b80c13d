/* SPDX-License-Identifier: Apache-2.0 */
/* Runtimes that people register, and their list; what an archive may hold is in test_archive.c. */
#include "support_desk.h"

#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/hash.h"

/* ---- registering ---- */

static void a_library_is_registered_under_its_own_hash(void **state)
{
	struct desk *d = *state;
	struct ctl_runtime_lib l;
	char sha[LIMIT_SHA256];

	desk_upload_elf(d, &wish_x64, sha);
	assert_int_equal(desk_take(d, sha, "ort-1.20"), 0);
	assert_int_equal(desk_stored(d), 1);
	assert_int_equal(runtimes_find(d->runtimes, "ort-1.20", "x86_64", &l, &d->err), 0);
	assert_string_equal(l.sha256, sha);
	assert_string_equal(l.libc, "glibc");
	sha[RUNTIMES_DIGITS] = '\0';
	assert_int_equal(runtimes_find(d->runtimes, sha, "x86_64", &l, &d->err), 0);
	sha[RUNTIMES_DIGITS - 1] = '\0';
	assert_int_equal(runtimes_find(d->runtimes, sha, "x86_64", &l, &d->err), ERR_NOTFOUND);
}

static void an_archive_has_one_for_each_abi(void **state)
{
	struct desk *d = *state;
	struct packing k = desk_pack(d);
	struct ctl_runtime_lib l;
	uint8_t elf[ELF_BYTES];
	char sha[LIMIT_SHA256];

	packing_add(&k, "AndroidManifest.xml", "x", 1);
	packing_add(&k, "classes.jar", "x", 1);
	packing_add_elf(&k, "jni/arm64-v8a/libonnxruntime4j_jni.so", &wish_x64); /* not looked at */
	packing_add_elf(&k, "jni/arm64-v8a/libonnxruntime.so", &wish_arm64);
	packing_add_elf(&k, "jni/armeabi-v7a/libort.so", &wish_arm); /* the only one */
	packing_add_elf(&k, "jni/mips/libonnxruntime.so", &wish_x64);
	packing_add_elf(&k, "jni/x86_64/deeper/libonnxruntime.so", &wish_x64);
	packing_add_elf(&k, "headers/jni/x86_64/libonnxruntime.so", &wish_x64);
	assert_int_equal(packing_take(&k), 0);
	assert_int_equal(runtimes_find(d->runtimes, "name", "aarch64", &l, &d->err), 0);
	hash_bytes(elf, elf_make(&wish_arm64, elf), sha);
	assert_string_equal(l.sha256, sha);
	assert_true(blobs_has(d->blobs, sha, NULL));
	assert_string_equal(l.libc, "bionic");
	assert_int_equal(runtimes_find(d->runtimes, "name", "armv7l", &l, &d->err), 0);
	assert_int_equal(runtimes_find(d->runtimes, "name", "x86_64", &l, &d->err), ERR_NOTFOUND);
	desk_assert_said(d, "it is for aarch64, armv7l");
	assert_int_equal(desk_stored(d), 3);
}

static void what_is_neither_is_said_to_be(void **state)
{
	struct desk *d = *state;
	struct elf_wish other = {EM_X86_64, 64, "libc.so.6", "TfLiteInterpreterCreate"};
	char sha[LIMIT_SHA256];

	desk_upload(d, "a text", 6, sha);
	assert_int_equal(desk_take(d, sha, "name"), ERR_INVAL);
	desk_assert_said(d, "neither a shared library (.so) nor an archive");
	desk_upload_elf(d, &other, sha);
	assert_int_equal(desk_take(d, sha, "name"), ERR_INVAL);
	desk_assert_said(d, "no ONNX Runtime");
	memset(sha, 'a', 64);
	assert_int_equal(desk_take(d, sha, "name"), ERR_NOTFOUND);
	desk_assert_said(d, "never uploaded");
	assert_int_equal(desk_take(d, "short", "name"), ERR_INVAL);
	assert_int_equal(desk_take(d, sha, "../name"), ERR_INVAL);
	desk_assert_said(d, "a runtime's name");
}

/* ---- the list ---- */

static void names_and_files_are_registered_once(void **state)
{
	struct desk *d = *state;
	char one[LIMIT_SHA256], two[LIMIT_SHA256];

	desk_upload_elf(d, &wish_x64, one);
	desk_upload_elf(d, &wish_arm64, two);
	assert_int_equal(desk_take(d, one, "a"), 0);
	assert_int_equal(desk_take(d, one, "a"), 0); /* asked for once more */
	assert_int_equal(desk_take(d, two, "a"), ERR_EXISTS);
	desk_assert_said(d, "another runtime is called a");
	assert_int_equal(desk_take(d, one, "b"), ERR_EXISTS);
	desk_assert_said(d, "registered as a already");
	assert_int_equal(desk_take(d, two, "b"), 0);
}

static void reopen(struct desk *d)
{
	runtimes_close(d->runtimes);
	d->runtimes = runtimes_open(d->blobs, d->list, &d->err);
	assert_non_null(d->runtimes);
}

static void it_is_kept_over_a_restart(void **state)
{
	struct desk *d = *state;
	struct ctl_runtime *all = calloc(CTL_RUNTIMES_MAX, sizeof(*all));
	char one[LIMIT_SHA256], two[LIMIT_SHA256];

	desk_upload_elf(d, &wish_x64, one);
	desk_upload_elf(d, &wish_arm64, two);
	assert_int_equal(desk_take(d, one, "a"), 0);
	reopen(d);
	assert_int_equal(runtimes_list(d->runtimes, all), 1);
	assert_string_equal(all[0].name, "a");
	assert_int_equal(desk_take(d, two, "b"), 0);
	assert_int_equal(runtimes_remove(d->runtimes, "a", &d->err), 0);
	reopen(d);
	assert_int_equal(runtimes_list(d->runtimes, all), 1);
	assert_string_equal(all[0].name, "b");
	assert_string_equal(all[0].sha256, two);
	assert_int_equal(all[0].added_ms, 1000);
	assert_string_equal(all[0].libs[0].abi, "aarch64");
	assert_string_equal(all[0].libs[0].sha256, two);
	free(all);
}

static void a_list_that_cannot_be_read_is_not_thrown_away(void **state)
{
	struct desk *d = *state;
	FILE *f = fopen(d->list, "w");

	fputs("{\"schema\": \"framefarm.runtimes/1\", \"runtimes\": [{\"nam", f);
	fclose(f);
	assert_null(runtimes_open(d->blobs, d->list, &d->err));
	desk_assert_said(d, "move it away");
	assert_int_equal(access(d->list, F_OK), 0);
}

/* Its hashes become the names of files that are removed. */
static void a_list_whose_hashes_are_none_is_refused(void **state)
{
	static const char good[] =
		"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
	static const char bad[] =
		"../../../../../../../../../../../../../../../../../etc/hostname/";
	struct desk *d = *state;

	for (int i = 0; i < 3; i++) {
		FILE *f = fopen(d->list, "w");
		struct runtimes *r;

		fprintf(f,
			"{\"schema\": \"framefarm.runtimes/1\", \"runtimes\": [{\"name\": \"a\","
			" \"added_ms\": 1, \"sha256\": \"%s\", \"libraries\": [{\"abi\": "
			"\"x86_64\","
			" \"libc\": \"\", \"bytes\": 1, \"sha256\": \"%s\"}]}]}",
			i == 1 ? bad : good, i == 2 ? bad : good);
		fclose(f);
		r = runtimes_open(d->blobs, d->list, &d->err);
		assert_int_equal(r == NULL, i > 0);
		if (!r)
			desk_assert_said(d, "SHA-256");
		runtimes_close(r);
	}
}

static void what_is_removed_goes_with_its_files_unless_another_has_them(void **state)
{
	struct desk *d = *state;
	struct packing k = desk_pack(d);
	char alone[LIMIT_SHA256], both[LIMIT_SHA256];

	packing_add_elf(&k, "jni/arm64-v8a/libonnxruntime.so", &wish_arm64);
	packing_add_elf(&k, "jni/armeabi-v7a/libonnxruntime.so", &wish_arm);
	packing_upload(&k, both);
	desk_upload_elf(d, &wish_arm64, alone);
	assert_int_equal(desk_take(d, both, "both"), 0);
	assert_int_equal(desk_take(d, alone, "alone"), 0);
	assert_int_equal(desk_stored(d), 3);
	assert_int_equal(runtimes_remove(d->runtimes, "both", &d->err), 0);
	assert_int_equal(desk_stored(d), 1);
	assert_true(blobs_has(d->blobs, alone, NULL));
	assert_int_equal(runtimes_remove(d->runtimes, "alone", &d->err), 0);
	assert_int_equal(desk_stored(d), 0);
	assert_int_equal(blobs_bytes(d->blobs), 0);
	assert_int_equal(runtimes_remove(d->runtimes, "alone", &d->err), ERR_NOTFOUND);
}

static void the_list_is_bounded(void **state)
{
	struct desk *d = *state;
	struct elf_wish w = wish_x64;
	char sha[LIMIT_SHA256], name[32];

	for (int i = 0; i <= CTL_RUNTIMES_MAX; i++) {
		uint8_t elf[ELF_BYTES];
		size_t n = elf_make(&w, elf);

		elf[n] = (uint8_t)i; /* behind it; each is another file */
		desk_upload(d, elf, n + 1, sha);
		snprintf(name, sizeof(name), "n%d", i);
		assert_int_equal(
			desk_take(d, sha, name), i < CTL_RUNTIMES_MAX ? 0 : ERR_WRONGSTATE);
	}
	desk_assert_said(d, "64 runtimes are registered");
}

static void uploads_have_their_quota(void **state)
{
	struct desk *d = *state;
	struct packing k = desk_pack(d);
	uint8_t *big = malloc(40 << 20);
	char path[96], sha[LIMIT_SHA256];
	uint64_t x = 1;

	for (size_t i = 0; i < (40 << 20); i += 8) { /* nothing that packs to less */
		x = x * 6364136223846793005u + 1442695040888963407u;
		memcpy(big + i, &x, 8);
	}
	memset(big, 0, ELF_BYTES);
	elf_make(&wish_arm64, big);
	packing_add(&k, "jni/arm64-v8a/libonnxruntime.so", big, 3 << 20);
	free(big);
	packing_upload(&k, sha);
	runtimes_close(d->runtimes);
	blobs_close(d->blobs);
	snprintf(path, sizeof(path), "%s/files", d->dir);
	d->blobs = blobs_open(&d->ctl, path, 5 << 20, &d->err);
	d->runtimes = runtimes_open(d->blobs, d->list, &d->err);
	assert_int_equal(desk_take(d, sha, "name"), ERR_NOSPACE);
	desk_assert_said(d, "limited to 5 MiB");
}

#define T(f) cmocka_unit_test_setup_teardown(f, desk_open, desk_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_library_is_registered_under_its_own_hash),
		T(an_archive_has_one_for_each_abi),
		T(what_is_neither_is_said_to_be),
		T(names_and_files_are_registered_once),
		T(it_is_kept_over_a_restart),
		T(a_list_that_cannot_be_read_is_not_thrown_away),
		T(a_list_whose_hashes_are_none_is_refused),
		T(what_is_removed_goes_with_its_files_unless_another_has_them),
		T(the_list_is_bounded),
		T(uploads_have_their_quota),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
