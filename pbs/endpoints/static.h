/* The pages of the host: read whole at the start, so that no path from outside is ever opened.
 *
 * Shapes  an object: file name -> its bytes. Folders in the folder are not looked at.
 * Errors  NULL and `why` names the file; "" is a folder without files.
 */
#ifndef PBS_ENDPOINTS_STATIC_H
#define PBS_ENDPOINTS_STATIC_H

#include <jansson.h>

#include "common/errtext.h"

json_t *static_load(const char *dir, struct errtext *why);

#endif
