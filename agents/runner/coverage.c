/* SPDX-License-Identifier: Apache-2.0 */
/* The coverage run; see coverage.h. */
#include "coverage.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "binding.h"
#include "profile.h"
#include "provider.h"

#define PREFIX "framefarm-profile"

/* Nodes per provider, from either source. */
struct nodes {
	uint32_t n;
	struct {
		char name[PROFILE_NAME];
		uint64_t nodes;
	} of[PROFILE_PROVIDERS];
	uint64_t total;
};

static void add_nodes(struct nodes *list, const char *name, uint64_t nodes)
{
	uint32_t i = 0;

	while (i < list->n && strcmp(list->of[i].name, name))
		i++;
	if (i == PROFILE_PROVIDERS)
		i--;
	if (i == list->n) {
		snprintf(list->of[i].name, PROFILE_NAME, "%s", name);
		list->n++;
	}
	list->of[i].nodes += nodes;
	list->total += nodes;
}

/* ---- running ---- */

/* A file that grows beyond the limit costs the runtime a failed write, not us a full disk. */
static int bound_files(struct rlimit *ret_old)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_FSIZE, ret_old))
		return -1;
	limit = *ret_old;
	if (limit.rlim_cur == RLIM_INFINITY || limit.rlim_cur > COVERAGE_FILE_MAX)
		limit.rlim_cur = COVERAGE_FILE_MAX;
	signal(SIGXFSZ, SIG_IGN);
	return setrlimit(RLIMIT_FSIZE, &limit);
}

static int run_some(
	struct session *s, const struct tensor *inputs, struct report *report, struct fail *f)
{
	struct binding b = {0};
	int rc = binding_init(&b, s, inputs, f);

	for (int i = 0; !rc && i < COVERAGE_RUNS; i++) {
		report_alive(report);
		rc = ort_check(s->ort, binding_run(&b), f, "the inference failed");
	}
	binding_fini(&b);
	return rc;
}

/* Ends profiling and opens the file that it left, which has no name any more when this returns.
 * Returns a descriptor, or -1 when there is no file. */
static int take_profile(struct session *s)
{
	struct ort *o = s->ort;
	struct fail ignored;
	char *path = NULL;
	int fd;

	if (ort_check(o, o->SessionEndProfiling(s->s, o->allocator, &path), &ignored, ""))
		return -1;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	unlink(path);
	ort_check(o, o->AllocatorFree(o->allocator, path), &ignored, "");
	return fd;
}

static void read_assignment(struct session *s, struct nodes *list)
{
	const struct ort_subgraph *const *graphs = NULL;
	const struct ort_node *const *nodes;
	struct ort *o = s->ort;
	struct fail ignored;
	size_t n = 0, n_nodes;

	if (o->api < ORT_API_MORE ||
		ort_check(o, o->Session_GetEpGraphAssignmentInfo(s->s, &graphs, &n), &ignored, ""))
		return;
	for (size_t i = 0; i < n; i++) {
		const char *name = NULL;
		char id[PROFILE_NAME];

		n_nodes = 0;
		if (ort_check(o, o->EpAssignedSubgraph_GetEpName(graphs[i], &name), &ignored, "") ||
			ort_check(o, o->EpAssignedSubgraph_GetNodes(graphs[i], &nodes, &n_nodes),
				&ignored, ""))
			continue;
		profile_provider_short(id, name, strlen(name));
		add_nodes(list, id, n_nodes);
	}
}

static int measure(struct session *s, const struct tensor *inputs, struct report *report,
	struct profile *profile, struct nodes *assigned, struct fail *f)
{
	int fd, rc = run_some(s, inputs, report, f);

	fd = take_profile(s); /* also after a failure, so that no file stays behind */
	if (!rc) {
		read_assignment(s, assigned);
		if (fd >= 0)
			profile_read(profile, fd);
	}
	if (fd >= 0)
		close(fd);
	return rc;
}

/* ---- saying it ---- */

static void report_kernels(struct report *report, const struct profile *p, const char *wanted)
{
	int64_t total_us = profile_time_us(p), wanted_us = 0;
	char used[512] = "";
	size_t len = 0;

	for (uint32_t i = 0; i < p->n_providers; i++) {
		const struct profile_provider *pr = &p->providers[i];

		report_int(report, pr->kernels, "coverage.kernels.%s", pr->name);
		report_int(report, pr->time_us * 1000 / (COVERAGE_RUNS - 1), "coverage.time_ns.%s",
			pr->name);
		if (pr->kernels && len < sizeof(used))
			len += snprintf(
				used + len, sizeof(used) - len, "%s%s", len ? "," : "", pr->name);
		if (!strcmp(pr->name, wanted))
			wanted_us = pr->time_us;
	}
	report_int(report, profile_kernels(p), "coverage.kernels_total");
	if (total_us > 0)
		report_num(report, (double)wanted_us / (double)total_us, "coverage.time_share");
	report_text(report, used[0] ? used : "unknown", "provider.used");
}

static const char *fallback(const struct nodes *list, const char *wanted)
{
	uint64_t on = 0;

	for (uint32_t i = 0; i < list->n; i++)
		if (!strcmp(list->of[i].name, wanted))
			on = list->of[i].nodes;
	if (!list->total)
		return "unknown";
	if (on == list->total)
		return "none";
	return on ? "partial" : "full";
}

static void report_all(struct report *report, const struct plan *plan, const struct profile *p,
	const struct nodes *assigned)
{
	const struct nodes *list = assigned;
	struct nodes ran = {0};
	char wanted[PROFILE_NAME];

	if (provider_is_cpu(plan->provider))
		snprintf(wanted, sizeof(wanted), "cpu");
	else
		profile_provider_short(wanted, plan->provider, strlen(plan->provider));
	for (uint32_t i = 0; i < p->n_providers; i++)
		if (p->providers[i].kernels)
			add_nodes(&ran, p->providers[i].name, p->providers[i].kernels);
	if (!assigned->total)
		list = &ran;
	report_text(report,
		!list->total   ? "none"
		: list == &ran ? "profile"
			       : "assignment",
		"coverage.source");
	report_int(report, (int64_t)list->total, "coverage.nodes_total");
	for (uint32_t i = 0; i < list->n; i++)
		report_int(
			report, (int64_t)list->of[i].nodes, "coverage.nodes.%s", list->of[i].name);
	report_kernels(report, p, wanted);
	report_text(report, fallback(list, wanted), "coverage.fallback");
}

int coverage_run(struct ort *o, const struct plan *plan, const struct map *model,
	const struct tensor *inputs, struct report *report, struct fail *f)
{
	struct nodes assigned = {0};
	struct session *s = NULL;
	struct profile profile;
	struct rlimit old;
	int rc;

	if (profile_init(&profile))
		return fail_set(f, OUTCOME_MEMORY, "no memory to read a profile");
	if (bound_files(&old)) {
		profile_fini(&profile);
		return fail_set(f, OUTCOME_INTERNAL, "no limit on the profile's size");
	}
	rc = session_open(o, plan, model->data, model->n, PREFIX, &s, f);
	if (!rc)
		rc = measure(s, inputs, report, &profile, &assigned, f);
	session_close(s);
	setrlimit(RLIMIT_FSIZE, &old);
	if (!rc)
		report_all(report, plan, &profile, &assigned);
	profile_fini(&profile);
	return rc;
}

void coverage_guess(const struct plan *plan, struct report *report)
{
	bool cpu = provider_is_cpu(plan->provider), certain = cpu || plan->strict;

	report_text(report, cpu ? "cpu" : certain ? plan->provider : "unknown", "provider.used");
	report_text(report, certain ? "none" : "unknown", "coverage.fallback");
}
