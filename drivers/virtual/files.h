/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The files of a phone's directory. A new file appears whole. One that is there is written over in
 * place, by one write of less than a page, since agents keep files of /sys open for hours and would go
 * on reading a file that was replaced. A shorter text is cut behind the write: a reader between the two
 * sees the new value and a remainder that begins behind a line's end. (A reader that copies in the
 * very nanoseconds of the write can get bytes of both; at five writes and ten readings a second that
 * is not expected in years.) Blocks; one thread at a time a phone.
 */
#ifndef FRAMEFARM_DRIVERS_VIRTUAL_FILES_H
#define FRAMEFARM_DRIVERS_VIRTUAL_FILES_H

#include <stdbool.h>
#include <stddef.h>

#include "drivers/virtual/tree.h"

struct err;

struct files {
	const char *dir; /* borrowed */
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
