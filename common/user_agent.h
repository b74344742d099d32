/* The few things a user agent is read for: which browser, which operating system, what kind of device.
 *
 * Shapes  names are static and lower-case ("chrome", "ios", "mobile"); "" when nothing is known.
 */
#ifndef COMMON_USER_AGENT_H
#define COMMON_USER_AGENT_H

#include "common/str.h"

struct user_agent {
	const char *browser, *os, *device;
};

struct user_agent user_agent_read(struct str ua);

#endif
