/* SPDX-License-Identifier: Apache-2.0 */
/* Uploading files, by hash, with progress on a terminal. */
#ifndef FRAMEFARM_CMD_UPLOAD_H
#define FRAMEFARM_CMD_UPLOAD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/limits.h"

struct client;
struct err;

struct upload_file {
	const char *path;
	char sha256[LIMIT_SHA256];
	int64_t bytes;
};

int upload_file(struct client *c, const struct upload_file *f, bool quiet, struct err *e);
int upload_unless_there(struct client *c, const struct upload_file *f, bool quiet, struct err *e);

#endif
