/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Packets on their way; see packet.h. Long ones, which transfers are made of, are not given back to
 * the system at once but kept for the next: a fresh mebibyte is zeroed by the kernel page by page, a
 * tenth of what a transfer costs. Few are kept, so that two hundred phones that were pushed to do not
 * leave their buffers behind. Buffers are made on pool threads too, hence the lock.
 */
#include "drivers/adb/packet.h"

#include <assert.h>
#include <pthread.h>

#include "base/mem.h"

#define KEPT_MAX 8

/* What long ones are rounded up to, so that any may be used again: the payloads of USB and of TCP. */
static const uint32_t sizes[] = {256 * 1024, ADB_PAYLOAD_MAX};
#define N_SIZES  2
#define LONG_MIN (64 * 1024)

/* The address sanitizer shall see who uses one too long. */
#if defined(__SANITIZE_ADDRESS__)
#define KEEP false
#else
#define KEEP true
#endif

static struct {
	pthread_mutex_t lock;
	struct adb_buf *list[N_SIZES][KEPT_MAX];
	int n[N_SIZES];
} kept = {.lock = PTHREAD_MUTEX_INITIALIZER};

static struct adb_buf *take_kept(int size)
{
	struct adb_buf *b = NULL;

	pthread_mutex_lock(&kept.lock);
	if (kept.n[size])
		b = kept.list[size][--kept.n[size]];
	pthread_mutex_unlock(&kept.lock);
	return b;
}

static bool keep(struct adb_buf *b)
{
	bool room;

	if (!KEEP || b->size < 0)
		return false;
	pthread_mutex_lock(&kept.lock);
	room = kept.n[b->size] < KEPT_MAX;
	if (room)
		kept.list[b->size][kept.n[b->size]++] = b;
	pthread_mutex_unlock(&kept.lock);
	return room;
}

static struct adb_buf *make(uint32_t cap, void *(*alloc)(size_t n))
{
	int size = cap <= LONG_MIN ? -1 : cap <= sizes[0] ? 0 : 1;
	struct adb_buf *b = size < 0 ? NULL : take_kept(size);

	assert(cap <= ADB_PAYLOAD_MAX);
	if (!b)
		b = alloc(sizeof(*b) + (size < 0 || !KEEP ? cap : sizes[size]) + ADB_HEADER);
	if (!b)
		return NULL;
	b->refs = 1;
	b->size = size;
	b->cap = cap;
	b->len = 0;
	return b;
}

struct adb_buf *adb_buf_new(uint32_t cap)
{
	return make(cap, mem_alloc);
}

struct adb_buf *adb_buf_try(uint32_t cap)
{
	return make(cap, mem_try);
}

struct adb_buf *adb_buf_ref(struct adb_buf *b)
{
	b->refs++;
	return b;
}

void adb_buf_unref(struct adb_buf *b)
{
	if (!b)
		return;
	assert(b->refs > 0);
	if (--b->refs == 0 && !keep(b))
		mem_free(b);
}
