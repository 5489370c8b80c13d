/* SPDX-License-Identifier: Apache-2.0 */
/* Shell protocol, version 2; see shell2.h. */
#include "drivers/adb/shell2.h"

#include <string.h>

#include "base/err.h"

void adb_shell2_put(uint8_t dst[ADB_SHELL2_HEADER], uint8_t id, uint32_t len)
{
	dst[0] = id;
	for (int i = 0; i < 4; i++)
		dst[1 + i] = (uint8_t)(len >> (8 * i));
}

void adb_shell2_init(struct adb_shell2_parser *p)
{
	memset(p, 0, sizeof(*p));
}

/* The header is complete. Returns what piece() said of a packet without data. */
static int begin(struct adb_shell2_parser *p,
	int (*piece)(void *arg, uint8_t id, const uint8_t *data, size_t n, int end), void *arg)
{
	p->have = 0;
	p->id = p->head[0];
	p->left = p->head[1] | (uint32_t)p->head[2] << 8 | (uint32_t)p->head[3] << 16 |
	          (uint32_t)p->head[4] << 24;
	if (p->id > ADB_SHELL2_WINDOW)
		return ERR_PROTO;
	return p->left ? 0 : piece(arg, p->id, NULL, 0, 1);
}

int adb_shell2_feed(struct adb_shell2_parser *p, const uint8_t *data, size_t n,
	int (*piece)(void *arg, uint8_t id, const uint8_t *data, size_t n, int end), void *arg)
{
	int rc = 0;

	while (n && !rc) {
		if (p->left) {
			size_t take = n < p->left ? n : p->left;

			p->left -= (uint32_t)take;
			rc = piece(arg, p->id, data, take, !p->left);
			data += take;
			n -= take;
			continue;
		}
		p->head[p->have++] = *data++;
		n--;
		if (p->have == ADB_SHELL2_HEADER)
			rc = begin(p, piece, arg);
	}
	return rc;
}
