/* SPDX-License-Identifier: Apache-2.0 */
/* Files of one number; see value.h. */
#include "agent/value.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/root.h"
#include "agent/source.h"
#include "agent/text.h"
#include "agent/thermal_rules.h"

#define TEXT 64

int value_read_fd(int fd, int64_t *ret_v)
{
	char text[TEXT];
	ssize_t n = root_pread(fd, text, sizeof(text));

	return n < 0 ? (int)n : text_int(text, ret_v);
}

static struct value *append(struct value_set *vs)
{
	struct value *v;

	if (vs->n == VALUE_SET_MAX)
		return NULL;
	v = realloc(vs->values, (vs->n + 1) * sizeof(*v));
	if (!v)
		return NULL;
	vs->values = v;
	return &vs->values[vs->n];
}

int value_set_add(struct value_set *vs, struct sampler *s, const struct value_spec *spec)
{
	int fd = root_open(sampler_root(s), spec->path);
	int64_t now;
	int rc = fd < 0 ? fd : value_read_fd(fd, &now);
	struct value *v;

	if (fd == -ENOENT && !spec->report_missing)
		return fd;
	v = fd < 0 ? NULL : append(vs);
	if (v) {
		*v = (struct value){
			.fd = fd, .mul = spec->mul, .temp = spec->temp, .path = strdup(spec->path)};
		vs->n++;
	} else if (fd >= 0) {
		close(fd);
		return -ENOMEM;
	}
	fd = sampler_add(s, spec->name, spec->unit, spec->scale, spec->path, -rc);
	if (v)
		v->counter = fd;
	return rc;
}

/* Opens a file again that went away. */
static void find_again(struct value *v, struct sampler *s)
{
	if (!v->path || ++v->misses % VALUE_REOPEN_EACH)
		return;
	v->fd = root_open(sampler_root(s), v->path);
	if (v->fd < 0)
		v->fd = -1;
}

static void sample_one(struct value *v, struct sampler *s)
{
	int64_t now;
	int rc;

	if (v->fd < 0) {
		find_again(v, s);
		return;
	}
	rc = value_read_fd(v->fd, &now);
	if (rc == -ENODEV || rc == -ENXIO || rc == -ENOENT) {
		close(v->fd);
		v->fd = -1;
		return;
	}
	if (rc || now > INT64_MAX / v->mul || now < INT64_MIN / v->mul)
		return;
	if (!v->temp)
		sampler_put(s, v->counter, now * v->mul);
	else if (thermal_is_plausible(now * v->mul))
		sampler_put_temp(s, v->counter, now * v->mul);
}

void value_set_sample(struct value_set *vs, struct sampler *s)
{
	for (unsigned i = 0; i < vs->n; i++)
		sample_one(&vs->values[i], s);
}

void value_set_fini(struct value_set *vs)
{
	for (unsigned i = 0; i < vs->n; i++) {
		if (vs->values[i].fd >= 0)
			close(vs->values[i].fd);
		free(vs->values[i].path);
	}
	free(vs->values);
	vs->values = NULL;
	vs->n = 0;
}
