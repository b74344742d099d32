/* Vendor lists on disk: <dir>/v<specification>-<version>.json as they were fetched, and <dir>/latest-v3, what
 * the next conditional request has to say.
 *
 * Errors  a file that cannot be read or written is logged and counts as absent: memory is what serves.
 * Owns    lists that are returned belong to the caller.
 */
#ifndef PBS_VENDOR_LIST_FILES_H
#define PBS_VENDOR_LIST_FILES_H

#include "common/str.h"
#include "pbs/privacy/gvl.h"

/* What the newest list came with. */
struct vendor_list_stamp {
	unsigned version;
	char etag[256], last_modified[64];
};

/* Calls take(ctx, list) for each list in the folder. */
void vendor_list_files_load(const char *dir, void (*take)(void *ctx, struct gvl *list), void *ctx);
void vendor_list_files_save(const char *dir, unsigned specification, unsigned version, struct str text);

void vendor_list_files_load_stamp(const char *dir, struct vendor_list_stamp *ret_stamp); /* zero if absent */
void vendor_list_files_save_stamp(const char *dir, const struct vendor_list_stamp *stamp);

#endif
