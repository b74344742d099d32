/* `int`, the name of an integration in event URLs and in what counts them. */
#ifndef PBS_ENDPOINTS_INTEGRATION_H
#define PBS_ENDPOINTS_INTEGRATION_H

#include "common/errtext.h"
#include "common/str.h"

/* ERR_INPUT for more than 64 characters, or others than letters, digits, '-' and '_'. */
int integration_check(struct str name, struct errtext *why);

#endif
