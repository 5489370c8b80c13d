/* SPDX-License-Identifier: Apache-2.0 */
/* A library that no system has: who is loaded with it was loaded with what came along. */
int own_library(void);

int own_library(void)
{
	return 4711;
}
