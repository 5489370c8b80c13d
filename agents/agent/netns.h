/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A network name space made in advance. The kernel takes up to milliseconds for one (its locks are held while
 * others go), which START would wait for. Each is one attempt's; where none was made, the runner's own start
 * makes it.
 */
#ifndef FRAMEFARM_AGENT_NETNS_H
#define FRAMEFARM_AGENT_NETNS_H

/* A descriptor of one that nobody is in, or -errno. */
int netns_make(void);

/* Enters it; 0 or -errno. */
int netns_enter(int fd);

#endif
