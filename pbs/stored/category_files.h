/* Category mapping files of ad servers, for competitive exclusion.
 *
 * Shapes  <dir>/dfp/dfp.json, <dir>/dfp/dfp_<publisher>.json, <dir>/freewheel/…: {"IAB1-1":{"id":"Sports",…}}.
 *         The result maps "dfp" and "dfp/<publisher>" to the contents.
 * Errors  NULL and `why` names the file; a folder that does not exist holds no files.
 * Threads read once at start and never changed, so all workers may look things up.
 */
#ifndef PBS_STORED_CATEGORY_FILES_H
#define PBS_STORED_CATEGORY_FILES_H

#include <jansson.h>

#include "common/errtext.h"

/* The caller takes the reference. */
json_t *category_files_load(const char *dir, struct errtext *why);

#endif
