/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A hash map from int64 or text keys to pointers it does not own, over uthash. No other room
 * includes uthash's header. One owner, no locking. Iteration is in order of insertion, so that a
 * simulation with the same seed walks the same way.
 */
#ifndef FRAMEFARM_BASE_MAP_H
#define FRAMEFARM_BASE_MAP_H

#include <stddef.h>
#include <stdint.h>

struct map;
struct map_item;

struct map *map_new(void);
void map_free(struct map *m); /* not the values; NULL is allowed */
size_t map_count(const struct map *m);

/* Integer keys and text keys must not be mixed in one map. A key that is there gets the new value.
 * */
void map_put(struct map *m, int64_t key, void *value);
void *map_get(const struct map *m, int64_t key); /* NULL when absent */
void *map_del(struct map *m, int64_t key);       /* returns the value, or NULL */

void map_put_str(struct map *m, const char *key, void *value); /* copies the key */
void *map_get_str(const struct map *m, const char *key);
void *map_del_str(struct map *m, const char *key);

/* The walk: the present item may be deleted, others not. */
struct map_item *map_first(const struct map *m);
struct map_item *map_next(struct map_item *it);
void *map_value(const struct map_item *it);
int64_t map_key(const struct map_item *it);

#endif
