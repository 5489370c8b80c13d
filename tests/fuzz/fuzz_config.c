/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files that a person writes or that lie on this host from earlier. The input's first byte chooses: the
 * configuration file; a profile of a virtual phone; the list of runtimes; the addresses of phones; a private
 * key of adb's; a line of adb_keys. Each is refused with a sentence, or what was understood keeps within
 * its bounds and comes back the same when it is written and read again.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "cmd/options.h"
#include "drivers/adb/adb.h"
#include "drivers/adb/key.h"
#include "drivers/virtual/profile.h"
#include "farm/blobs.h"
#include "farm/runtimes.h"
#include "tests/fuzz/fuzz.h"

static const char *dir;
static char path[128];

static void put(const char *name, const uint8_t *data, size_t size)
{
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	CHECK(fd >= 0 && write(fd, data, size) == (ssize_t)size);
	close(fd);
}

static void check_refused(const struct err *e)
{
	for (const char *p = e->text; *p; p++)
		CHECK((unsigned char)*p >= 0x20 && *p != 0x7f);
	CHECK(e->code < 0 && *e->text && str_is_utf8(e->text, strlen(e->text)));
}

/* ---- the configuration file: one row of each type ---- */

struct values {
	bool flag;
	int64_t number, any, duration, bytes;
	int word;
	char text[16], file[64], never[8];
	struct option_list list;
};

static const char *const words[] = {"err", "warn", "info", NULL};

static const struct option_row rows[] = {
	{.name = "flag", .type = OPTION_FLAG, OPTION_AT(struct values, flag)},
	{.name = "number",
		.type = OPTION_INT,
		.min = 1,
		.max = 64,
		.fallback = "4",
		OPTION_AT(struct values, number)},
	{.name = "any", .type = OPTION_INT, .min = -5, OPTION_AT(struct values, any)},
	{.name = "keep",
		.type = OPTION_DURATION,
		.min = 1000,
		.max = 86400000,
		.fallback = "1h",
		OPTION_AT(struct values, duration)},
	{.name = "max-bytes",
		.type = OPTION_BYTES,
		.max = 1LL << 50,
		OPTION_AT(struct values, bytes)},
	{.name = "log-level",
		.type = OPTION_WORD,
		.words = words,
		.fallback = "info",
		OPTION_AT(struct values, word)},
	{.name = "text", .type = OPTION_TEXT, OPTION_AT(struct values, text)},
	{.name = "file", .type = OPTION_TEXT, .unit = "FILE", OPTION_AT(struct values, file)},
	{.name = "adb", .type = OPTION_LIST, OPTION_AT(struct values, list)},
	{.name = "config", .type = OPTION_TEXT, .no_file = true, OPTION_AT(struct values, never)},
};

static const struct option_table table = OPTION_TABLE(rows, struct values);

static void read_options(const uint8_t *data, size_t size)
{
	static struct option_set set;
	static struct values v;
	struct err e = {0};

	options_init(&set, &table, &v);
	if (options_read_text(&set, "f.conf", (const char *)data, size, &e))
		check_refused(&e);
	CHECK(v.number >= 1 && v.number <= 64 && v.any >= -5);
	CHECK(v.duration >= 1000 && v.duration <= 86400000);
	CHECK(v.bytes >= 0 && v.bytes <= 1LL << 50 && v.word >= 0 && v.word < 3);
	CHECK(strlen(v.text) < sizeof(v.text) && strlen(v.file) < sizeof(v.file) && !*v.never);
	CHECK(v.list.n <= OPTION_LIST_MAX);
	for (int i = 0; i < v.list.n; i++)
		CHECK(v.list.owned[i] && *v.list.items[i]);
	option_list_fini(&v.list);
}

/* ---- profiles ---- */

static void read_profile(const uint8_t *data, size_t size)
{
	struct err e = {0};
	struct profile *p = profile_parse((const char *)data, size, "this profile", &e);

	if (!p) {
		check_refused(&e);
		return;
	}
	CHECK(p->n_cores >= 1 && p->n_cores <= PROFILE_CORES && p->n_policies <= PROFILE_POLICIES);
	CHECK(p->n_rates >= 0 && p->n_rates <= PROFILE_RATES && p->n_props <= PROFILE_PROPS);
	CHECK(p->n_features <= PROFILE_FEATURES && profile_cpus(p) >= 1);
	profile_free(p);
}

/* ---- the list of runtimes ---- */

static void check_runtime(const struct ctl_runtime *r)
{
	CHECK(str_is_name(r->name) && str_is_sha256(r->sha256));
	CHECK(r->n_libs >= 0 && r->n_libs <= CTL_RUNTIME_LIBS_MAX);
	for (int i = 0; i < r->n_libs; i++)
		CHECK(str_is_sha256(r->libs[i].sha256) && r->libs[i].bytes >= 0);
}

static void read_runtimes(const uint8_t *data, size_t size)
{
	static struct ctl_runtime before[CTL_RUNTIMES_MAX], after[CTL_RUNTIMES_MAX];
	static const struct ctl_env no_env; /* uploads alone need one */
	static struct blobs *blobs;
	struct err e = {0};
	struct runtimes *r;
	int n;

	if (!blobs)
		blobs = blobs_open(&no_env, dir, 1 << 20, &e);
	CHECK(blobs);
	put("runtimes.json", data, size);
	r = runtimes_open(blobs, path, &e);
	if (!r) {
		check_refused(&e);
		return;
	}
	n = runtimes_list(r, before);
	for (int i = 0; i < n; i++)
		check_runtime(&before[i]);
	if (n) {
		CHECK(runtimes_known(r, before[0].name));
		CHECK(!runtimes_remove(r, before[0].name, &e));
		runtimes_close(r);
		r = runtimes_open(blobs, path, &e);
		CHECK(r && runtimes_list(r, after) == n - 1);
		CHECK(!memcmp(after, before + 1, (size_t)(n - 1) * sizeof(*after)));
	}
	runtimes_close(r);
}

/* ---- addresses ---- */

static void check_address(void *arg, const char *address, bool kept, const char *trouble)
{
	CHECK(kept && trouble && strlen(address) < LIMIT_NAME && !adb_address_check(address, NULL));
	++*(int *)arg;
}

static void read_addresses(const uint8_t *data, size_t size)
{
	struct adb *a = mem_zalloc(sizeof(*a));
	int n = 0;

	put("addresses", data, size);
	TAILQ_INIT(&a->ports);
	str_copy(a->dir, sizeof(a->dir), dir);
	adb_addresses_load(a);
	adb_addresses(a, check_address, &n);
	CHECK(n <= 256);
	adb_addresses_free(a);
	mem_free(a);
}

/* ---- keys ---- */

static void use_key(const struct adb_key *k, bool private)
{
	static const uint8_t token[ADB_TOKEN] = {1, 2, 3};
	char text[ADB_KEY_TEXT_MAX], finger[ADB_FINGERPRINT];
	uint8_t sig[ADB_SIGNATURE] = {0};
	struct adb_key *again;
	size_t n;

	n = adb_key_text(k, "framefarm@host", text);
	CHECK(n && n <= sizeof(text) && !text[n - 1]);
	again = adb_key_parse(text, n - 1);
	CHECK(again && adb_key_same(k, again));
	adb_key_fingerprint(k, finger);
	CHECK(strlen(finger) == ADB_FINGERPRINT - 1);
	if (private && !adb_key_sign(k, token, sig))
		CHECK(adb_key_verify(again, token, sig, sizeof(sig)));
	else
		adb_key_verify(k, token, sig, sizeof(sig));
	adb_key_free(again);
}

static void read_key(const uint8_t *data, size_t size)
{
	struct err e = {0};
	struct adb_key *k;

	put("adbkey", data, size);
	k = adb_key_read(path, &e);
	if (!k)
		check_refused(&e);
	else
		use_key(k, true);
	adb_key_free(k);
}

static void read_public_key(const uint8_t *data, size_t size)
{
	struct adb_key *k = adb_key_parse((const char *)data, size);

	if (k)
		use_key(k, false);
	adb_key_free(k);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const readers[])(const uint8_t *data, size_t size) = {read_options,
		read_profile, read_runtimes, read_addresses, read_key, read_public_key};

	if (!size)
		return 0;
	if (!dir) {
		dir = fuzz_dir("config");
		log_set_level(LOG_LEVEL_ERR);
	}
	readers[data[0] % 6](data + 1, size - 1);
	return 0;
}
