/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From an uploaded file to the runtime libraries in it: one (.so), or one for each ABI (.aar, a zip
 * with jni/ABI/lib*.so). Nothing is unpacked under a name of the archive's: bytes become blobs. Any
 * thread, no state; blocks.
 */
#ifndef FRAMEFARM_FARM_ARCHIVE_H
#define FRAMEFARM_FARM_ARCHIVE_H

#include <stdint.h>

struct blobs;
struct ctl_runtime_lib;
struct err;

#define ARCHIVE_ENTRIES_MAX 4096
#define ARCHIVE_NAME_MAX    512
#define ARCHIVE_LIB_BYTES   (512LL * 1024 * 1024)
#define ARCHIVE_RATIO_MAX   50 /* of what it unpacks to; a library is packed to a half or a quarter */
#define ARCHIVE_RATIO_FROM  (1024 * 1024) /* bytes; below, it does not matter */

/* sha256: of a blob. At most CTL_RUNTIME_LIBS_MAX. ERR_INVAL, ERR_TOOBIG, ERR_NOSPACE or ERR_IO, and
 * nothing that was not there before is left. */
int archive_open(struct blobs *b, const char *sha256, struct ctl_runtime_lib *ret_l, int *ret_n,
	struct err *e);

#endif
