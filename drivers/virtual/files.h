/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The files of a phone's directory, written so that a reader sees whole values. What does not move
 * appears whole, by a rename. What moves is written over in place, since agents keep files of /sys open
 * for hours and would go on reading one that was replaced: by one write that does not change the
 * length, which is kept at a multiple of eight bytes by blanks at the end. A number of up to seven
 * digits at a file's beginning then is one word to the kernel, and a reader that copies in the very
 * nanoseconds of the write was seen to get a mixture once in millions of writes, where the processor
 * copies by bytes; without that it was, once in some thousands. (In a file of many values, as uevent is, one may be new and the next old,
 * and one that crosses a word may be mixed.) Blocks; one thread at a time a phone.
 */
#ifndef FRAMEFARM_DRIVERS_VIRTUAL_FILES_H
#define FRAMEFARM_DRIVERS_VIRTUAL_FILES_H

#include <stdbool.h>
#include <stddef.h>

#include "drivers/virtual/tree.h"

struct err;

struct files {
	const char *dir; /* borrowed */
	bool moving;     /* what is written now will be written again while it is read */
	int failed;      /* the first errno, 0: none */
	char what[128];  /* the path it was about */
};

/* A tree_out that writes below f->dir. */
struct tree_out files_out(struct files *f);
/* Makes the directories of a path; what is there is well. Returns 0 or an errno. */
int files_mkdirs(const char *path);
/* Removes a tree; follows no link. Returns 0 or the first errno. */
int files_remove(const char *path);
/* What is in a directory, but not the directory. */
void files_remove_below(const char *path);

#endif
