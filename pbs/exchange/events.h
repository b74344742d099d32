/* URLs that count wins and impressions, in the bid or inside its VAST.
 *
 * Shapes  URL  <external>/event?t=win&b=<bid id>&a=<account>&bidder=…&f=b&int=…&ts=…: t, b and a as they are,
 * the others URL-encoded in alphabetical order. Source  Prebid Server's event tracking. Repaired: request
 * aliases may have their VAST changed when their core bidder allows it.
 */
#ifndef PBS_EXCHANGE_EVENTS_H
#define PBS_EXCHANGE_EVENTS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/arena.h"
#include "pbs/exchange/bid.h"

struct events {
	bool active; /* the account says so or ext.prebid.events is present */
	struct str external_url, account, integration;
	int64_t auction_start_ms;
};

/* {"win":URL,"imp":URL} for ext.prebid.events of bids that are not video; NULL when not active or video. The
 * caller takes the reference. */
json_t *events_render(const struct events *ev, const struct bid *b, struct arena *a);

/* The win URL alone ("wurl" of a cached bid); empty when not active or video. */
struct str events_win_url(const struct events *ev, const struct bid *b, struct arena *a);

/* Sets vast_adm of a video bid: impression URL injected. Nothing when not active or when its VAST has no
 * </Impression>. `may_modify` is the core bidder's modifyingVastXmlAllowed. */
void events_inject_vast(const struct events *ev, struct bid *b, bool may_modify, struct arena *a);

/* The VAST with one more impression, `url`; empty when it has no </Impression> to put it next to. */
struct str events_mark_vast(struct str vast, struct str url, struct arena *a);

/* The impression URL that goes into VAST. */
struct str events_imp_url(const struct events *ev, struct str bid_id, struct str bidder, struct arena *a);

/* The VAST of a bid: what events made of it, else adm, else a wrapper around nurl. */
struct str events_vast(const struct bid *b, struct arena *a);

#endif
