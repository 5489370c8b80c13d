/* SPDX-License-Identifier: Apache-2.0 */
/* Hash map over uthash; see map.h. */
#include "base/map.h"

#include <string.h>

#include "base/mem.h"

#define uthash_malloc(n)  mem_alloc(n)
#define uthash_free(p, n) mem_free(p)
#include <uthash.h>

struct map_item {
	UT_hash_handle hh;
	void *value;
	int64_t key;
	char *text;
};

struct map {
	struct map_item *head;
};

struct map *map_new(void)
{
	return mem_zalloc(sizeof(struct map));
}

static void *drop(struct map *m, struct map_item *it)
{
	void *value;

	if (!it)
		return NULL;
	value = it->value;
	HASH_DELETE(hh, m->head, it);
	mem_free(it->text);
	mem_free(it);
	return value;
}

void map_free(struct map *m)
{
	struct map_item *it, *next;

	if (!m)
		return;
	for (it = m->head; it; it = next) {
		next = it->hh.next;
		drop(m, it);
	}
	mem_free(m);
}

size_t map_count(const struct map *m)
{
	return HASH_COUNT(m->head);
}

static struct map_item *find(const struct map *m, int64_t key)
{
	struct map_item *it;

	HASH_FIND(hh, m->head, &key, sizeof(key), it);
	return it;
}

static struct map_item *find_str(const struct map *m, const char *key)
{
	struct map_item *it;

	HASH_FIND_STR(m->head, key, it);
	return it;
}

void map_put(struct map *m, int64_t key, void *value)
{
	struct map_item *it = find(m, key);

	if (!it) {
		it = mem_zalloc(sizeof(*it));
		it->key = key;
		HASH_ADD(hh, m->head, key, sizeof(key), it);
	}
	it->value = value;
}

void *map_get(const struct map *m, int64_t key)
{
	struct map_item *it = find(m, key);

	return it ? it->value : NULL;
}

void *map_del(struct map *m, int64_t key)
{
	return drop(m, find(m, key));
}

void map_put_str(struct map *m, const char *key, void *value)
{
	struct map_item *it = find_str(m, key);

	if (!it) {
		it = mem_zalloc(sizeof(*it));
		it->text = mem_strdup(key);
		HASH_ADD_KEYPTR(hh, m->head, it->text, strlen(it->text), it);
	}
	it->value = value;
}

void *map_get_str(const struct map *m, const char *key)
{
	struct map_item *it = find_str(m, key);

	return it ? it->value : NULL;
}

void *map_del_str(struct map *m, const char *key)
{
	return drop(m, find_str(m, key));
}

struct map_item *map_first(const struct map *m)
{
	return m->head;
}

struct map_item *map_next(struct map_item *it)
{
	return it->hh.next;
}

void *map_value(const struct map_item *it)
{
	return it->value;
}

int64_t map_key(const struct map_item *it)
{
	return it->key;
}
