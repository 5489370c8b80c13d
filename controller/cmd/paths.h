/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where things lie on this host, decided once for the daemon and its clients: the data directory,
 * the programs beside ours, ONNX Runtime's library, and the two small files with which a client on
 * the same host finds the daemon. Reads the environment; any thread.
 */
#ifndef FRAMEFARM_CMD_PATHS_H
#define FRAMEFARM_CMD_PATHS_H

#include <stdbool.h>
#include <stddef.h>

struct err;

#define PATHS_MAX         4096
#define PATHS_TOKEN_MAX   256
#define PATHS_URL_MAX     512
#define PATHS_DEFAULT_URL "http://127.0.0.1:8765"

#define PATHS_TOKEN_FILE "admin.token" /* in the data directory; mode 0600 */
#define PATHS_URL_FILE   "url"         /* in the data directory: where the daemon listens */

/* $FRAMEFARM_DATA, else /var/lib/framefarm for root and for whose it is, else ~/.local/share/framefarm.
 * Nothing is created. ERR_INVAL when there is no home, ERR_TOOBIG for a path beyond PATHS_MAX. */
int paths_data_dir(char dst[PATHS_MAX], struct err *e);

/* Where framefarm-agent and the runners lie: beside this program, or in ../lib/framefarm. */
int paths_tools_dir(char dst[PATHS_MAX], struct err *e);

/*
 * ONNX Runtime's library: $FRAMEFARM_ORT; else libonnxruntime.so.1 beside this program, in
 * ../lib/framefarm or in ../.cache/ort/VERSION (a source tree); else where Debian's package puts it.
 * False and "" when there is none. What FRAMEFARM_ORT names is returned even when it is not there,
 * so that the message is about what the user asked for.
 */
bool paths_find_ort(char dst[PATHS_MAX]);

/* dir/name; false when it is too long. */
bool paths_join(char dst[PATHS_MAX], const char *dir, const char *name);

/* The first line of a small file, without its newline. ERR_NOTFOUND, ERR_PERM, ERR_TOOBIG, ERR_IO. */
int paths_read_line(const char *path, char *dst, size_t size, struct err *e);

#endif
