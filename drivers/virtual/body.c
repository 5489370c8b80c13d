/* SPDX-License-Identifier: Apache-2.0 */
/* The phone's body at work; see body.h. */
#include "drivers/virtual/body.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"
#include "drivers/virtual/files.h"
#include "drivers/virtual/storage.h"
#include "drivers/virtual/tree.h"

/* /proc/PID/stat, fields 14 to 17: utime, stime, cutime, cstime, in clock ticks. The name in field 2
 * may hold anything: what counts begins behind the last ')'. */
static int64_t ticks_of(int proc, const char *pid)
{
	char path[32], text[1024];
	unsigned long long u, s;
	long long cu, cs;
	const char *p;
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "%.16s/stat", pid);
	fd = openat(proc, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	text[n > 0 ? n : 0] = '\0';
	p = strrchr(text, ')');
	if (!p || sscanf(p + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu %lld %lld",
			  &u, &s, &cu, &cs) != 4)
		return 0;
	return (int64_t)(u + s) + cu + cs;
}

int64_t body_cpu_ms(int root)
{
	int fd = openat(root, "proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int64_t sum = 0, hz = sysconf(_SC_CLK_TCK);
	struct dirent *e;
	DIR *d;

	if (fd < 0)
		return 0;
	d = fdopendir(fd);
	if (!d) {
		close(fd);
		return 0;
	}
	while ((e = readdir(d)))
		if (e->d_name[0] >= '1' && e->d_name[0] <= '9')
			sum += ticks_of(dirfd(d), e->d_name);
	closedir(d);
	return sum * 1000 / hz;
}

static struct files show(const struct body *b)
{
	struct files f = {.dir = b->dir, .moving = true};
	struct tree_out o = files_out(&f);

	tree_cpu_now(&o, b->profile, &b->physics);
	tree_thermal_now(&o, b->profile, &b->physics);
	tree_power_now(&o, b->profile, &b->physics, b->powered);
	tree_dumps_now(&o, b->profile, &b->physics, b->powered);
	return f;
}

/* The host's processors stand for the phone's: when all of them work for it, all of its cores do. */
static double scale(const struct profile *p)
{
	long here = sysconf(_SC_NPROCESSORS_ONLN);
	int there = profile_cpus(p);

	return here > 0 && here < there ? (double)there / (double)here : 1;
}

void body_step(struct body *b, int root, int64_t now_ms)
{
	int64_t cpu = body_cpu_ms(root), used = cpu - b->last_cpu_ms;
	int64_t span = now_ms - b->last_ms;
	struct physics_input in = {.powered = b->powered};

	if (span <= 0)
		return;
	in.load = used > 0 ? (double)used / (double)span * scale(b->profile) : 0;
	b->last_cpu_ms = cpu;
	b->last_ms = now_ms;
	physics_step(&b->physics, b->profile, &in, now_ms);
	show(b);
}

int body_prepare(struct body *b, const struct tree_phone *t, char *ret_what, size_t size)
{
	struct files f = {.dir = b->dir}, moving;
	struct tree_out o = files_out(&f);
	int rc = storage_prepare(b->dir, ret_what, size);

	if (rc)
		return rc;
	tree_cpu(&o, b->profile);
	tree_thermal(&o, b->profile);
	tree_power(&o, b->profile);
	tree_proc(&o, t);
	tree_props(&o, t);
	tree_dumps(&o, b->profile);
	moving = show(b);
	if (!f.failed)
		f = moving;
	if (f.failed)
		str_copy(ret_what, size, f.what);
	return f.failed;
}
