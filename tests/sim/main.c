/* SPDX-License-Identifier: Apache-2.0 */
/* The simulation's command line; README.md tells what it does. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "sim.h"
#include "stats.h"

#define KEEP_MAX 100000

static const char help[] =
	"usage: sim [OPTION…]            lives of many seeds; exit code 1: one broke an invariant\n"
	"       sim --story FILE…        scripts, held against their traces\n"
	"\n"
	"  --seeds N      how many seeds (20)\n"
	"  --first SEED   the first one (1)\n"
	"  --steps N      steps that change state in each, before peace (5000)\n"
	"  --jobs N       processes at a time (one for each processor)\n"
	"  --coverage     a fault or legal transition that never occurred is a failure\n"
	"  --trace        one seed, and what happens in it, on stdout\n"
	"  --keep LIST    nothing happens but these deeds: d0,p3,f17,c2,o1.20\n"
	"  --until MS     peace begins after so much virtual time\n"
	"  --salt N       other delays for the same deeds, as --shrink found them\n"
	"  --shrink SEED  finds a short list of deeds by which the seed still fails\n"
	"  --seconds N    … within this time (120)\n"
	"  --bless        with --story: writes the traces as they are now\n";

struct options {
	struct life life;
	int64_t seeds, seconds;
	int jobs;
	bool coverage, shrink, story, bless;
};

static const struct option table[] = {{"seeds", required_argument, NULL, 'n'},
	{"first", required_argument, NULL, 'f'}, {"steps", required_argument, NULL, 's'},
	{"jobs", required_argument, NULL, 'j'}, {"coverage", no_argument, NULL, 'c'},
	{"trace", no_argument, NULL, 't'}, {"keep", required_argument, NULL, 'k'},
	{"until", required_argument, NULL, 'u'}, {"salt", required_argument, NULL, 'l'},
	{"shrink", required_argument, NULL, 'r'}, {"seconds", required_argument, NULL, 'e'},
	{"story", no_argument, NULL, 'y'}, {"bless", no_argument, NULL, 'b'},
	{"help", no_argument, NULL, 'h'}, {0}};

static void set_keep(struct life *l, const char *text)
{
	static struct deed keep[KEEP_MAX];

	l->keep = keep;
	l->n_keep = deeds_parse(text, keep, KEEP_MAX);
	if (l->n_keep >= 0)
		return;
	fprintf(stderr, "sim: --keep takes deeds such as d0,p3,f17,c2,o1.20\n");
	exit(2);
}

static void set(struct options *o, int opt)
{
	switch (opt) {
	case 'n':
		o->seeds = atoll(optarg);
		break;
	case 'r':
		o->shrink = true;
		/* fall through */
	case 'f':
		o->life.seed = strtoull(optarg, NULL, 10);
		break;
	case 's':
		o->life.steps = atoll(optarg);
		break;
	case 'j':
		o->jobs = atoi(optarg);
		break;
	case 'k':
		set_keep(&o->life, optarg);
		break;
	case 'u':
		o->life.until_ms = atoll(optarg);
		break;
	case 'l':
		o->life.salt = atoll(optarg);
		break;
	case 'e':
		o->seconds = atoll(optarg);
		break;
	case 'h':
		fputs(help, stdout);
		exit(0);
	case '?':
		fputs(help, stderr);
		exit(2);
	default:
		o->coverage |= opt == 'c';
		o->life.trace |= opt == 't';
		o->story |= opt == 'y';
		o->bless |= opt == 'b';
	}
}

static double seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

static int many(const struct options *o)
{
	double begin = seconds();
	int never;

	if (pool_run(&o->life, o->seeds, o->jobs > 0 ? o->jobs : 1))
		return 1;
	never = stats_print(stats, seconds() - begin);
	return o->coverage && never ? 1 : 0;
}

int main(int argc, char **argv)
{
	struct options o = {.life = {.seed = 1, .steps = 5000},
		.seeds = 20,
		.seconds = 120,
		.jobs = sysconf(_SC_NPROCESSORS_ONLN)};
	int opt;

	while ((opt = getopt_long(argc, argv, "", table, NULL)) != -1)
		set(&o, opt);
	log_set_level(LOG_LEVEL_ERR);
	if (o.story)
		return story_run(argv + optind, argc - optind, o.bless);
	if (o.shrink)
		return shrink(&o.life, o.seconds);
	if (o.life.trace || o.life.keep) {
		life_live(&o.life);
		return 0;
	}
	return many(&o);
}
