/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How often one client may ask: a token bucket for each, which fills at a steady rate up to a burst
 * and gives one token a request. Pure: time is a parameter.
 */
#ifndef FRAMEFARM_API_RATE_H
#define FRAMEFARM_API_RATE_H

#include <stdint.h>

struct rate;
struct sockaddr_storage;

#define RATE_KEY_MAX 128

/* per_s tokens a second (from 1 on), at most burst of them kept. At most API_RATE_KEYS clients are
 * remembered; beyond, the one whose bucket is fullest is forgotten, who had the least to lose. */
struct rate *rate_new(int64_t per_s, int64_t burst);
void rate_free(struct rate *r); /* NULL is allowed */

/* 0: go on. Otherwise ms (from 1 on) until there is a token again; nothing was taken then. */
int64_t rate_take(struct rate *r, const char *key, int64_t now_ms);

/* The client behind an address: an IPv4 address, or the /64 that a host on IPv6 has to itself. */
void rate_key(char dst[RATE_KEY_MAX], const char *actor, const struct sockaddr_storage *peer);

#endif
