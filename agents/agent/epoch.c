/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Epochs, kept in a file "epochs" of two slots; see epoch.h. A slot is one frame with the whole list and the
 * number of the write. Writes go to the slots in turn, in place: one flush of the disk, on blocks that are
 * there already. A write that is cut short spoils the slot it went to; the other one holds the list before
 * it, which is what was promised until then. Agents before this wrote lines "FARM EPOCH", which are read, and
 * replaced with the first write.
 */
#include "agent/epoch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/files.h"
#include "agent/text.h"
#include "proto.h"

#define FILE_NAME  "epochs"
#define SLOT_TYPE  0x5045
#define SLOT_BYTES 4096 /* a block: what a power cut tears is of one slot */
#define FILE_BYTES (2 * SLOT_BYTES)
#define LINE_MAX_  (EPOCH_FARM + 24)
#define TEXT_MAX   (EPOCH_FARMS_MAX * LINE_MAX_)

bool epochs_farm_is_valid(const char *farm)
{
	static const char legal[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._:-";
	size_t n = strspn(farm, legal);

	return n && n < EPOCH_FARM && !farm[n];
}

/* ---- reading ---- */

static int parse_line(struct epochs *e, char *line)
{
	char *blank = strchr(line, ' ');
	int64_t epoch;

	if (!blank || e->n == EPOCH_FARMS_MAX)
		return -EBADMSG;
	*blank = '\0';
	if (!epochs_farm_is_valid(line) || text_int(blank + 1, &epoch) || epoch < 0)
		return -EBADMSG;
	strcpy(e->floors[e->n].farm, line);
	e->floors[e->n++].epoch = epoch;
	return 0;
}

static int parse_text(struct epochs *e, char *text, size_t n)
{
	if (n > TEXT_MAX || strlen(text) != n)
		return -EBADMSG;
	for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
		if (parse_line(e, line))
			return -EBADMSG;
	return 0;
}

/* Returns 0 and all of the list, or -EBADMSG and whatever. */
static int parse_slot(struct epochs *e, const uint8_t *mem)
{
	struct proto_header h;
	struct proto_r r;

	if (proto_header_get(mem, &h) || h.type != SLOT_TYPE || h.len > SLOT_BYTES - PROTO_HEADER ||
		!proto_check(mem, mem + PROTO_HEADER, h.len))
		return -EBADMSG;
	proto_r_init(&r, mem + PROTO_HEADER, h.len);
	e->written = proto_get_u64(&r);
	e->n = proto_get_u32(&r);
	if (r.bad || e->n > EPOCH_FARMS_MAX || e->written == UINT64_MAX)
		return -EBADMSG;
	for (unsigned i = 0; i < e->n; i++) {
		proto_get_text(&r, e->floors[i].farm, sizeof(e->floors[i].farm));
		e->floors[i].epoch = proto_get_i64(&r);
		if (r.bad || e->floors[i].epoch < 0 || !epochs_farm_is_valid(e->floors[i].farm))
			return -EBADMSG;
	}
	return 0;
}

/* The newer of the slots that are whole. */
static int parse_slots(struct epochs *e, const uint8_t *mem)
{
	struct epochs of[2] = {*e, *e};
	int rc[2], newest;

	for (int i = 0; i < 2; i++) {
		rc[i] = parse_slot(&of[i], mem + i * SLOT_BYTES);
		of[i].slot = i;
	}
	if (rc[0] && rc[1])
		return -EBADMSG;
	newest = rc[0] || (!rc[1] && of[1].written > of[0].written);
	*e = of[newest];
	return 0;
}

int epochs_load(struct epochs *e, int dirfd)
{
	static uint8_t mem[FILE_BYTES + 1]; /* static: the stack is small on some devices */
	ssize_t n;
	int rc;

	memset(e, 0, sizeof(*e));
	e->dirfd = dirfd;
	n = files_read(dirfd, FILE_NAME, mem, FILE_BYTES);
	if (n == -ENOENT)
		return 0;
	if (n < 0 && n != -EFBIG)
		return n;
	rc = -EBADMSG;
	if (n == FILE_BYTES) {
		rc = parse_slots(e, mem);
	} else if (n >= 0) {
		mem[n] = '\0';
		rc = parse_text(e, (char *)mem, n);
	}
	if (rc) {
		e->n = 0;
		renameat(dirfd, FILE_NAME, dirfd, FILE_NAME ".bad");
	}
	return rc;
}

static unsigned find(const struct epochs *e, const char *farm)
{
	unsigned i = 0;

	while (i < e->n && strcmp(e->floors[i].farm, farm))
		i++;
	return i;
}

int64_t epochs_floor(const struct epochs *e, const char *farm)
{
	unsigned i = find(e, farm);

	return i < e->n ? e->floors[i].epoch : 0;
}

/* ---- writing ---- */

/* In place; -ENOENT where there is no file of slots yet. */
static int write_slot(const struct epochs *e, const uint8_t *mem, int slot)
{
	int fd = openat(e->dirfd, FILE_NAME, O_WRONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct stat st;
	int rc;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st))
		rc = -errno;
	else if (!S_ISREG(st.st_mode) || st.st_size != FILE_BYTES)
		rc = -ENOENT;
	else
		rc = files_write_at(fd, mem, SLOT_BYTES, slot * SLOT_BYTES);
	if (!rc && fdatasync(fd))
		rc = -errno;
	close(fd);
	return rc;
}

/* Fails without having spoilt the slot that counts until then, and is tried again on the same other one. */
static int save(struct epochs *e)
{
	static uint8_t mem[FILE_BYTES];
	int slot = !e->slot, rc;
	struct proto_w w;

	memset(mem, 0, sizeof(mem));
	proto_w_init(&w, mem + PROTO_HEADER, SLOT_BYTES - PROTO_HEADER);
	proto_put_u64(&w, e->written + 1);
	proto_put_u32(&w, e->n);
	for (unsigned i = 0; i < e->n; i++) {
		proto_put_text(&w, e->floors[i].farm);
		proto_put_i64(&w, e->floors[i].epoch);
	}
	proto_header_put(mem, SLOT_TYPE, mem + PROTO_HEADER, w.len);
	rc = write_slot(e, mem, slot);
	if (rc == -ENOENT) {
		slot = 0; /* the other one is zeros, which is nothing */
		rc = files_replace(e->dirfd, FILE_NAME, mem, FILE_BYTES);
	}
	if (rc)
		return rc;
	e->written++;
	e->slot = slot;
	return 0;
}

int epochs_raise(struct epochs *e, const char *farm, int64_t epoch)
{
	unsigned i = find(e, farm);
	int64_t old = i < e->n ? e->floors[i].epoch : 0;

	if (i == 0 && e->n && epoch <= old)
		return 0;
	if (i == e->n)
		i = e->n < EPOCH_FARMS_MAX ? e->n++ : e->n - 1;
	memmove(&e->floors[1], &e->floors[0], i * sizeof(e->floors[0]));
	snprintf(e->floors[0].farm, sizeof(e->floors[0].farm), "%s", farm);
	e->floors[0].epoch = epoch > old ? epoch : old;
	return save(e);
}
