/* SPDX-License-Identifier: Apache-2.0 */
/* The attempt's files; see files.h. */
#include "files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

int files_init(struct files *files, uint32_t n)
{
	memset(files, 0, sizeof(*files));
	files->sha256 = calloc(n + 1, sizeof(*files->sha256));
	files->fds = calloc(n + 1, sizeof(*files->fds));
	if (!files->sha256 || !files->fds) {
		files_fini(files);
		return -1;
	}
	files->n = n;
	for (uint32_t i = 0; i < n; i++)
		files->fds[i] = -1;
	return 0;
}

void files_fini(struct files *files)
{
	for (uint32_t i = 0; i < files->n; i++)
		if (files->fds[i] >= 0)
			close(files->fds[i]);
	free(files->sha256);
	free(files->fds);
	memset(files, 0, sizeof(*files));
}

int files_fd(const struct files *files, const char *sha256)
{
	for (uint32_t i = 0; i < files->n; i++)
		if (!strcmp(files->sha256[i], sha256))
			return files->fds[i];
	return -1;
}

static int map_fd(int fd, struct map *ret_m, struct fail *f)
{
	struct stat st;
	void *p;

	if (fstat(fd, &st) || !S_ISREG(st.st_mode))
		return fail_set(f, OUTCOME_INTERNAL, "it is no regular file");
	if (st.st_size > FILES_TENSOR_MAX)
		return fail_set(f, OUTCOME_MODEL, "its %lld bytes are more than %lld",
			(long long)st.st_size, (long long)FILES_TENSOR_MAX);
	if (!st.st_size) {
		*ret_m = (struct map){NULL, 0};
		return 0;
	}
	p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (p == MAP_FAILED)
		return fail_set(f, errno == ENOMEM ? OUTCOME_MEMORY : OUTCOME_INTERNAL,
			"it cannot be mapped: %s", strerror(errno));
	*ret_m = (struct map){p, (size_t)st.st_size};
	return 0;
}

int files_map(const struct files *files, const char *sha256, struct map *ret_m, struct fail *f)
{
	int fd = files_fd(files, sha256);

	if (fd < 0)
		return fail_set(
			f, OUTCOME_INTERNAL, "file %.12s did not come with the plan", sha256);
	return map_fd(fd, ret_m, f) ? fail_wrap(f, "file %.12s", sha256) : 0;
}

int map_path(const char *path, struct map *ret_m, struct fail *f)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), rc;

	if (fd < 0)
		return fail_set(f, OUTCOME_MODEL, "%.120s: %s", path, strerror(errno));
	rc = map_fd(fd, ret_m, f) ? fail_wrap(f, "%.120s", path) : 0;
	close(fd);
	return rc;
}

void map_fini(struct map *m)
{
	if (m->data)
		munmap((void *)m->data, m->n);
	m->data = NULL;
	m->n = 0;
}
