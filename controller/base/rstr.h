/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Immutable, reference-counted text: a job's specification, a run's result. Rows hold these so
 * that a snapshot for the store copies a pointer, not a megabyte. Counts are atomic: the loop
 * thread drops its reference while a writer thread still binds the text.
 */
#ifndef FRAMEFARM_BASE_RSTR_H
#define FRAMEFARM_BASE_RSTR_H

#include <stddef.h>

struct rstr;

/* A copy of n bytes of text (NUL is added); aborts when memory is out. The caller owns one
 * reference. */
struct rstr *rstr_new(const char *text, size_t n);
struct rstr *rstr_ref(struct rstr *s);       /* NULL gives NULL */
void rstr_unref(struct rstr *s);             /* NULL is allowed */
const char *rstr_text(const struct rstr *s); /* "" for NULL; valid while a reference is held */
size_t rstr_len(const struct rstr *s);

#endif
