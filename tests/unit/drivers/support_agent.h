/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A stand-in for the agent. A test program is its own stand-in: its main() calls support_agent()
 * first, and the test pushes /proc/self/exe. It does to its directory what the real one does (lock
 * and pid in agent.pid, a socket, "ready", two forks), keeps what it was given in "seen.args" and
 * "seen.secret", and ends by itself after a minute, whatever happens to the test.
 *
 *	--fake=echo     sends back what comes (the default)
 *	--fake=deaf     takes connections and never reads
 *	--fake=flood    sends SUPPORT_AGENT_FLOOD bytes, i % 251 each, and closes
 *	--fake=die      fails at its start, with a sentence and code 4
 *	--fake=mute     never becomes ready
 *	--fake=wrong    is ready somewhere else
 *	--fake=stubborn as echo, but ignores SIGTERM
 */
#ifndef FRAMEFARM_TESTS_DRIVERS_SUPPORT_AGENT_H
#define FRAMEFARM_TESTS_DRIVERS_SUPPORT_AGENT_H

#define SUPPORT_AGENT_FLOOD (4 * 1024 * 1024)

/* Returns only when the arguments are not an agent's. */
void support_agent(int argc, char **argv);

#endif
