/* SPDX-License-Identifier: Apache-2.0 */
/* Messages to and from a phone's first process; see initmsg.h. */
#include "drivers/virtual/initmsg.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

union control {
	struct cmsghdr align;
	char bytes[CMSG_SPACE(INITMSG_FDS * sizeof(int))];
};

int initmsg_send(int sock, const struct initmsg *m, const int *fds, int n_fds)
{
	struct iovec iov = {.iov_base = (void *)m, .iov_len = INITMSG_HEAD + m->n};
	union control c = {0};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
	ssize_t n;

	if (n_fds) {
		struct cmsghdr *h;

		msg.msg_control = c.bytes;
		msg.msg_controllen = CMSG_SPACE(n_fds * sizeof(int));
		h = CMSG_FIRSTHDR(&msg);
		h->cmsg_level = SOL_SOCKET;
		h->cmsg_type = SCM_RIGHTS;
		h->cmsg_len = CMSG_LEN(n_fds * sizeof(int));
		memcpy(CMSG_DATA(h), fds, n_fds * sizeof(int));
	}
	do
		n = sendmsg(sock, &msg, MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -1 : 0;
}

int initmsg_recv(int sock, struct initmsg *ret_m, int ret_fds[INITMSG_FDS], int flags)
{
	struct iovec iov = {.iov_base = ret_m, .iov_len = sizeof(*ret_m)};
	union control c;
	struct msghdr msg = {.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = c.bytes,
		.msg_controllen = sizeof(c)};
	ssize_t n;

	for (int i = 0; i < INITMSG_FDS; i++)
		ret_fds[i] = -1;
	do
		n = recvmsg(sock, &msg, flags | MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -1;
	for (struct cmsghdr *h = CMSG_FIRSTHDR(&msg); h; h = CMSG_NXTHDR(&msg, h))
		if (h->cmsg_level == SOL_SOCKET && h->cmsg_type == SCM_RIGHTS &&
			h->cmsg_len <= CMSG_LEN(INITMSG_FDS * sizeof(int)))
			memcpy(ret_fds, CMSG_DATA(h), h->cmsg_len - CMSG_LEN(0));
	if (n < (ssize_t)INITMSG_HEAD)
		return 0;
	return 1;
}
