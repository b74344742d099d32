/* A bid on its way through the exchange, and the seats that hold bids.
 *
 * Each stage fills its own group of fields and reads the earlier ones. A bid that loses its chance is marked
 * with bid_drop() and stays where it is until seat_sweep(): positions and pointers do not move under a stage
 * that is walking them.
 *
 * Shapes  `ortb` is the adapter's OpenRTB bid object. Its `price` member is the adapter's; what counts inside
 *         is `price` here. Texts are borrowed from `ortb`, from the request or from the arena.
 * Owns    everything lives as long as the auction's arena; the arena holds the json references.
 */
#ifndef PBS_EXCHANGE_BID_H
#define PBS_EXCHANGE_BID_H

#include <jansson.h>
#include <stdbool.h>

#include "common/arena.h"
#include "common/str.h"
#include "pbs/exchange/nonbid.h"

enum bid_type { BID_BANNER, BID_VIDEO, BID_AUDIO, BID_NATIVE, BID_TYPES };

/* What price floors knew about the bid's imp: `bid.ext.prebid.floors`. */
struct bid_floor {
	bool present;      /* the imp had a floor */
	struct str rule;   /* empty: the floor did not come from a rule, rule_value means nothing */
	double rule_value; /* before floorMin */
	double value;      /* imp.bidfloor */
	struct str cur;
};

struct bid {
	/* set by bid_new() */
	json_t *ortb;
	struct str id, impid, dealid; /* as in ortb; empty when missing */
	int imp;                      /* index in the request's imp array, -1 when it names none of them */
	enum bid_type type;

	/* who: the name that was called, its core bidder, the seat the bid is shown under */
	struct str bidder, core, seat;

	/* from the adapter */
	int deal_priority;
	bool has_video;            /* the adapter told duration or category */
	int video_duration;        /* seconds, 0 unknown */
	struct str video_category; /* primary category, empty unknown */
	json_t *meta;              /* NULL: neither the adapter nor (bid_ext.h) the bidder gave any */

	/* currency and adjustments: `cpm` in the seat's currency `cur` */
	double price, orig_price;
	struct str cur, orig_cur;

	/* floors, categories */
	struct bid_floor floor;
	struct str cat_dur; /* "10.00_Sports_30s", empty when none */

	/* ids and creative as sent: empty unless generated, NULL adm means ortb's own */
	struct str generated_id;
	struct str vast_adm; /* VAST with the impression URL injected; replaces adm when not empty */

	/* targeting and cache */
	json_t *targeting; /* NULL: none */
	struct str target_code;
	bool winner; /* of its imp */
	bool deal_tier_satisfied;
	struct str cache_bid_id, cache_vast_id;
	bool uncached; /* the cache was asked to keep it and did not */

	/* how it ended */
	bool dropped;
	int nonbid; /* enum nonbid, valid when dropped; NONBID_SILENT is not reported */
};

struct seat {
	struct str name, bidder, core; /* bidder and core of the first adapter that used this seat */
	struct str cur;
	struct bid **bids;
	size_t n_bids, cap_bids;
};

struct seats {
	struct arena *arena;
	struct seat **seats;
	size_t n, cap;
};

struct str bid_type_name(enum bid_type t);                      /* "banner" "video" "audio" "native" */
bool bid_type_parse(struct str name, enum bid_type *ret_type);  /* the same names */
bool bid_type_of_mtype(int64_t mtype, enum bid_type *ret_type); /* 1 banner, 2 video, 3 audio, 4 native */

/* Borrows `ortb`; prices start as the adapter's. */
struct bid *bid_new(struct arena *a, json_t *ortb, enum bid_type type);
void bid_drop(struct bid *b, int nonbid);

void seats_init(struct seats *s, struct arena *a);
/* The seat of that exact name, made when new. */
struct seat *seats_get(struct seats *s, struct str name, struct str bidder, struct str core);
struct seat *seats_find(const struct seats *s, struct str name);
void seat_add(struct seats *s, struct seat *seat, struct bid *b); /* also sets b->seat */
void seat_sweep(struct seat *seat);                               /* forgets dropped bids, keeps the order */

#endif
