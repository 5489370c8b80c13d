/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Packets on their way out; see packet.h. Long ones, which transfers are made of, are not given back
 * to the system at once but kept for the next: a fresh mebibyte is zeroed by the kernel page by page,
 * a tenth of what a transfer costs. Few are kept, so that two hundred phones that were pushed to do not
 * leave their buffers behind. Buffers are made on pool threads too, hence the lock.
 */
#include "drivers/adb/packet.h"

#include <assert.h>
#include <pthread.h>

#include "base/mem.h"

#define LONG     (256 * 1024)
#define KEPT_MAX 8

/* The address sanitizer shall see who uses one too long. */
#if defined(__SANITIZE_ADDRESS__)
#define KEEP false
#else
#define KEEP true
#endif

static struct {
	pthread_mutex_t lock;
	struct adb_buf *list[KEPT_MAX];
	int n;
} kept = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* One of exactly this length; sessions seldom differ in theirs. */
static struct adb_buf *take_kept(uint32_t cap)
{
	struct adb_buf *b = NULL;

	if (cap < LONG)
		return NULL;
	pthread_mutex_lock(&kept.lock);
	if (kept.n && kept.list[kept.n - 1]->cap == cap)
		b = kept.list[--kept.n];
	pthread_mutex_unlock(&kept.lock);
	return b;
}

static bool keep(struct adb_buf *b)
{
	bool room;

	if (!KEEP || b->cap < LONG)
		return false;
	pthread_mutex_lock(&kept.lock);
	room = kept.n < KEPT_MAX;
	if (room)
		kept.list[kept.n++] = b;
	pthread_mutex_unlock(&kept.lock);
	return room;
}

struct adb_buf *adb_buf_new(uint32_t cap)
{
	struct adb_buf *b = take_kept(cap);

	assert(cap <= ADB_PAYLOAD_MAX);
	if (!b)
		b = mem_alloc(sizeof(*b) + cap);
	b->refs = 1;
	b->cap = cap;
	b->len = 0;
	return b;
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
