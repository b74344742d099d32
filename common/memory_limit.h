/* How much memory this process may use: the least of what its cgroup, those above it and the machine leave it.
 *
 * Shapes  both versions of cgroups. In a container the path in /proc/self/cgroup may be the host's, of which only the end is
 *         visible there: every folder from the named one up to the root that has a limit counts.
 */
#ifndef COMMON_MEMORY_LIMIT_H
#define COMMON_MEMORY_LIMIT_H

#include <stdint.h>

#include "common/str.h"

struct memory_limit {
	uint64_t bytes;
	const char *whose; /* "the cgroup" or "the machine" */
};

struct memory_limit memory_limit(void);

/* The contents of memory.max or memory.limit_in_bytes; UINT64_MAX: no limit, or nothing that could be one. */
uint64_t memory_limit_parse(struct str text);
/* The cgroup's alone, for a process with these contents of /proc/self/cgroup, its files below `root`; UINT64_MAX = none. */
uint64_t memory_limit_of_cgroup(struct str proc_self_cgroup, const char *root);

#endif
