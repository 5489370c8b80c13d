/* SPDX-License-Identifier: Apache-2.0 */
/* A profile's cores and the policies that clock them; see profile.h. */
#include "drivers/virtual/profile_internal.h"

#include "base/err.h"

static const struct json_field core_fields[] = {
	INT(profile_core, implementer, 0, 255, true),
	INT(profile_core, part, 0, 4095, true),
	INT(profile_core, variant, 0, 15, false),
	INT(profile_core, revision, 0, 15, false),
	INT(profile_core, count, 1, 16, true),
};

static int read_cores(const struct profile_reading *r, const struct json *list, struct profile *p)
{
	JSON_FOREACH (it, list) {
		int rc;

		if (p->n_cores == PROFILE_CORES)
			return profile_complain(r, it, "too many kinds of cores");
		rc = json_read(
			r->d, it, "core", core_fields, N(core_fields), &p->cores[p->n_cores], r->e);
		if (rc)
			return rc;
		p->n_cores++;
	}
	if (profile_cpus(p) > 64)
		return profile_complain(r, list, "more than 64 cores");
	return 0;
}

struct policy_parts {
	struct profile_policy p;
	const struct json *freqs;
};

static const struct json_field policy_fields[] = {
	INT(profile_policy, first, 0, 63, true),
	INT(profile_policy, count, 1, 64, true),
	TEXT(profile_policy, governor, false),
	BOOL(profile_policy, cap_readable),
	{.key = "freqs_khz",
		.want = JSON_WANT_ARRAY,
		.off = offsetof(struct policy_parts, freqs),
		.max = PROFILE_FREQS,
		.required = true},
};

static int read_freqs(const struct profile_reading *r, struct policy_parts *pp)
{
	JSON_FOREACH (it, pp->freqs) {
		int64_t v;

		if (!json_int(it, &v) || v < 1000 || v > 20000000 ||
			(pp->p.n_freqs && v <= pp->p.freqs_khz[pp->p.n_freqs - 1]))
			return profile_complain(r, it, "freqs_khz are rising whole numbers of kHz");
		pp->p.freqs_khz[pp->p.n_freqs++] = v;
	}
	return pp->p.n_freqs ? 0 : profile_complain(r, pp->freqs, "a policy has clocks");
}

static int read_policies(
	const struct profile_reading *r, const struct json *list, struct profile *p)
{
	JSON_FOREACH (it, list) {
		struct policy_parts pp = {.p = {.governor = "schedutil", .cap_readable = true}};
		int rc;

		if (p->n_policies == PROFILE_POLICIES)
			return profile_complain(r, it, "too many policies");
		rc = json_read(r->d, it, "policy", policy_fields, N(policy_fields), &pp, r->e);
		if (!rc)
			rc = read_freqs(r, &pp);
		if (rc)
			return rc;
		p->policies[p->n_policies++] = pp.p;
	}
	return 0;
}

struct cpu_parts {
	const struct json *cores, *policies;
};

static const struct json_field cpu_fields[] = {
	PART(cpu_parts, "cores", cores, JSON_WANT_ARRAY),
	PART(cpu_parts, "policies", policies, JSON_WANT_ARRAY),
};

int profile_read_cpu(const struct profile_reading *r, const struct json *obj, struct profile *p)
{
	struct cpu_parts c = {0};
	int rc = json_read(r->d, obj, "cpu", cpu_fields, N(cpu_fields), &c, r->e);

	if (!rc)
		rc = read_cores(r, c.cores, p);
	return rc ? rc : read_policies(r, c.policies, p);
}
