/* SPDX-License-Identifier: Apache-2.0 */
/* The package name that an APK carries; see apk.h. Sources: PKWARE's APPNOTE (zip), AOSP's
 * ResourceTypes.h (binary XML). zlib, since manifests are deflated. */
#include "drivers/virtual/apk.h"

#include <stdio.h>
#include <string.h>
#include <zlib.h>

#include "base/mem.h"

#define EOCD       22 /* end of central directory, without its comment */
#define EOCD_MAGIC 0x06054b50u
#define ENTRY      46
#define LOCAL      30
#define TAIL       (65536 + EOCD)

#define XML_DOCUMENT 0x0003
#define XML_STRINGS  0x0001
#define XML_ELEMENT  0x0102
#define UTF8         0x100

static uint32_t u16(const uint8_t *p)
{
	return p[0] | (uint32_t)p[1] << 8;
}

static uint32_t u32(const uint8_t *p)
{
	return u16(p) | u16(p + 2) << 16;
}

/* ---- binary XML ---- */

struct pool {
	const uint8_t *chunk;
	uint32_t size, count, start;
	bool utf8;
};

static bool is_package_char(uint32_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '.' || c == '_';
}

/* Lengths of 128 (utf-8) or 32768 (utf-16) and more are not those of what is looked for. */
static bool pool_text(const struct pool *s, uint32_t i, char *dst, size_t cap)
{
	uint32_t at, n, step = s->utf8 ? 1 : 2, head = s->utf8 ? 2 : 2;

	if (i >= s->count || 28 + 4 * (uint64_t)i + 4 > s->size)
		return false;
	at = s->start + u32(s->chunk + 28 + 4 * i);
	if (at < s->start || (uint64_t)at + head > s->size)
		return false;
	n = s->utf8 ? s->chunk[at + 1] : u16(s->chunk + at);
	if (n >= cap || (uint64_t)at + head + (uint64_t)n * step > s->size)
		return false;
	for (uint32_t k = 0; k < n; k++)
		dst[k] = (char)s->chunk[at + head + k * step];
	dst[n] = '\0';
	return true;
}

static bool element_package(const struct pool *s, const uint8_t *c, uint32_t size, char *dst)
{
	char name[64];
	uint32_t first, width, count;

	if (size < 36 || !pool_text(s, u32(c + 20), name, sizeof(name)) || strcmp(name, "manifest"))
		return false;
	first = 16 + u16(c + 24);
	width = u16(c + 26);
	count = u16(c + 28);
	for (uint32_t i = 0; width >= 20 && i < count; i++) {
		uint64_t at = first + (uint64_t)i * width;

		if (at + 20 > size)
			return false;
		if (pool_text(s, u32(c + at + 4), name, sizeof(name)) && !strcmp(name, "package"))
			return pool_text(s, u32(c + at + 8), dst, APK_NAME);
	}
	return false;
}

static bool binary_package(const uint8_t *d, size_t n, char *dst)
{
	struct pool s = {0};

	for (size_t at = 8; at + 8 <= n;) {
		uint32_t type = u16(d + at), size = u32(d + at + 4);

		if (size < 8 || size > n - at)
			return false;
		if (type == XML_STRINGS && size >= 28 && !s.chunk)
			s = (struct pool){.chunk = d + at,
				.size = size,
				.count = u32(d + at + 8),
				.start = u32(d + at + 20),
				.utf8 = u32(d + at + 16) & UTF8};
		else if (type == XML_ELEMENT && s.chunk && element_package(&s, d + at, size, dst))
			return true;
		at += size;
	}
	return false;
}

static bool text_package(const uint8_t *d, size_t n, char *dst)
{
	static const char key[] = "package=\"";
	const uint8_t *p = memmem(d, n, key, sizeof(key) - 1);
	size_t k = 0;

	if (!p)
		return false;
	for (p += sizeof(key) - 1; p < d + n && *p != '"' && k < APK_NAME - 1; p++)
		dst[k++] = (char)*p;
	dst[k] = '\0';
	return p < d + n && *p == '"';
}

bool apk_manifest_package(const uint8_t *data, size_t n, char dst[APK_NAME])
{
	bool ok = n >= 8 && u16(data) == XML_DOCUMENT ? binary_package(data, n, dst)
	                                              : text_package(data, n, dst);

	for (const char *p = dst; ok && *p; p++)
		ok = is_package_char((uint8_t)*p);
	return ok && dst[0] && dst[0] != '.';
}

/* ---- zip ---- */

struct entry {
	uint32_t method, packed, size, at;
};

static bool read_at(FILE *f, long at, uint8_t *dst, size_t n)
{
	return !fseek(f, at, SEEK_SET) && fread(dst, 1, n, f) == n;
}

static bool find_directory(FILE *f, uint32_t *ret_at, uint32_t *ret_n)
{
	uint8_t *tail = mem_alloc(TAIL);
	long size = fseek(f, 0, SEEK_END) ? -1 : ftell(f), from = size > TAIL ? size - TAIL : 0;
	bool found = false;

	if (size >= EOCD && read_at(f, from, tail, size - from)) {
		for (long i = size - from - EOCD; i >= 0 && !found; i--) {
			found = u32(tail + i) == EOCD_MAGIC;
			if (found) {
				*ret_n = u16(tail + i + 10);
				*ret_at = u32(tail + i + 16);
			}
		}
	}
	mem_free(tail);
	return found;
}

static bool find_entry(FILE *f, const char *name, struct entry *ret_e)
{
	uint32_t at, n;

	if (!find_directory(f, &at, &n))
		return false;
	for (uint32_t i = 0; i < n; i++) {
		uint8_t h[ENTRY], text[64] = {0};
		uint32_t name_n;

		if (!read_at(f, at, h, sizeof(h)) || u32(h) != 0x02014b50u)
			return false;
		name_n = u16(h + 28);
		if (name_n == strlen(name) && fread(text, 1, name_n, f) == name_n &&
			!memcmp(text, name, name_n)) {
			*ret_e = (struct entry){u16(h + 10), u32(h + 20), u32(h + 24), u32(h + 42)};
			return true;
		}
		at += ENTRY + name_n + u16(h + 30) + u16(h + 32);
	}
	return false;
}

static bool inflate_raw(const uint8_t *in, size_t n, uint8_t *out, size_t size)
{
	z_stream z = {.next_in = (uint8_t *)in,
		.avail_in = (uInt)n,
		.next_out = out,
		.avail_out = (uInt)size};
	int rc;

	if (inflateInit2(&z, -MAX_WBITS) != Z_OK)
		return false;
	rc = inflate(&z, Z_FINISH);
	inflateEnd(&z);
	return rc == Z_STREAM_END && z.total_out == size;
}

static bool read_entry(FILE *f, const struct entry *e, uint8_t *dst)
{
	uint8_t h[LOCAL], *packed;
	long at;
	bool ok;

	if (!read_at(f, e->at, h, sizeof(h)))
		return false;
	at = (long)e->at + LOCAL + u16(h + 26) + u16(h + 28);
	if (e->method == 0)
		return e->packed == e->size && read_at(f, at, dst, e->size);
	if (e->method != 8)
		return false;
	packed = mem_alloc(e->packed + 1);
	ok = read_at(f, at, packed, e->packed) && inflate_raw(packed, e->packed, dst, e->size);
	mem_free(packed);
	return ok;
}

bool apk_package(const char *path, char dst[APK_NAME])
{
	FILE *f = fopen(path, "re");
	struct entry e;
	uint8_t *data = NULL;
	bool ok = false;

	if (f && find_entry(f, "AndroidManifest.xml", &e) && e.size <= APK_MANIFEST_MAX &&
		e.packed <= APK_MANIFEST_MAX) {
		data = mem_alloc(e.size + 1);
		ok = read_entry(f, &e, data) && apk_manifest_package(data, e.size, dst);
	}
	mem_free(data);
	if (f)
		fclose(f);
	return ok;
}
