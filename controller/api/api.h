/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The API to its owner, the daemon: it is made, turned, drained and freed here. Loop thread only.
 *
 * The owner's loop calls api_run() when api_epoll_fd() is readable, at api_deadline_ms(), and
 * once behind each batch of its other callbacks (an answer of the controller or a finished piece of
 * work may have woken a connection). To stop: api_drain(); go on turning until api_idle() or until
 * patience ends; api_free(), before the controller that it was given is freed.
 */
#ifndef FRAMEFARM_API_API_H
#define FRAMEFARM_API_API_H

#include <stdbool.h>
#include <stdint.h>

struct api;
struct ctl;
struct err;
struct spread;

struct api_config {
	const char *listen;   /* "127.0.0.1:8765", "[::1]:0": port 0 takes a free one */
	const char *data_dir; /* keeps the token file; exists, is ours */
	const char *tls_cert; /* PEM files; both or none ("" or NULL) */
	const char *tls_key;
	bool allow_insecure; /* another address than loopback without TLS */
	/* Under which clients reach us, where that is not the address we listen on: "https://farm.example".
	 * Begins the links in answers, and its host is one of our names. NULL or "": our own address. */
	const char *public_url;
	/* Requests a second of one client (5 seconds of it may come at once); an address without a
	 * token has a tenth. 0: API_RATE_PER_S. */
	int64_t rate_per_s;
	/* More "name:port" under which clients reach us, NULL-terminated, borrowed; NULL: none. */
	const char *const *hosts;
	/* How long the owner's turns took, on the clock and of the processor, for /metrics; borrowed;
	 * both or none (NULL). */
	const struct spread *turns, *turns_processor;
};

/* Whether api_new() could do with this: addresses, files and what they are, but no socket and no
 * token. Errors as there. */
int api_check(const struct api_config *cfg, struct err *e);
/* Blocks for files and, at most, the look-up of a name. NULL and *e for a person: ERR_BUSY (port in
 * use), ERR_INVAL (no such address), ERR_PERM (not loopback without TLS; the token file's mode). */
struct api *api_new(const struct api_config *cfg, struct ctl *ctl, struct err *e);
/* Ends every request; work that is on pool threads finishes without us. NULL is allowed. */
void api_free(struct api *a);

int api_epoll_fd(const struct api *a);
void api_run(struct api *a);
int64_t api_deadline_ms(const struct api *a); /* monotonic; INT64_MAX: never */

int api_port(const struct api *a);
const char *api_url(const struct api *a);        /* "http://127.0.0.1:8765", for this host */
const char *api_token_path(const struct api *a); /* for the CLI, and for a person to copy from */

/* Streams and long polls end, requests that are open finish, new ones are refused with 503; /readyz
 * says so. */
void api_drain(struct api *a);
bool api_idle(const struct api *a); /* no request is open */

#endif
