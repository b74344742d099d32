/* Changes of stored data that somebody tells us: documents, and what they do to the cache.
 *
 * Shapes  saved: {"requests":{id:value},"imps":{…},"responses":{…},"accounts":{…}}; a value that is null or
 *         {"deleted":true} forgets the id. Forgotten: {"requests":[id],…}. Members may be missing.
 * Errors  ERR_INPUT and nothing was changed when the document has another shape.
 * Source  Prebid Server's cache-update API and its HTTP events.
 */
#ifndef PBS_STORED_UPDATES_H
#define PBS_STORED_UPDATES_H

#include "common/errtext.h"
#include "pbs/stored/cache.h"

/* The names of the kinds in documents, by enum stored_kind. */
extern const char *const stored_members[];

int stored_updates_save(struct stored_cache *c, const json_t *doc, uint64_t now_ms, struct errtext *why);
int stored_updates_forget(struct stored_cache *c, const json_t *doc, struct errtext *why);
/* One value; NULL, null, "" and {"deleted":true} forget it. */
void stored_updates_apply(struct stored_cache *c, int kind, struct str id, json_t *value, uint64_t now_ms);

#endif
