/* Floors data that was fetched: checked and indexed once, then shared by every auction until it is replaced.
 *
 * Shapes  the text is the `data` object itself, not wrapped; member names in any case.
 * Errors  NULL and `why`; nothing of a bad document is used.
 * Threads immutable; the holder counts references.
 */
#ifndef PBS_PRICE_FLOORS_DATA_H
#define PBS_PRICE_FLOORS_DATA_H

#include <jansson.h>

#include "common/errtext.h"
#include "common/str.h"
#include "pbs/price/floors_rules.h"

struct floors_data {
	struct arena *arena;
	json_t *json;
	const json_t *groups;         /* its model groups… */
	struct floor_group **indexed; /* …and their indexes, in the same order */
	int use_rate;                 /* usefetchdatarate, 0..100 */
};

struct floors_data *floors_data_parse(struct str text, size_t max_rules, struct errtext *why);
void floors_data_free(struct floors_data *d); /* NULL is fine */

#endif
