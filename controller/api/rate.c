/* SPDX-License-Identifier: Apache-2.0 */
/* Token buckets; see rate.h. Counted in thousandths of a token, so that nothing is lost to rounding
 * at a millisecond's resolution. */
#include "api/rate.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "api/bounds.h"
#include "base/map.h"
#include "base/mem.h"

#define TOKEN 1000

struct bucket {
	char key[RATE_KEY_MAX];
	int64_t level; /* thousandths of a token, at at_ms */
	int64_t at_ms;
};

struct rate {
	int64_t per_s, full; /* full: thousandths */
	struct map *buckets; /* by key */
};

struct rate *rate_new(int64_t per_s, int64_t burst)
{
	struct rate *r = mem_zalloc(sizeof(*r));

	*r = (struct rate){per_s, burst * TOKEN, map_new()};
	return r;
}

void rate_free(struct rate *r)
{
	if (!r)
		return;
	for (struct map_item *it = map_first(r->buckets); it; it = map_next(it))
		mem_free(map_value(it));
	map_free(r->buckets);
	mem_free(r);
}

/* per_s tokens a second are as many thousandths a millisecond. */
static int64_t level_at(const struct rate *r, const struct bucket *b, int64_t now_ms)
{
	int64_t passed = now_ms - b->at_ms;

	if (passed <= 0)
		return b->level;
	if (passed > (r->full - b->level) / r->per_s)
		return r->full;
	return b->level + passed * r->per_s;
}

static void make_room(struct rate *r, int64_t now_ms)
{
	struct bucket *fullest = NULL;

	if (map_count(r->buckets) < API_RATE_KEYS)
		return;
	for (struct map_item *it = map_first(r->buckets); it; it = map_next(it)) {
		struct bucket *b = map_value(it);

		if (!fullest || level_at(r, b, now_ms) > level_at(r, fullest, now_ms))
			fullest = b;
	}
	map_del_str(r->buckets, fullest->key);
	mem_free(fullest);
}

static struct bucket *find(struct rate *r, const char *key, int64_t now_ms)
{
	struct bucket *b = map_get_str(r->buckets, key);

	if (b)
		return b;
	make_room(r, now_ms);
	b = mem_zalloc(sizeof(*b));
	snprintf(b->key, sizeof(b->key), "%s", key);
	b->level = r->full;
	b->at_ms = now_ms;
	map_put_str(r->buckets, b->key, b);
	return b;
}

int64_t rate_take(struct rate *r, const char *key, int64_t now_ms)
{
	struct bucket *b = find(r, key, now_ms);

	b->level = level_at(r, b, now_ms);
	if (now_ms > b->at_ms)
		b->at_ms = now_ms;
	if (b->level < TOKEN)
		return (TOKEN - b->level + r->per_s - 1) / r->per_s;
	b->level -= TOKEN;
	return 0;
}

void rate_key(char dst[RATE_KEY_MAX], const char *actor, const struct sockaddr_storage *peer)
{
	char text[INET6_ADDRSTRLEN] = "?";
	struct in6_addr net;

	if (peer->ss_family == AF_INET) {
		inet_ntop(
			AF_INET, &((const struct sockaddr_in *)peer)->sin_addr, text, sizeof(text));
	} else if (peer->ss_family == AF_INET6) {
		net = ((const struct sockaddr_in6 *)peer)->sin6_addr;
		if (!IN6_IS_ADDR_V4MAPPED(&net))
			memset(net.s6_addr + 8, 0, 8);
		inet_ntop(AF_INET6, &net, text, sizeof(text));
	}
	snprintf(dst, RATE_KEY_MAX, "%s %s", text, actor);
}
