/* SPDX-License-Identifier: Apache-2.0 */
/* The files of profiles/phones as part of the program; made by etc/build/phone.mk. */
#ifndef FRAMEFARM_DRIVERS_VIRTUAL_PROFILE_TEXT_H
#define FRAMEFARM_DRIVERS_VIRTUAL_PROFILE_TEXT_H

struct profile_text {
	const char *name; /* the file's, without .json */
	const char *text, *end;
};

extern const struct profile_text profile_texts[];
extern const int profile_text_count;

#endif
