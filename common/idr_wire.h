/* What nexus-pbs and nexus-idr say to each other, defined once: POST /route, its reply, POST /analytics.
 *
 * Additive: readers ignore members they do not know, so either service may be newer than the other.
 *
 * Shapes  texts are borrowed: from the caller when writing, from the arena when reading. Times are seconds
 *         since 1970 with a fraction. An event is written as one line, so events joined by newlines are
 * NDJSON. Errors  the readers give ERR_INPUT and name the field and what was expected. Never   user
 * identifiers, addresses or consent strings: only which id sources are present.
 */
#ifndef COMMON_IDR_WIRE_H
#define COMMON_IDR_WIRE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "common/arena.h"
#include "common/buf.h"
#include "common/errtext.h"
#include "common/str.h"

enum { IDR_MAX_BIDDERS = 512, IDR_MAX_NAME_BYTES = 64, IDR_MAX_IMPS = 1000, IDR_MAX_BIDS = 5000 };

/* --- /route --- */

struct idr_route_request {
	struct str auction_id, publisher_id;
	double ts;           /* 0 = not given */
	json_t *bid_request; /* what classification needs of the OpenRTB request; lent */
	const struct str *bidders;
	size_t n_bidders;
	bool scores;
	json_t *tree; /* reading: the whole request; lent */
};

enum idr_component {
	IDR_WIN_RATE,
	IDR_BID_RATE,
	IDR_CPM,
	IDR_FLOOR_CLEARANCE,
	IDR_LATENCY,
	IDR_RECENCY,
	IDR_ID_MATCH,
	IDR_COMPONENTS
};
extern const char *const idr_component_names[IDR_COMPONENTS];

struct idr_score {
	struct str bidder;
	double total, confidence;
	double components[IDR_COMPONENTS];
	struct str reason;
	bool selected;
	/* the model's own numbers: NAN = not given */
	double probability, expected_price, marginal_value, value_score, alive;
	int rank;         /* 1 = chosen first; 0 = not given */
	struct str level; /* of the settings hierarchy; empty = not given */
	double samples;
};

struct idr_exclusion {
	struct str bidder, reason;
};

struct idr_route_reply {
	struct str auction_id, mode, error; /* error is empty when all went well */
	const struct str *selected;
	size_t n_selected;
	const struct idr_exclusion *excluded; /* who was left out and why */
	size_t n_excluded;
	const struct idr_score *scores; /* only when asked for */
	size_t n_scores;
	double routing_time_ms;
	bool control;          /* held out to measure the lift: everybody is called */
	double suggested_tmax; /* ms; 0 = no advice */
};

void idr_wire_write_route(struct buf *b, const struct idr_route_request *r);
int idr_wire_parse_route(struct arena *a, struct str text, struct idr_route_request *ret_r,
			 struct errtext *why);
void idr_wire_write_reply(struct buf *b, const struct idr_route_reply *r);
int idr_wire_parse_reply(struct arena *a, struct str text, struct idr_route_reply *ret_r,
			 struct errtext *why);

/* --- /analytics --- */

enum idr_status { IDR_BID, IDR_NO_BID, IDR_TIMEOUT, IDR_ERROR, IDR_NOT_CALLED, IDR_STATUSES };
extern const char *const idr_status_names[IDR_STATUSES];

struct idr_event_bid {
	struct str imp, cur;
	double cpm;
	bool won;
};

struct idr_event_bidder {
	struct str code;
	enum idr_status status;
	bool was_selected;
	double score; /* NAN = none */
	double response_time_ms;
	const struct idr_event_bid *bids;
	size_t n_bids;
};

struct idr_event_imp {
	struct str id, format, size, position, floor_cur;
	double floor;
};

struct idr_event {
	struct str auction_id, publisher_id, site, country, region, device_type, os, browser, routing_mode;
	double ts;
	const struct str *ids; /* id sources that were present */
	size_t n_ids;
	size_t total_configured;
	double tmax; /* ms; 0 = unknown */
	struct str
		floors; /* of fetched floors with a skip rate: "applied", "skipped"; empty = no such experiment */
	const struct idr_event_imp *imps;
	size_t n_imps;
	const struct idr_event_bidder *bidders;
	size_t n_bidders;
};

void idr_wire_write_event(struct buf *b, const struct idr_event *e);
/* One event of an already parsed batch. */
int idr_wire_read_event(struct arena *a, const json_t *j, struct idr_event *ret_e, struct errtext *why);

#endif
