/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the phone program (space.c) and the first process of a phone (init.c) say to each other: one
 * message a packet of a SOCK_SEQPACKET socket, with descriptors beside it. Both are one program of
 * one version, so the bytes are a struct.
 */
#ifndef FRAMEFARM_DRIVERS_VIRTUAL_INITMSG_H
#define FRAMEFARM_DRIVERS_VIRTUAL_INITMSG_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define INITMSG_TEXT 8192 /* a command, or a sentence */
#define INITMSG_FDS  3

enum initmsg_kind {
	/* To init. */
	INITMSG_SPAWN = 1, /* id, flags, text; descriptors 0, 1, 2 unless it gets a terminal */
	INITMSG_KILL,      /* id, a: the signal; id 0: every process of the phone but init */
	INITMSG_WINDOW,    /* unused: the terminal's master is resized by its holder */
	/* From init. */
	INITMSG_READY,   /* with a descriptor of the phone's root */
	INITMSG_BROKEN,  /* the phone could not be made: text says why and what to do */
	INITMSG_STARTED, /* id, with the terminal's master where one was asked for */
	INITMSG_EXITED,  /* id, a: status as from waitpid() */
	INITMSG_REBOOT,  /* the phone asked for it itself */
};

/* Of SPAWN. */
#define INITMSG_PTY  1u
#define INITMSG_ARGV 2u /* text is "arg\0arg\0…", not a command for sh -c */
#define INITMSG_RAW  4u /* a terminal that does not touch the bytes */

struct initmsg {
	uint32_t kind, id, flags;
	int32_t a;
	char term[64]; /* SPAWN: TERM */
	uint32_t n;    /* of text */
	char text[INITMSG_TEXT];
};
#define INITMSG_HEAD offsetof(struct initmsg, text)

/* Sends m with n_fds descriptors; they stay the caller's. 0 or -1/errno. */
int initmsg_send(int sock, const struct initmsg *m, const int *fds, int n_fds);
/* 1: a message; 0: the other end is gone; -1/errno. Descriptors that did not come are -1. */
int initmsg_recv(int sock, struct initmsg *ret_m, int ret_fds[INITMSG_FDS], int flags);

#endif
