/* SPDX-License-Identifier: Apache-2.0 */
/* The runner's files; see fileset.h. */
#include "agent/fileset.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int add(struct fileset *f, const char *sha)
{
	if (!*sha)
		return 0;
	for (unsigned i = 0; i < f->n; i++)
		if (!strcmp(f->names[i], sha))
			return 0;
	if (f->n == RUNNER_FILES_MAX)
		return -E2BIG;
	memcpy(f->names[f->n++], sha, PLAN_SHA);
	return 0;
}

static int add_tensors(struct fileset *f, const struct plan_tensor *t, uint32_t n)
{
	int rc = 0;

	for (uint32_t i = 0; !rc && i < n; i++)
		rc = add(f, t[i].sha256);
	return rc;
}

/* What a loader opens by itself: the program and its libraries. */
static int add_loading(struct fileset *f, const struct plan *p)
{
	int rc = 0;

	if (!*p->loader_sha256)
		return 0;
	rc = add(f, p->runner_sha256);
	for (uint32_t i = 0; !rc && i < p->n_support; i++)
		rc = add(f, p->support[i].sha256);
	return rc;
}

int fileset_init(struct fileset *f, const struct plan *p)
{
	int rc;

	f->n = 0;
	f->names = calloc(RUNNER_FILES_MAX, sizeof(*f->names));
	if (!f->names)
		return -ENOMEM;
	rc = add(f, p->runtime_sha256);
	if (!rc)
		rc = add_loading(f, p);
	if (!rc)
		rc = add(f, p->model_sha256);
	if (!rc)
		rc = add_tensors(f, p->inputs, p->n_inputs);
	for (uint32_t i = 0; !rc && i < p->n_cases; i++) {
		rc = add_tensors(f, p->cases[i].inputs, p->cases[i].n_inputs);
		if (!rc)
			rc = add_tensors(f, p->cases[i].outputs, p->cases[i].n_outputs);
	}
	if (rc)
		fileset_fini(f);
	return rc;
}

void fileset_fini(struct fileset *f)
{
	free(f->names);
	f->names = NULL;
	f->n = 0;
}

int fileset_open(int files_dir, const char *name, bool shared)
{
	int fd = openat(files_dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct stat st;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) || !S_ISREG(st.st_mode)) {
		close(fd);
		return -EINVAL;
	}
	if (shared && (st.st_mode & 0555) != 0555 && fchmod(fd, st.st_mode | 0555)) {
		int rc = -errno;

		close(fd);
		return rc;
	}
	return fd;
}

static int check_one(int files_dir, const char *name, int64_t bytes, char *why, size_t size)
{
	int fd = fileset_open(files_dir, name, false);
	struct stat st;
	int rc = 0;

	if (fd < 0) {
		snprintf(why, size, "file %.12s... is not on the device: %s", name, strerror(-fd));
		return fd;
	}
	if (!fstat(fd, &st) && bytes && st.st_size != bytes) {
		snprintf(why, size, "file %.12s... has %lld bytes on the device, not %lld", name,
			(long long)st.st_size, (long long)bytes);
		rc = -EINVAL;
	}
	close(fd);
	return rc;
}

int fileset_check(
	const struct fileset *f, int files_dir, const struct plan *p, char *why, size_t size)
{
	int rc = check_one(files_dir, p->runner_sha256, 0, why, size);

	if (!rc && *p->loader_sha256)
		rc = check_one(files_dir, p->loader_sha256, 0, why, size);
	for (unsigned i = 0; !rc && i < f->n; i++)
		rc = check_one(files_dir, f->names[i],
			strcmp(f->names[i], p->model_sha256) ? 0 : p->model_bytes, why, size);
	return rc;
}
