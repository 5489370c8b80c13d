/* SPDX-License-Identifier: Apache-2.0 */
/* The agent's directory; see home.h. */
#include "agent/home.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "agent/files.h"

/* flock() and not fcntl(): the lock belongs to the open file and would survive a fork. */
static int take_lock(struct home *h)
{
	char text[24];
	int n;

	h->lock = openat(h->dir, "agent.pid", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (h->lock < 0)
		return -errno;
	if (flock(h->lock, LOCK_EX | LOCK_NB))
		return errno == EWOULDBLOCK ? -EBUSY : -errno;
	n = snprintf(text, sizeof(text), "%d\n", (int)getpid());
	if (ftruncate(h->lock, 0))
		return -errno;
	return files_write_at(h->lock, text, n, 0);
}

static int open_all(struct home *h, const char *path)
{
	const struct {
		const char *name;
		int *fd;
	} parts[] = {{"files", &h->files}, {"spool", &h->spool}, {"scratch", &h->scratch}};
	int rc;

	h->dir = files_open_dir(AT_FDCWD, path, 0700);
	if (h->dir < 0)
		return h->dir;
	rc = take_lock(h);
	for (unsigned i = 0; !rc && i < sizeof(parts) / sizeof(parts[0]); i++) {
		*parts[i].fd = files_open_dir(h->dir, parts[i].name, 0700);
		if (*parts[i].fd < 0)
			rc = *parts[i].fd;
	}
	return rc;
}

int home_open(struct home *h, const char *path)
{
	int rc;

	*h = (struct home){-1, -1, -1, -1, -1};
	rc = open_all(h, path);
	if (rc)
		home_close(h);
	return rc;
}

void home_close(struct home *h)
{
	int *fds[] = {&h->files, &h->spool, &h->scratch, &h->dir, &h->lock};

	for (unsigned i = 0; i < sizeof(fds) / sizeof(fds[0]); i++) {
		if (*fds[i] >= 0)
			close(*fds[i]);
		*fds[i] = -1;
	}
}
