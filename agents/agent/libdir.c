/* SPDX-License-Identifier: Apache-2.0 */
/* The runner's libraries; see libdir.h. */
#include "agent/libdir.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "plan.h"

/* From DIR/scratch/ATTEMPT/lib to DIR/files. */
#define TO_FILES "../../../files/"

static int put(int dir, int files_dir, const char *name, const char *sha, bool hard)
{
	char target[sizeof(TO_FILES) + PLAN_SHA];

	if (unlinkat(dir, name, 0) && errno != ENOENT)
		return -errno;
	snprintf(target, sizeof(target), TO_FILES "%s", sha);
	if (hard ? linkat(files_dir, sha, dir, name, 0) : symlinkat(target, dir, name))
		return -errno;
	return 0;
}

int libdir_make(int scratch, int files_dir, const struct plan *p, bool hard)
{
	int dir, rc;

	if (mkdirat(scratch, LIBDIR, 0755) && errno != EEXIST)
		return -errno;
	dir = openat(scratch, LIBDIR, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (dir < 0)
		return -errno;
	rc = fchmod(dir, 0755) ? -errno : 0;
	if (!rc)
		rc = put(dir, files_dir, LIBDIR_RUNNER, p->runner_sha256, hard);
	for (uint32_t i = 0; !rc && i < p->n_support; i++)
		rc = put(dir, files_dir, p->support[i].name, p->support[i].sha256, hard);
	close(dir);
	return rc;
}
