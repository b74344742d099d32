/* How much a worker may take on at a time, by the memory there is: what is more is refused, instead of the kernel ending the
 * service and everything in it.
 *
 * Units   an auction of 15 bidders holds half a mebibyte until the last has answered, an idle connection 32 KiB
 *         (docs/deployment.md). Two fifths of the memory are for auctions, an eighth for connections; the rest is the
 *         program, its caches, and what auctions larger than that one hold.
 */
#ifndef PBS_CAPACITY_H
#define PBS_CAPACITY_H

#include <stddef.h>
#include <stdint.h>

uint32_t capacity_auctions(uint64_t memory_bytes, size_t workers);    /* per worker, 16..4000 */
uint32_t capacity_connections(uint64_t memory_bytes, size_t workers); /* per worker, 128..20000 */

#endif
