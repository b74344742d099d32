/* Bidder codes and their slots. A slot is given at the first event that names the code and is never reused.
 *
 * Threads  the learner adds; readers find without locks (a slot's code is complete before its hash shows).
 */
#ifndef IDR_CORE_BIDDERS_H
#define IDR_CORE_BIDDERS_H

#include <stdint.h>

#include "common/str.h"

enum { BIDDERS_MAX = 256, BIDDERS_HASH = 1024, BIDDERS_CODE = 64 };

struct bidders {
	unsigned n;
	uint64_t hash[BIDDERS_HASH]; /* open addressing; 0 = free */
	uint16_t slot[BIDDERS_HASH];
	char code[BIDDERS_MAX][BIDDERS_CODE];
};

int bidders_find(const struct bidders *b, uint64_t hash); /* slot or -1 */
int bidders_add(struct bidders *b, struct str code);      /* slot, or -1 when full or the code is too long */

#endif
