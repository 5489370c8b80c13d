/* SPDX-License-Identifier: Apache-2.0 */
/* Allocation; see mem.h. */
#include "base/mem.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *check(void *p)
{
	if (!p) {
		fputs("framefarm: out of memory\n", stderr);
		abort();
	}
	return p;
}

void *mem_alloc(size_t n)
{
	return check(malloc(n ? n : 1));
}

void *mem_zalloc(size_t n)
{
	return check(calloc(1, n ? n : 1));
}

void *mem_realloc(void *p, size_t n, size_t size)
{
	if (size && n > SIZE_MAX / size)
		check(NULL);
	return check(realloc(p, n * size + 1));
}

char *mem_strdup(const char *s)
{
	return s ? check(strdup(s)) : NULL;
}

char *mem_printf(const char *fmt, ...)
{
	char *out = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&out, fmt, ap) < 0)
		out = NULL;
	va_end(ap);
	return check(out);
}

void *mem_try(size_t n)
{
	return calloc(1, n ? n : 1);
}

void mem_free(void *p)
{
	free(p);
}
