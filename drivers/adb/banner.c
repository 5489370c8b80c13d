/* SPDX-License-Identifier: Apache-2.0 */
/* Banners; see banner.h. */
#include "drivers/adb/banner.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"

#define BANNER_MAX 4096 /* of a longer one the rest is not looked at */

static const char *const peers[] = {
	[ADB_PEER_HOST] = "host",
	[ADB_PEER_DEVICE] = "device",
	[ADB_PEER_RECOVERY] = "recovery",
	[ADB_PEER_SIDELOAD] = "sideload",
	[ADB_PEER_RESCUE] = "rescue",
	[ADB_PEER_BOOTLOADER] = "bootloader",
};

#define PEERS (sizeof(peers) / sizeof(peers[0]))

static const struct {
	uint32_t bit;
	const char *word;
} features[] = {
	{ADB_F_SHELL_V2, "shell_v2"},
	{ADB_F_CMD, "cmd"},
	{ADB_F_STAT_V2, "stat_v2"},
	{ADB_F_LS_V2, "ls_v2"},
	{ADB_F_FIXED_PUSH_MKDIR, "fixed_push_mkdir"},
	{ADB_F_ABB, "abb"},
	{ADB_F_ABB_EXEC, "abb_exec"},
	{ADB_F_SENDRECV_V2, "sendrecv_v2"},
	{ADB_F_BROTLI, "sendrecv_v2_brotli"},
	{ADB_F_LZ4, "sendrecv_v2_lz4"},
	{ADB_F_ZSTD, "sendrecv_v2_zstd"},
	{ADB_F_DRY_RUN, "sendrecv_v2_dry_run_send"},
	{ADB_F_DELAYED_ACK, "delayed_ack"},
};

#define FEATURES (sizeof(features) / sizeof(features[0]))

const char *adb_peer_name(enum adb_peer p)
{
	assert((size_t)p < PEERS);
	return peers[p];
}

uint32_t adb_feature_of(const char *word, size_t n)
{
	for (size_t i = 0; i < FEATURES; i++)
		if (strlen(features[i].word) == n && !memcmp(features[i].word, word, n))
			return features[i].bit;
	return 0;
}

static uint32_t read_features(const char *list, size_t n)
{
	uint32_t all = 0;

	while (n) {
		const char *comma = memchr(list, ',', n);
		size_t len = comma ? (size_t)(comma - list) : n;

		all |= adb_feature_of(list, len);
		len += comma != NULL;
		list += len;
		n -= len;
	}
	return all;
}

static bool is_key(const char *key, size_t n, const char *want)
{
	return n == strlen(want) && !memcmp(key, want, n);
}

static void take(struct adb_banner *b, const char *key, size_t n_key, const char *value, size_t n)
{
	if (is_key(key, n_key, "features"))
		b->features = read_features(value, n);
	else if (is_key(key, n_key, "ro.product.name"))
		str_copy_clean(b->product, sizeof(b->product), value, n);
	else if (is_key(key, n_key, "ro.product.model"))
		str_copy_clean(b->model, sizeof(b->model), value, n);
	else if (is_key(key, n_key, "ro.product.device"))
		str_copy_clean(b->device, sizeof(b->device), value, n);
}

static enum adb_peer read_peer(const char *word, size_t n)
{
	for (size_t i = 0; i < PEERS; i++)
		if (strlen(peers[i]) == n && !memcmp(peers[i], word, n))
			return (enum adb_peer)i;
	return ADB_PEER_HOST;
}

/* TYPE:SERIAL:key=value;key=value; with NUL bytes at the end or without. */
void adb_banner_parse(const void *payload, size_t n, struct adb_banner *ret_b)
{
	const char *at = payload, *end, *colon;

	memset(ret_b, 0, sizeof(*ret_b));
	if (!n) /* then there is no payload to point into */
		return;
	n = strnlen(at, n < BANNER_MAX ? n : BANNER_MAX);
	end = at + n;
	colon = memchr(at, ':', n);
	if (!colon)
		return;
	ret_b->peer = read_peer(at, colon - at);
	at = memchr(colon + 1, ':', end - colon - 1);
	if (!at)
		return;
	for (at++; at < end;) {
		const char *semi = memchr(at, ';', end - at);
		const char *stop = semi ? semi : end, *eq = memchr(at, '=', stop - at);

		if (eq)
			take(ret_b, at, eq - at, eq + 1, stop - eq - 1);
		at = stop + 1;
	}
}

static size_t add(char *dst, size_t at, size_t cap, const char *a, const char *b, const char *c)
{
	int n = snprintf(dst + at, cap - at, "%s%s%s", a, b, c);

	return at + n < cap ? at + n : cap - 1;
}

/* A value, from a profile say, must not end its pair. */
static size_t add_prop(char *dst, size_t at, size_t cap, const char *key, const char *value)
{
	char clean[LIMIT_VALUE];

	str_copy(clean, sizeof(clean), value);
	for (char *c = clean; *c; c++)
		if (*c == ';')
			*c = '_';
	return add(dst, at, cap, key, clean, ";");
}

size_t adb_banner_print(const struct adb_banner *b, char *dst, size_t cap)
{
	size_t at;
	const char *sep = "";

	assert(cap >= 1024);
	at = add(dst, 0, cap, peers[b->peer], "::", "");
	if (b->peer != ADB_PEER_HOST) {
		at = add_prop(dst, at, cap, "ro.product.name=", b->product);
		at = add_prop(dst, at, cap, "ro.product.model=", b->model);
		at = add_prop(dst, at, cap, "ro.product.device=", b->device);
	}
	at = add(dst, at, cap, "features=", "", "");
	for (size_t i = 0; i < FEATURES; i++) {
		if (!(b->features & features[i].bit))
			continue;
		at = add(dst, at, cap, sep, features[i].word, "");
		sep = ",";
	}
	return at;
}
