/* SPDX-License-Identifier: Apache-2.0 */
/* screencap: a grey screen of the phone's size, as PNG (-p, or to a file *.png) or as raw RGBA behind
 * Android's header of width, height, format and colour space. */
#include "drivers/virtual/tool.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#define GREY 0x40

static void be32(uint8_t *p, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		p[i] = (uint8_t)(v >> (24 - 8 * i));
}

static void chunk(FILE *f, const char *type, const uint8_t *data, uint32_t n)
{
	uint8_t b[8];
	uLong crc = crc32(crc32(0, (const uint8_t *)type, 4), data, n);

	be32(b, n);
	memcpy(b + 4, type, 4);
	fwrite(b, 1, 8, f);
	fwrite(data, 1, n, f);
	be32(b, (uint32_t)crc);
	fwrite(b, 1, 4, f);
}

/* 8 bits of grey: each line is a filter byte and its pixels. */
static int write_png(FILE *f, uint32_t w, uint32_t h)
{
	static const uint8_t magic[] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
	size_t raw_n = (size_t)(w + 1) * h;
	uLongf packed_n = compressBound(raw_n);
	uint8_t *raw = malloc(raw_n), *packed = malloc(packed_n), head[13] = {0};
	int rc = !raw || !packed;

	if (!rc) {
		memset(raw, GREY, raw_n);
		for (uint32_t y = 0; y < h; y++)
			raw[(size_t)y * (w + 1)] = 0;
		rc = compress2(packed, &packed_n, raw, raw_n, 1) != Z_OK;
	}
	if (!rc) {
		fwrite(magic, 1, sizeof(magic), f);
		be32(head, w);
		be32(head + 4, h);
		head[8] = 8;
		chunk(f, "IHDR", head, sizeof(head));
		chunk(f, "IDAT", packed, (uint32_t)packed_n);
		chunk(f, "IEND", head, 0);
	}
	free(raw);
	free(packed);
	return rc;
}

static int write_raw(FILE *f, uint32_t w, uint32_t h)
{
	uint32_t head[4] = {w, h, 1 /* RGBA_8888 */, 0};

	fwrite(head, 1, sizeof(head), f);
	for (uint64_t i = 0; i < (uint64_t)w * h; i++)
		fwrite("\x40\x40\x40\xff", 1, 4, f);
	return 0;
}

int tool_screencap(int argc, char **argv)
{
	char size[64] = "";
	const char *path = NULL;
	bool png = false;
	unsigned w, h;
	FILE *f = stdout;
	int rc;

	for (int i = 1; i < argc; i++) {
		png = png || !strcmp(argv[i], "-p");
		path = argv[i][0] == '-' ? path : argv[i];
	}
	png = png || (path && strstr(path, ".png"));
	tool_get(TOOL_SYSTEM "/display", "size", size, sizeof(size));
	if (sscanf(size, "%ux%u", &w, &h) != 2)
		return 1;
	if (path)
		f = fopen(path, "we");
	if (!f) {
		perror(path);
		return 1;
	}
	rc = png ? write_png(f, w, h) : write_raw(f, w, h);
	return fclose(f) || rc;
}
