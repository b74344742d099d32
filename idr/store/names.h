/* Texts that repeat (bidders, publishers, countries, sizes) and the small numbers that stand for them.
 *
 * Numbers start at 1 and count up; 0 is the empty text. A store gives out numbers inside a transaction, so
 * names_truncate() takes back those that were given since, when it fails.
 * Owns    the texts. The table holds at most `max` names; after that every new one becomes NAMES_OTHER, so
 * that a flood of invented names costs reports their detail, not the process its memory.
 */
#ifndef IDR_STORE_NAMES_H
#define IDR_STORE_NAMES_H

#include <stdbool.h>
#include <stdint.h>

#include "common/str.h"

enum { NAMES_OTHER = 1 };

struct names {
	struct str *text; /* text[0] = "", text[1] = "other" */
	uint32_t n, cap, max;
	uint32_t *slot; /* open addressing, 0 = free */
	uint32_t slots;
};

void names_init(struct names *t, uint32_t max);
void names_deinit(struct names *t);
uint32_t names_id(struct names *t, struct str name);         /* adds it when new */
uint32_t names_find(const struct names *t, struct str name); /* 0 when unknown (or empty) */
struct str names_text(const struct names *t, uint32_t id);   /* lent until the table changes */
void names_truncate(struct names *t, uint32_t n);            /* forgets ids >= n */

#endif
