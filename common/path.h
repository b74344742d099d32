/* Files and folders that a service will write, looked at before it runs.
 *
 * Errors  ERR_UNAVAILABLE with the path and the system's reason.
 */
#ifndef COMMON_PATH_H
#define COMMON_PATH_H

#include "common/errtext.h"

/* With all folders above it; one that is there is fine. */
int path_make_dir(const char *path, struct errtext *why);

/* Whether path_make_dir(), and writing into it, would do; makes nothing. */
int path_check_dir(const char *path, struct errtext *why);
/* Whether open(2) for writing would do, making the file where there is none; makes nothing. */
int path_check_file(const char *path, struct errtext *why);

#endif
