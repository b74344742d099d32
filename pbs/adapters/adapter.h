/* What a bidder is to the exchange: two pure functions, and the data that drives them.
 *
 * make_requests turns the auction's request, specialised for this bidder, into HTTP calls; parse_bids turns
 * one reply into typed bids. Sending, time limits, compression, debug capture and metrics are the core's.
 *
 * Shapes  `root` of a request is a decoded OpenRTB request (pbs/openrtb/model.h). The top-level object, the
 *         imp array and the imp objects are the adapter's own; everything below them is shared with other
 *         bidders and is unshared with json_own*() before it is changed. A call's body is a tree so that the
 *         core can splice the shared parts; a body that is no OpenRTB goes into `bytes`.
 * Errors  both functions report by adding to `errors`; errors and results may come together.
 * Owns    everything handed out lives in the request's arena, which holds the json references.
 * Threads none; a `struct bidder` is immutable after its adapter's build().
 */
#ifndef PBS_ADAPTERS_ADAPTER_H
#define PBS_ADAPTERS_ADAPTER_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/arena.h"
#include "common/errtext.h"
#include "common/json.h"
#include "common/str.h"
#include "pbs/openrtb/media.h"

struct bidder_info;
struct ortb_rules;

/* Codes that clients see in ext.errors. */
enum adapter_code {
	ADAPTER_WARNING = 0, /* on a warning: nothing more to say */
	ADAPTER_TIMEOUT = 1,
	ADAPTER_BAD_INPUT = 2,           /* the request's fault, and usually HTTP 400 */
	ADAPTER_BAD_SERVER_RESPONSE = 4, /* the bidder answered nonsense */
	ADAPTER_FAILED_TO_REQUEST = 5,   /* no call and no error that says why */
	ADAPTER_FAILED_TO_MARSHAL = 13,
	ADAPTER_FAILED_TO_UNMARSHAL = 14, /* decode errors passed on as they are */
	ADAPTER_PLAIN = 999,
};

struct adapter_error {
	struct adapter_error *next;
	int code;
	bool warning;
	const char *text;
};

struct adapter_errors {
	struct arena *arena;
	struct adapter_error *first, **tail;
	size_t n;
};

enum adapter_entry { ADAPTER_AUCTION, ADAPTER_AMP, ADAPTER_VIDEO };

/* What the host says about itself to bidders. */
struct adapter_host {
	const char *external_url, *datacenter, *version;
	int gvl_id;
};

/* One bidder name: an alias has its own, with its parent's adapter. */
struct bidder {
	const char *name, *endpoint;
	const struct adapter *adapter;
	const struct bidder_info *info;
	const struct adapter_host *host;
	const void *state; /* what build() made of it */
	bool public_only; /* requests have a say in the endpoint's host, so it must not be a private address */
};

struct adapter_request {
	struct arena *arena;
	const struct bidder *bidder;
	json_t *root; /* after make_requests: as it left it, which is what parse_bids sees */
	enum adapter_entry entry;
	/* NULL when there are no rates; see adapter_convert() */
	int (*convert)(const void *rates, double amount, struct str from, struct str to, double *ret_amount,
		       struct errtext *why);
	const void *rates;
	uint64_t (*random)(void *chance);
	void *chance;
	void *scratch; /* the adapter's own, from its first imp to its last reply; NULL at first */
};

struct adapter_header {
	struct adapter_header *next;
	const char *name; /* canonical: Content-Type, Dnt */
	struct str value;
};

/* One HTTP POST. */
struct adapter_call {
	struct adapter_call *next;
	struct str uri;
	json_t *body;     /* or NULL, then: */
	struct str bytes; /* the body ready to send */
	struct adapter_header *headers, **headers_tail;
	struct str *imp_ids; /* borrowed from the imps of `body` */
	size_t n_imp_ids;
};

struct adapter_calls {
	struct adapter_call *first, **tail;
	size_t n;
	struct adapter_errors errors;
};

struct adapter_reply {
	int status;
	struct str bytes; /* the body, unzipped; may be empty */
	json_t *json; /* the body parsed once, the adapter may change it; NULL when not parsed or not JSON */
};

struct adapter_video {
	int64_t duration; /* seconds */
	struct str primary_category;
};

struct adapter_bid {
	struct adapter_bid *next;
	json_t *bid;     /* decoded OpenRTB bid, the adapter may change it */
	struct str type; /* "banner" … "native"; some bidders' own words are passed on, or nothing */
	struct str seat; /* empty: the bidder's name */
	json_t *meta;    /* object or NULL */
	int64_t deal_priority;
	bool has_video;
	struct adapter_video video;
};

struct adapter_bids {
	bool answered; /* there is a bidder response, though perhaps without bids */
	struct str currency;
	struct adapter_bid *first, **tail;
	size_t n;
	json_t *configs; /* on-device auctions: array of {impid, bidder, config}; NULL when there is no list
			  */
	struct adapter_errors errors;
};

/* The descriptor: `static const`, listed in registry.c. */
struct adapter {
	const char *name;
	const struct ortb_rules *rules; /* for the functions of ortb_common.h */
	void (*make_requests)(struct adapter_request *r, struct adapter_calls *out);
	void (*parse_bids)(const struct adapter_request *r, const struct adapter_call *sent,
			   const struct adapter_reply *reply, struct adapter_bids *out);
	/* Optional: checks the endpoint and options once and sets b->state, which lives in `a`. Fails with a
	 * text that is logged while the bidder stays disabled. */
	int (*build)(struct bidder *b, struct arena *a, struct errtext *why);
};

void adapter_calls_init(struct adapter_calls *out, struct arena *a);
void adapter_bids_init(struct adapter_bids *out, struct arena *a);

void adapter_error(struct adapter_errors *e, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void adapter_warn(struct adapter_errors *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Appends a call; takes no reference to `body` (hang it on the arena). The imp ids are those of body.imp. */
struct adapter_call *adapter_call_add(struct adapter_request *r, struct adapter_calls *out, struct str uri,
				      json_t *body);
void adapter_call_header(struct arena *a, struct adapter_call *call, const char *name, struct str value);

/* Appends a bid of that type and makes the response exist. */
struct adapter_bid *adapter_bid_add(struct arena *a, struct adapter_bids *out, json_t *bid, struct str type);

/* Appends {impid, bidder, config} to the on-device auction configs; `config` is shared. */
void adapter_config_add(const struct adapter_request *r, struct adapter_bids *out, struct str impid,
			json_t *config);

/* An adapter's own copy of a request: the root, the imp array and the imps are new, the rest is shared. */
json_t *adapter_request_copy(const json_t *shared);

/* 0 and the amount in `to`, or ERR_NOTFOUND with the reference's text. */
int adapter_convert(const struct adapter_request *r, double amount, struct str from, struct str to,
		    double *ret_amount, struct errtext *why);

#endif
