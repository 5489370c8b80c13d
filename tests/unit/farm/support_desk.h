/* SPDX-License-Identifier: Apache-2.0 */
/* What stories about registered runtimes begin with: the files, the list, libraries and archives to be uploaded. */
#ifndef FRAMEFARM_TESTS_SUPPORT_DESK_H
#define FRAMEFARM_TESTS_SUPPORT_DESK_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <zip.h>

#include "base/err.h"
#include "farm/blobs.h"
#include "farm/runtimes.h"
#include "support_elf.h"
#include "support_env.h"

#define PACKED_MAX (4 << 20)

struct desk {
	char dir[64], list[96];
	struct env *env;
	struct ctl_env ctl;
	struct blobs *blobs;
	struct runtimes *runtimes;
	struct err err;
};

/* An archive that is being written. */
struct packing {
	struct desk *desk;
	char path[96];
	zip_t *zip;
};

extern const struct elf_wish wish_arm64, wish_x64, wish_arm;

int desk_open(void **state);
int desk_close(void **state);
void desk_assert_said(const struct desk *d, const char *words);
/* How many files are stored. */
int desk_stored(const struct desk *d);
void desk_upload(struct desk *d, const void *p, size_t n, char sha[LIMIT_SHA256]);
void desk_upload_elf(struct desk *d, const struct elf_wish *w, char sha[LIMIT_SHA256]);
struct packing desk_pack(struct desk *d);
zip_int64_t packing_add(struct packing *k, const char *name, const void *p, size_t n);
void packing_add_elf(struct packing *k, const char *name, const struct elf_wish *w);
size_t packing_end(struct packing *k, uint8_t *dst, size_t size);
void packing_upload(struct packing *k, char sha[LIMIT_SHA256]);
/* Registers the file; what fails leaves the list and the stored files as they were. */
int desk_take(struct desk *d, const char *sha, const char *name);
int packing_take(struct packing *k);

#endif
