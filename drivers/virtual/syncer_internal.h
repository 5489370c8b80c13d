/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by syncer*.c: the machine's state, its output, and what each kind of request does. */
#ifndef FRAMEFARM_DRIVERS_VIRTUAL_SYNCER_INTERNAL_H
#define FRAMEFARM_DRIVERS_VIRTUAL_SYNCER_INTERNAL_H

#include <dirent.h>

#include "drivers/adb/compress.h"
#include "drivers/adb/packet.h"
#include "drivers/adb/syncmsg.h"
#include "drivers/virtual/syncer.h"

#define SYNCER_CHUNK (64 * 1024)

enum syncer_stage {
	SYNCER_REQUEST, /* id, length, path */
	SYNCER_SPEC,    /* the second message of SND2 and RCV2 */
	SYNCER_DATA,    /* DATA, DONE of a file that comes */
	SYNCER_RECV,    /* a file goes out */
	SYNCER_LIST,    /* a directory goes out */
	SYNCER_END,
};

struct syncer_send {
	int fd, dir; /* dir: of the parent */
	char base[256];
	uint32_t mode;
	bool dry, failed, link;
	uint32_t left; /* of the DATA under way */
	struct adb_compress *z;
	bool z_ended;
	char target[ADB_SYNC_PATH_MAX]; /* of a link: its DATA */
	size_t target_n;
};

struct syncer_recv {
	int fd;
	bool eof;
	struct adb_compress *z;
	uint8_t *in; /* with z: what was read */
	size_t have, used;
};

struct syncer {
	int root;
	uint32_t max, compress;
	enum syncer_stage stage;

	uint8_t head[16 + ADB_SYNC_PATH_MAX]; /* a message that is being gathered */
	size_t have;
	uint32_t id;
	char path[ADB_SYNC_PATH_MAX + 1];
	char asked[ADB_SYNC_PATH_MAX + 1];
	bool is_new; /* asked */

	struct adb_buf *out[SYNCER_OUT + 4]; /* a request's last answer may go beyond the bound */
	int n_out;
	struct adb_buf *open; /* being filled */

	struct syncer_send send;
	struct syncer_recv recv;
	DIR *list;
	uint8_t *scratch; /* SYNCER_CHUNK, for decompression */
};

/* ---- output ---- */

/* Where n bytes go, n at most the maximum; they count once syncer_wrote() says so. */
uint8_t *syncer_room(struct syncer *y, size_t n);
void syncer_wrote(struct syncer *y, size_t n);
void syncer_put(struct syncer *y, const void *data, size_t n);
size_t syncer_left(const struct syncer *y); /* in the buffer that is being filled */
/* FAIL and a text; with errnum ": " and its text behind. */
void syncer_fail(struct syncer *y, const char *text, int errnum);

/* ---- requests; each returns the next stage ---- */

enum syncer_stage syncer_stat(struct syncer *y); /* STAT, STA2, LST2 */
enum syncer_stage syncer_list(struct syncer *y); /* LIST, LIS2 */
enum syncer_stage syncer_list_more(struct syncer *y);
enum syncer_stage syncer_send_begin(struct syncer *y, uint32_t mode, uint32_t flags);
/* Takes DATA and DONE; returns how much. */
size_t syncer_send_feed(struct syncer *y, const uint8_t *in, size_t n);
enum syncer_stage syncer_recv_begin(struct syncer *y, uint32_t flags);
enum syncer_stage syncer_recv_more(struct syncer *y);
void syncer_send_drop(struct syncer *y);
void syncer_recv_drop(struct syncer *y);

#endif
