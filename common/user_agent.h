/* The few things a user agent is read for: which browser, which operating system, what kind of device.
 *
 * Shapes  results are static lower-case names ("chrome", "ios", "mobile"); "" when nothing is known.
 */
#ifndef COMMON_USER_AGENT_H
#define COMMON_USER_AGENT_H

#include "common/str.h"

const char *user_agent_browser(struct str ua);
const char *user_agent_os(struct str ua);
const char *user_agent_device(struct str ua);

#endif
