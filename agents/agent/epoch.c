/* SPDX-License-Identifier: Apache-2.0 */
/* Epochs, kept in a file "epochs" of lines "FARM EPOCH"; see epoch.h. */
#include "agent/epoch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "agent/files.h"
#include "agent/text.h"

#define FILE_NAME "epochs"
#define LINE_MAX_ (EPOCH_FARM + 24)
#define FILE_MAX  (EPOCH_FARMS_MAX * LINE_MAX_)

bool epochs_farm_is_valid(const char *farm)
{
	static const char legal[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._:-";
	size_t n = strspn(farm, legal);

	return n && n < EPOCH_FARM && !farm[n];
}

static int parse_line(struct epochs *e, char *line)
{
	char *blank = strchr(line, ' ');
	int64_t epoch;

	if (!blank || e->n == EPOCH_FARMS_MAX)
		return -EBADMSG;
	*blank = '\0';
	if (!epochs_farm_is_valid(line) || text_int(blank + 1, &epoch) || epoch < 0)
		return -EBADMSG;
	strcpy(e->floors[e->n].farm, line);
	e->floors[e->n++].epoch = epoch;
	return 0;
}

static int parse(struct epochs *e, char *text)
{
	for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
		if (parse_line(e, line))
			return -EBADMSG;
	return 0;
}

int epochs_load(struct epochs *e, int dirfd)
{
	char text[FILE_MAX + 1];
	ssize_t n;
	int rc;

	memset(e, 0, sizeof(*e));
	e->dirfd = dirfd;
	n = files_read(dirfd, FILE_NAME, text, FILE_MAX);
	if (n == -ENOENT)
		return 0;
	if (n < 0 && n != -EFBIG)
		return n;
	rc = -EBADMSG;
	if (n >= 0) {
		text[n] = '\0';
		rc = strlen(text) == (size_t)n ? parse(e, text) : -EBADMSG;
	}
	if (rc) {
		e->n = 0;
		renameat(dirfd, FILE_NAME, dirfd, FILE_NAME ".bad");
	}
	return rc;
}

static unsigned find(const struct epochs *e, const char *farm)
{
	unsigned i = 0;

	while (i < e->n && strcmp(e->floors[i].farm, farm))
		i++;
	return i;
}

int64_t epochs_floor(const struct epochs *e, const char *farm)
{
	unsigned i = find(e, farm);

	return i < e->n ? e->floors[i].epoch : 0;
}

static int save(const struct epochs *e)
{
	char text[FILE_MAX + 1];
	size_t len = 0;

	for (unsigned i = 0; i < e->n; i++)
		len += snprintf(text + len, sizeof(text) - len, "%s %lld\n", e->floors[i].farm,
			(long long)e->floors[i].epoch);
	return files_replace(e->dirfd, FILE_NAME, text, len);
}

int epochs_raise(struct epochs *e, const char *farm, int64_t epoch)
{
	unsigned i = find(e, farm);
	int64_t old = i < e->n ? e->floors[i].epoch : 0;

	if (i == 0 && e->n && epoch <= old)
		return 0;
	if (i == e->n)
		i = e->n < EPOCH_FARMS_MAX ? e->n++ : e->n - 1;
	memmove(&e->floors[1], &e->floors[0], i * sizeof(e->floors[0]));
	snprintf(e->floors[0].farm, sizeof(e->floors[0].farm), "%s", farm);
	e->floors[0].epoch = epoch > old ? epoch : old;
	return save(e);
}
