/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The owner of a clock page, as a virtual phone will be: moves time whenever everybody waits. Makes
 * the page that its argument names, says "ready", and ends when its stdin does.
 */
#include <poll.h>
#include <stdio.h>
#include <stdint.h>

#include "timesrc.h"

int main(int argc, char *argv[])
{
	struct timesrc_page *page;
	struct pollfd fds[2] = {{.fd = 0, .events = POLLIN}};

	if (argc != 2 || timesrc_page_create(argv[1], 1000000000, 1700000000000000000))
		return 1;
	page = timesrc_page_open(argv[1]);
	if (!page)
		return 1;
	puts("ready");
	fflush(stdout);
	fds[1] = (struct pollfd){.fd = timesrc_page_fd(page), .events = POLLIN};
	while (!fds[0].revents) {
		poll(fds, 2, -1);
		while (timesrc_page_advance(page, TIMESRC_FOREVER) > 0)
			;
	}
	timesrc_page_close(page);
	return 0;
}
