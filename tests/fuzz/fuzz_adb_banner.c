/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes may be a banner. What is read from it is clean, and what we print of that reads back the
 * same. So does a phone's name that a profile gives it, but for what would end its pair. */
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "drivers/adb/banner.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_text(const char *s, size_t cap)
{
	size_t n = strnlen(s, cap);

	if (n == cap || !str_is_utf8(s, n))
		abort();
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)s[i] < 0x20 || s[i] == 0x7f)
			abort();
}

static void check_name(const uint8_t *data, size_t size)
{
	struct adb_banner b = {.peer = ADB_PEER_DEVICE, .features = ADB_F_CMD}, back;
	char text[1024];

	str_copy_clean(b.product, sizeof(b.product), (const char *)data, size / 2);
	str_copy_clean(b.model, sizeof(b.model), (const char *)data, size);
	adb_banner_parse(text, adb_banner_print(&b, text, sizeof(text)), &back);
	for (char *c = b.model; *c; c++)
		if (*c == ';')
			*c = '_';
	if (back.features != ADB_F_CMD || strcmp(back.model, b.model) != 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct adb_banner b, back;
	char text[1024];
	size_t n;

	if (size)
		check_name(data, size);
	adb_banner_parse(size ? data : NULL, size, &b);
	check_text(b.product, sizeof(b.product));
	check_text(b.model, sizeof(b.model));
	check_text(b.device, sizeof(b.device));
	if (!*adb_peer_name(b.peer))
		abort();
	n = adb_banner_print(&b, text, sizeof(text));
	if (n != strlen(text) || n >= sizeof(text))
		abort();
	adb_banner_parse(text, n, &back);
	if (back.peer != b.peer || back.features != b.features)
		abort();
	if (b.peer != ADB_PEER_HOST && strcmp(back.model, b.model) != 0)
		abort();
	return 0;
}
