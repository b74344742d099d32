/* Tells when the files under some folders have changed, so that they are read anew.
 *
 * Looks at names, sizes and times now and then: that works for files that are mounted, linked or copied over a network,
 * and nothing runs out. A change counts once two looks in a row saw the same: a deployment writes many files.
 *
 * Threads one.
 */
#ifndef PBS_STORED_WATCH_H
#define PBS_STORED_WATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct watch {
	const char *const *dirs; /* their own files and those of their folders count */
	size_t n;
	uint64_t known, last; /* fingerprints */
};

void watch_init(struct watch *w, const char *const *dirs, size_t n); /* what is there now is known */
bool watch_look(struct watch *w);                                    /* true once for every change */

#endif
