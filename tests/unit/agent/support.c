/* SPDX-License-Identifier: Apache-2.0 */
/* Trees and readings; see support.h. */
#include "support.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/sampler.h"
#include "timesrc.h"

void tree_init(struct tree *t)
{
	strcpy(t->dir, "/tmp/ffagent-unit-XXXXXX");
	assert_non_null(mkdtemp(t->dir));
	t->fd = open(t->dir, O_RDONLY | O_DIRECTORY);
	assert_true(t->fd >= 0);
	assert_int_equal(root_init(&t->root, t->dir), 0);
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
	(void)st;
	(void)kind;
	(void)ftw;
	return remove(path);
}

void tree_fini(struct tree *t)
{
	root_fini(&t->root);
	close(t->fd);
	nftw(t->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void make_dirs(struct tree *t, const char *path)
{
	char part[256];

	for (const char *p = strchr(path + 1, '/'); p; p = strchr(p + 1, '/')) {
		snprintf(part, sizeof(part), "%.*s", (int)(p - path), path);
		mkdirat(t->fd, part + (*part == '/'), 0755);
	}
}

void tree_put(struct tree *t, const char *path, const char *text)
{
	int fd;

	make_dirs(t, path);
	fd = openat(t->fd, path + (*path == '/'), O_WRONLY | O_CREAT | O_TRUNC, 0644);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

void tree_remove(struct tree *t, const char *path)
{
	assert_int_equal(unlinkat(t->fd, path + (*path == '/'), 0), 0);
}

void tree_link(struct tree *t, const char *path, const char *target)
{
	make_dirs(t, path);
	assert_int_equal(symlinkat(target, t->fd, path + (*path == '/')), 0);
}

void reading_init(struct reading *r, struct tree *t)
{
	memset(r, 0, sizeof(*r));
	r->tree = t;
	r->ts = timesrc_open(NULL);
	r->s = sampler_new(&t->root, r->ts);
	assert_non_null(r->s);
}

void reading_fini(struct reading *r)
{
	sampler_free(r->s);
	timesrc_close(r->ts);
}

static void note(void *arg, uint32_t counter, int64_t t_ns, int64_t v)
{
	struct reading *r = arg;

	assert_false(r->seen[counter]);
	r->seen[counter] = true;
	r->v[counter] = v;
	r->t_ns[counter] = t_ns;
}

void reading_sweep(struct reading *r)
{
	memset(r->seen, 0, sizeof(r->seen));
	sampler_sweep(r->s, false, note, r);
}

static int find(const struct reading *r, const char *name)
{
	for (uint32_t i = 0; i < sampler_count(r->s); i++)
		if (!strcmp(sampler_counter(r->s, i)->info.name, name))
			return i;
	return -1;
}

bool reading_knows(const struct reading *r, const char *name)
{
	return find(r, name) >= 0;
}

int reading_find(const struct reading *r, const char *name)
{
	int i = find(r, name);

	if (i < 0)
		fail_msg("there is no counter %s", name);
	return i;
}

int64_t reading_value(const struct reading *r, const char *name)
{
	int i = reading_find(r, name);

	if (!r->seen[i])
		fail_msg("%s has a gap", name);
	return r->v[i];
}

bool reading_gap(const struct reading *r, const char *name)
{
	return !r->seen[reading_find(r, name)];
}
