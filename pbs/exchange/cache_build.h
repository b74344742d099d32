/* What is stored in Prebid Cache, and what its answer means.
 *
 * Pure: the body is built here, sent by the pipeline, and the answer read here.
 *
 * Shapes  one call for all items: {"puts":[{"type":"json","ttlseconds":360,"value":{…}},…]}, answered by
 *         {"responses":[{"uuid":"…"},…]} in the same order.
 * Units   ttls are seconds; 60 are added so that a creative outlives its bid.
 * Errors  messages in "prebid"; a failed cache call never fails the auction, and never silently.
 */
#ifndef PBS_EXCHANGE_CACHE_BUILD_H
#define PBS_EXCHANGE_CACHE_BUILD_H

#include <jansson.h>
#include <stdbool.h>

#include "common/buf.h"
#include "pbs/exchange/bid.h"
#include "pbs/exchange/events.h"
#include "pbs/exchange/messages.h"
#include "pbs/exchange/targeting.h"
#include "pbs/exchange/winners.h"

struct cache_plan {
	bool bids, vast;    /* what is asked for */
	bool keep_creative; /* false: adm is removed from every bid of the response */
	int64_t account_ttl[BID_TYPES], host_ttl[BID_TYPES];
	struct str external_scheme, external_host, external_path; /* external_cache, for the URLs in bids */
};

/* From ext.prebid.cache (NULL: nothing is cached); ttls and URLs are left for the caller. */
void cache_plan_parse(const json_t *cache, struct cache_plan *ret_plan);

struct cache_item {
	struct bid *bid;
	bool is_vast;
};

struct cache_job {
	struct buf body;
	struct cache_item *items;
	size_t n_items;
	struct str category_id; /* uuid that VAST keys of this auction end in */
};

/* Fills *job; nothing to send when n_items is 0. `imps` is the request's array (imp.exp), `category_id` a
 * uuid of this auction, used when bids have category keys. The caller cleans up with cache_job_deinit(). */
void cache_build(struct cache_job *job, const struct cache_plan *plan, const struct targeting *t,
		 const struct ranking *ranking, const json_t *imps, const struct events *ev,
		 struct str category_id, struct arena *a, struct messages *m);
void cache_job_deinit(struct cache_job *job);

/* The answer: sets the bids' cache ids. `url` is the one that was called. */
void cache_read_answer(const struct cache_job *job, struct str url, int status, struct str body,
		       struct arena *a, struct messages *m);
/* There was no answer. */
void cache_report_failure(const struct cache_job *job, const char *what, int64_t duration_ms,
			  struct messages *m);

/* bid.ext.prebid.cache; NULL when the bid was not cached. The caller takes the reference. */
json_t *cache_render(const struct cache_plan *plan, const struct bid *b, struct arena *a);

/* The smaller of the positive ones of imp and bid, else the default, plus 60; 0 when none is positive. */
int64_t cache_ttl(int64_t imp_exp, int64_t bid_exp, int64_t default_ttl);

#endif
