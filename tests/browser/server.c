/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The dashboard's tests look at this: the real API and the real pages over a made-up farm. Prints
 * its address and token, then obeys lines on stdin ("progress 420", "finish", "age values", "age all") until that closes.
 *
 *	server DIR     an empty directory
 */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api/api.h"
#include "base/err.h"
#include "support_ctl.h"
#include "world.h"

static void print_address(const struct api *a)
{
	char token[128] = "";
	FILE *f = fopen(api_token_path(a), "re");

	if (!f || !fgets(token, sizeof(token), f))
		exit(1);
	fclose(f);
	printf("%s %s", api_url(a), token);
	fflush(stdout);
}

static void obey(struct ctl *c, const char *line)
{
	int permille;

	if (sscanf(line, "progress %d", &permille) == 1)
		world_progress(c, permille);
	else if (!strncmp(line, "finish", 6))
		world_finish(c);
	else if (!strncmp(line, "age values", 10))
		world_age(c, false);
	else if (!strncmp(line, "age all", 7))
		world_age(c, true);
}

static int wait_ms(const struct api *a, const struct ctl *c)
{
	int64_t left = api_deadline_ms(a) - ctl_now(c).mono_ms;

	return left < 0 ? 0 : left > 60000 ? 60000 : (int)left;
}

static void serve(struct api *a, struct ctl *c)
{
	struct pollfd p[] = {{api_epoll_fd(a), POLLIN, 0}, {fake_fd(c), POLLIN, 0}, {0, POLLIN, 0}};
	char line[128];

	for (;;) {
		poll(p, 3, wait_ms(a, c));
		if (p[1].revents)
			fake_run(c);
		if (p[2].revents) {
			if (!fgets(line, sizeof(line), stdin))
				return;
			obey(c, line);
		}
		api_run(a);
	}
}

int main(int argc, char **argv)
{
	struct api_config cfg = {.listen = "127.0.0.1:0"};
	struct err e = {0};
	struct api *a;
	struct ctl *c;

	if (argc != 2) {
		fprintf(stderr, "usage: %s DIR\n", argv[0]);
		return 2;
	}
	signal(SIGPIPE, SIG_IGN);
	setvbuf(stdin, NULL, _IONBF, 0);
	cfg.data_dir = argv[1];
	c = fake_new(argv[1]);
	a = api_new(&cfg, c, &e);
	if (!a) {
		fprintf(stderr, "%s\n", e.text);
		return 1;
	}
	world_seed(c);
	print_address(a);
	serve(a, c);
	api_free(a);
	fake_free(c);
	return 0;
}
