/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Allocation that aborts when memory is out, for sizes that are ours and small. A size that comes
 * from outside is bounded first and then asked for with mem_try(). Any thread.
 */
#ifndef FRAMEFARM_BASE_MEM_H
#define FRAMEFARM_BASE_MEM_H

#include <stddef.h>

void *mem_alloc(size_t n);                         /* not cleared */
void *mem_zalloc(size_t n);                        /* cleared */
void *mem_realloc(void *p, size_t n, size_t size); /* n elements; aborts on overflow */
char *mem_strdup(const char *s);                   /* NULL gives NULL */
char *mem_printf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void *mem_try(size_t n); /* cleared, or NULL */
void mem_free(void *p);

#endif
