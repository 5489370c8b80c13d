/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who this machine is, from what the kernel and the distribution say. Every text is foreign (an
 * image's os-release can hold anything): bounded, cleaned, and missing more often than not. On the
 * pool.
 */
#include "drivers/local/local.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/mem.h"
#include "base/str.h"
#include "drivers/local/driver_local.h"

#define CPUINFO_MAX (64 * 1024) /* the first processors are enough */
#define SMALL_MAX   4096

/* ---- reading ---- */

static size_t read_at(const struct local *l, const char *name, char *dst, size_t size)
{
	char path[DRIVER_PATH_MAX];

	dst[0] = '\0';
	return local_path(path, l->cfg.root, name, NULL) ? 0 : local_read_text(path, dst, size);
}

/* One line's worth of a file, trimmed. */
static void read_word(const struct local *l, const char *name, char *dst, size_t size)
{
	char text[SMALL_MAX];
	size_t n = read_at(l, name, text, sizeof(text)), begin = 0;

	n = strcspn(text, "\n");
	while (begin < n && isspace((unsigned char)text[begin]))
		begin++;
	while (n > begin && isspace((unsigned char)text[n - 1]))
		n--;
	str_copy_clean(dst, size, text + begin, n - begin);
}

/* The value behind the first "key : value" line; "" when there is none. */
static void find_colon(const char *text, const char *key, char *dst, size_t size)
{
	size_t len = strlen(key);

	dst[0] = '\0';
	for (const char *p = text; *p; p += strcspn(p, "\n"), p += *p == '\n') {
		const char *v = p + len;

		if (strncmp(p, key, len) != 0)
			continue;
		v += strspn(v, " \t");
		if (*v++ != ':')
			continue;
		v += strspn(v, " \t");
		str_copy_clean(dst, size, v, strcspn(v, "\n"));
		return;
	}
}

/* A value of os-release(5): shell assignments, perhaps quoted. */
static void find_assignment(const char *text, const char *key, char *dst, size_t size)
{
	size_t len = strlen(key), n = 0;
	char raw[LIMIT_VALUE * 2], quote = 0;
	const char *p = text;

	dst[0] = '\0';
	while (*p && (strncmp(p, key, len) != 0 || p[len] != '=')) {
		p += strcspn(p, "\n");
		p += *p == '\n';
	}
	if (!*p)
		return;
	p += len + 1;
	if (*p == '"' || *p == '\'')
		quote = *p++;
	for (; *p && *p != '\n' && *p != quote && n + 1 < sizeof(raw); p++) {
		if (*p == '\\' && quote == '"' && p[1] && p[1] != '\n')
			p++;
		raw[n++] = *p;
	}
	str_copy_clean(dst, size, raw, n);
}

/* ---- facts ---- */

struct facts {
	char *cpuinfo;
	char os_id[LIMIT_VALUE], os_version[LIMIT_VALUE], os_build[LIMIT_VALUE];
	char os_pretty[LIMIT_VALUE];
	char kernel[LIMIT_VALUE], machine[LIMIT_VALUE], microcode[LIMIT_VALUE];
};

static void read_os(const struct local *l, struct facts *f)
{
	char text[SMALL_MAX];

	if (!read_at(l, "etc/os-release", text, sizeof(text)))
		read_at(l, "usr/lib/os-release", text, sizeof(text));
	find_assignment(text, "ID", f->os_id, sizeof(f->os_id));
	find_assignment(text, "VERSION_ID", f->os_version, sizeof(f->os_version));
	find_assignment(text, "BUILD_ID", f->os_build, sizeof(f->os_build));
	find_assignment(text, "PRETTY_NAME", f->os_pretty, sizeof(f->os_pretty));
	if (!*f->os_id)
		str_copy(f->os_id, sizeof(f->os_id), "linux");
	if (!*f->os_pretty)
		str_copy(f->os_pretty, sizeof(f->os_pretty), f->os_id);
}

static void read_facts(const struct local *l, struct facts *f)
{
	struct utsname u;

	*f = (struct facts){.cpuinfo = mem_alloc(CPUINFO_MAX)};
	read_at(l, "proc/cpuinfo", f->cpuinfo, CPUINFO_MAX);
	find_colon(f->cpuinfo, "microcode", f->microcode, sizeof(f->microcode));
	read_os(l, f);
	uname(&u); /* fails for a bad pointer alone */
	str_copy_clean(f->machine, sizeof(f->machine), u.machine, sizeof(u.machine));
	read_word(l, "proc/sys/kernel/osrelease", f->kernel, sizeof(f->kernel));
	if (!*f->kernel)
		str_copy_clean(f->kernel, sizeof(f->kernel), u.release, sizeof(u.release));
}

/* How many processors a list like "0-3,6" names; 0 for what is no such list. */
static int count_list(const char *s)
{
	int n = 0;

	while (isdigit((unsigned char)*s)) {
		char *end;
		long a = strtol(s, &end, 10), b = a;

		if (*end == '-')
			b = strtol(end + 1, &end, 10);
		if (b < a || b > 1 << 20)
			return 0;
		n += b - a + 1;
		s = *end == ',' ? end + 1 : end;
	}
	return n;
}

static int count_cores(const struct local *l)
{
	char text[SMALL_MAX];
	int n;

	read_at(l, "sys/devices/system/cpu/online", text, sizeof(text));
	n = count_list(text);
	return n > 0 ? n : (int)sysconf(_SC_NPROCESSORS_ONLN);
}

/* Whether a hypervisor is below us. x86 says so in the processor's flags, arm64 only sometimes, in
 * the device tree; where neither is there, we do not know. */
static const char *virtualised(const struct local *l, const struct facts *f)
{
	char word[LIMIT_VALUE];
	char *flags = mem_alloc(SMALL_MAX);
	const char *answer = "unknown";

	find_colon(f->cpuinfo, "flags", flags, SMALL_MAX);
	read_word(l, "proc/device-tree/hypervisor/compatible", word, sizeof(word));
	if (*flags)
		answer = strstr(flags, "hypervisor") ? "yes" : "no";
	else if (*word)
		answer = "yes";
	mem_free(flags);
	return answer;
}

/* ---- the identity ---- */

static void set_model(const struct local *l, const struct facts *f, struct driver_identity *id)
{
	find_colon(f->cpuinfo, "model name", id->model, sizeof(id->model));
	if (!*id->model)
		read_word(l, "proc/device-tree/model", id->model, sizeof(id->model));
	if (!*id->model)
		read_word(l, "sys/class/dmi/id/product_name", id->model, sizeof(id->model));
	if (!*id->model)
		str_copy(id->model, sizeof(id->model), f->machine);
}

/* Changes when the system image does. Cut short it might not: then it is a digest. */
static void set_fingerprint(const struct facts *f, struct driver_identity *id)
{
	char *text = mem_printf("%s %s%s%s, Linux %s, microcode %s", f->os_id,
		*f->os_version ? f->os_version : "-", *f->os_build ? " " : "", f->os_build,
		f->kernel, *f->microcode ? f->microcode : "-");

	if (!str_copy(id->fingerprint, sizeof(id->fingerprint), text)) {
		memcpy(id->fingerprint, "sha256:", 7);
		hash_bytes(text, strlen(text), id->fingerprint + 7);
	}
	mem_free(text);
}

/* machine-id(5) must not be shown to others, so only a digest of it leaves. A machine without one
 * gets an id of ours, kept beside the device. */
static int set_key(const struct local *l, struct driver_identity *id, struct err *e)
{
	char word[SMALL_MAX], path[DRIVER_PATH_MAX], hex[LIMIT_SHA256];
	uint8_t random[16];
	int rc;

	read_word(l, "etc/machine-id", word, sizeof(word));
	if (!*word || !strcmp(word, "uninitialized")) {
		rc = local_path(path, l->dir, "id", e);
		if (rc)
			return rc;
		if (!local_read_text(path, word, sizeof(word))) {
			hash_random(random, sizeof(random));
			str_hex(word, random, sizeof(random));
			rc = local_write_file(path, word, strlen(word), e);
			if (rc)
				return rc;
		}
	}
	hash_bytes(word, strlen(word), hex);
	snprintf(id->key, sizeof(id->key), "local:%.16s", hex);
	return 0;
}

static void add_attr(struct driver_identity *id, const char *key, const char *value)
{
	struct driver_attr *a = &id->attrs[id->n_attrs];

	if (!*value || id->n_attrs == LIMIT_ATTRS)
		return;
	str_copy(a->key, sizeof(a->key), key);
	str_copy(a->value, sizeof(a->value), value);
	id->n_attrs++;
}

static void set_attrs(const struct local *l, const struct facts *f, struct driver_identity *id)
{
	char value[LIMIT_VALUE];
	char *meminfo = mem_alloc(SMALL_MAX);

	snprintf(value, sizeof(value), "%d", count_cores(l));
	add_attr(id, "cpu.cores", value);
	find_colon(f->cpuinfo, "vendor_id", value, sizeof(value));
	if (!*value)
		find_colon(f->cpuinfo, "CPU implementer", value, sizeof(value));
	add_attr(id, "cpu.vendor", value);
	read_at(l, "proc/meminfo", meminfo, SMALL_MAX);
	find_colon(meminfo, "MemTotal", value, sizeof(value));
	mem_free(meminfo);
	snprintf(value, sizeof(value), "%lld", strtoll(value, NULL, 10) / 1024);
	add_attr(id, "ram_mb", value);
	add_attr(id, "kernel", f->kernel);
	add_attr(id, "os.id", f->os_id);
	add_attr(id, "os.version", f->os_version);
	add_attr(id, "virtualised", virtualised(l, f));
}

int local_identify(struct local_op *lo, struct err *e)
{
	struct driver_identity *id = &lo->op->result.identity;
	struct local *l = lo->l;
	struct facts f;
	char *os;
	int rc = set_key(l, id, e);

	if (rc)
		return rc;
	read_facts(l, &f);
	str_copy(id->name, sizeof(id->name), "local");
	str_copy(id->abi, sizeof(id->abi), f.machine);
	id->caps = driver_local.caps;
	os = mem_printf("%s, Linux %s", f.os_pretty, f.kernel);
	str_copy_clean(id->os, sizeof(id->os), os, strlen(os));
	set_model(l, &f, id);
	set_fingerprint(&f, id);
	set_attrs(l, &f, id);
	mem_free(f.cpuinfo);
	mem_free(os);
	return 0;
}
