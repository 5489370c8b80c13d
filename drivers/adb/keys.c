/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The keys that phones know us by: the farm's own, made at the first start and kept in the driver's
 * directory, then those that were imported (an engineer's ~/.android/adbkey), so that phones which
 * trust it already need no tap. Runs on the pool, before anything else does.
 */
#include "drivers/adb/adb.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"

#define OWN_KEY "adbkey"

static int own_key(struct adb *a, struct err *e)
{
	char path[DRIVER_PATH_MAX + 16];
	struct adb_key *k;
	int rc;

	snprintf(path, sizeof(path), "%s/" OWN_KEY, a->dir);
	k = adb_key_read(path, e);
	/* Phones were told to trust it: it is not replaced behind their backs. */
	if (!k && e->code != ERR_NOTFOUND)
		return err_wrap(e,
			"the farm's key is damaged; put it back, or remove it for a new one, "
			"which every phone then asks about");
	if (!k) {
		k = adb_key_generate(e);
		rc = k ? adb_key_write(k, path, e) : e->code;
		if (rc) {
			adb_key_free(k);
			return rc;
		}
		log_info("event=adb_key_made path=\"%s\"", path);
	}
	a->keys.keys[a->keys.n++] = k;
	return 0;
}

static bool is_known(const struct adb *a, const struct adb_key *k)
{
	for (int i = 0; i < a->keys.n; i++)
		if (adb_key_same(a->keys.keys[i], k))
			return true;
	return false;
}

/* A key that cannot be imported is no reason not to start: phones then ask for a tap. */
static void import_key(struct adb *a, const char *path)
{
	struct err e = {0};
	struct adb_key *k = adb_key_read(path, &e);
	char fingerprint[ADB_FINGERPRINT];

	if (!k) {
		log_warn("event=adb_key_not_imported cause=\"%s\"", e.text);
		return;
	}
	if (a->keys.n == ADB_KEYS_MAX || is_known(a, k)) {
		adb_key_free(k);
		return;
	}
	adb_key_fingerprint(k, fingerprint);
	log_info("event=adb_key_imported path=\"%s\" fingerprint=%s", path, fingerprint);
	a->keys.keys[a->keys.n++] = k;
}

int adb_keys_load(struct adb *a, struct err *e)
{
	char host[sizeof(a->keys.name) - 16] = "";
	int rc = own_key(a, e);

	if (rc)
		return rc;
	memset(e, 0, sizeof(*e));
	for (int i = 0; i < a->cfg.n_imported; i++)
		import_key(a, a->cfg.imported[i]);
	if (gethostname(host, sizeof(host) - 1) || !*host)
		snprintf(host, sizeof(host), "localhost");
	snprintf(a->keys.name, sizeof(a->keys.name), "framefarm@%s", host);
	return 0;
}

void adb_keys_free(struct adb *a)
{
	for (int i = 0; i < a->keys.n; i++)
		adb_key_free(a->keys.keys[i]);
	a->keys.n = 0;
}
