/* The parts that nearly all bidders share, and the two functions that string them together.
 *
 * A bidder that takes OpenRTB fills a `struct ortb_rules` and names ortb_make_requests and ortb_parse_bids in
 * its descriptor; what is its own goes into the hooks. Bidders with more on their mind call the parts.
 *
 * Shapes  hooks answer with a verdict: keep, drop this imp or bid, or give up the whole request or response.
 *         A hook that drops adds the error itself, or none where the bidder drops silently.
 * Source  the fact sheets of Prebid Server's adapters; texts are the reference's.
 */
#ifndef PBS_ADAPTERS_ORTB_COMMON_H
#define PBS_ADAPTERS_ORTB_COMMON_H

#include "pbs/adapters/adapter.h"
#include "pbs/openrtb/model.h"

enum ortb_verdict { ORTB_KEEP, ORTB_DROP, ORTB_ABORT };

/* One imp while the request is made. */
struct ortb_imp {
	struct adapter_request *r;
	struct adapter_errors *errors;
	json_t *imp;    /* own: set members at will, json_own() what is below */
	json_t *params; /* imp.ext.bidder decoded by rules->params; NULL when there are no such rules */
	size_t i;       /* position in the request's imp array as it came */
};

/* One bid while a reply is read. */
struct ortb_bid {
	const struct adapter_request *r;
	const struct adapter_call *sent;
	const json_t *response, *seatbid;
	json_t *bid; /* decoded; may be changed */
	struct adapter_bids *out;
	struct adapter_bid *b; /* becomes the typed bid when kept: set type, video, meta, seat, … */
};

enum ortb_headers {
	ORTB_HEADERS_NONE,
	ORTB_HEADERS_CONTENT, /* Content-Type: application/json;charset=utf-8 */
	ORTB_HEADERS_JSON,    /* and Accept: application/json */
};

enum ortb_currency {
	ORTB_CURRENCY_OR_USD,   /* `cur` when it is not empty */
	ORTB_CURRENCY_VERBATIM, /* `cur` even if empty */
	ORTB_CURRENCY_USD,      /* `cur` is ignored */
};

/* What is said about a status that is neither 204 nor 200; each text may hold one %d. */
struct ortb_status {
	const char *bad_request; /* 400 */
	const char *other;
	int bad_request_code, other_code;
};
extern const struct ortb_status ortb_status_s1;   /* the common texts */
extern const struct ortb_status ortb_status_stop; /* the same with a full stop */
extern const struct ortb_status
	ortb_status_plain; /* the same, but what is no 400 is not laid to the server */

struct ortb_rules {
	const struct typed_struct *params; /* NULL: imp.ext is not looked at */
	enum ortb_headers headers;
	bool send_empty;          /* call even when no imp is left */
	int bad_params;           /* code of params that do not decode; 0 means ADAPTER_BAD_INPUT */
	bool abort_on_bad_params; /* gives up the request; else the imp is dropped */
	enum ortb_verdict (*each_imp)(struct ortb_imp *x);
	/* after the imps: what concerns the request as a whole; ORTB_ABORT: no call */
	enum ortb_verdict (*request)(struct adapter_request *r, struct adapter_errors *errors);
	void (*add_headers)(struct adapter_request *r, struct adapter_call *call); /* after `headers` */
	void (*nothing_left)(struct adapter_errors *e);                            /* no imp is left */

	const struct ortb_status *status; /* NULL means ortb_status_s1 */
	enum ortb_currency currency;
	int bad_body; /* code of a body that does not decode; 0 means ADAPTER_FAILED_TO_UNMARSHAL */
	const char *bad_body_prefix; /* put in front of what the decoder says; may be NULL */
	/* before the bids; ORTB_ABORT: there is no response */
	enum ortb_verdict (*seats)(const json_t *seats, struct adapter_errors *errors);
	enum ortb_verdict (*each_bid)(struct ortb_bid *x);
	void (*response)(const struct adapter_request *r, const json_t *response, struct adapter_bids *out);
};

void ortb_make_requests(struct adapter_request *r, struct adapter_calls *out);
void ortb_parse_bids(const struct adapter_request *r, const struct adapter_call *sent,
		     const struct adapter_reply *reply, struct adapter_bids *out);

/* The same by rules that are not those of the bidder's adapter. */
void ortb_parse_by(const struct ortb_rules *rules, const struct adapter_request *r,
		   const struct adapter_call *sent, const struct adapter_reply *reply,
		   struct adapter_bids *out);

/* Request side ------------------------------------------------------------------------------------- */

/* The imps through params and each_imp of the bidder's rules; those that are kept become the request's. False
 * when a hook gave up the request. For make_requests of an adapter's own, which then splits as it likes. */
bool ortb_visit_imps(struct adapter_request *r, struct adapter_errors *errors);

/* typed_decode() with the result held by the arena; NULL with the reference's text. */
json_t *ortb_typed(struct arena *a, json_t *in, const struct typed_struct *type, struct errtext *why);
/* Whether `v` decodes as an object whose members are looked at later: an object or null; NULL is no bytes. */
bool ortb_is_map(const json_t *v, struct errtext *why);
/* A list of texts, held by the arena; the text of a failure names no field. */
json_t *ortb_strings(struct arena *a, json_t *v, struct errtext *why);
/* imp.ext as ortb_ext_imp_bidder and then its `bidder` as `params`. An adapter with a wrapper or with texts
 * of its own leaves rules->params out and calls ortb_typed() for each in its each_imp. */
json_t *ortb_params(struct arena *a, const json_t *imp, const struct typed_struct *params,
		    struct errtext *why);
extern const struct typed_struct ortb_ext_imp_bidder; /* the common wrapper: prebid, bidder, ae */
extern const struct typed_struct ortb_ext_imp_prebid; /* imp.ext.prebid */

/* Shares every member of the request but `imp`, which becomes `imps` (taken). */
json_t *ortb_body(struct adapter_request *r, json_t *imps);
struct adapter_call *ortb_call(struct adapter_request *r, struct adapter_calls *out, struct str uri,
			       json_t *imps, enum ortb_headers headers);
void ortb_headers(struct arena *a, struct adapter_call *call, enum ortb_headers headers);

enum ortb_floor { FLOOR_IF_ZERO, FLOOR_IF_NOT_POSITIVE, FLOOR_OVERRIDE, FLOOR_MAX };
/* A floor parameter of 0 or less never changes the imp. */
void ortb_floor_param(json_t *imp, double floor, enum ortb_floor when);

/* Converts a floor in another currency; what happens to bidfloorcur and on failure is the bidder's rule.
 * 0 and both written when it was converted, 1 when there was nothing to do, negative when there is no rate.
 */
int ortb_floor_usd(const struct adapter_request *r, json_t *imp, double *ret_usd, struct errtext *why);

enum ortb_size { SIZE_BOTH_ABSENT, SIZE_EITHER_ABSENT, SIZE_ALWAYS };
/* banner.w and .h from the first format, when the policy says so and there is a format. */
void ortb_banner_size(json_t *imp, enum ortb_size when);

/* site.publisher.id (or app's) set on unshared copies; `where` is "site" or "app"; makes the publisher. */
void ortb_publisher_id(json_t *root, const char *where, struct str id);

/* Reply side --------------------------------------------------------------------------------------- */

enum ortb_gate { ORTB_GATE_OK, ORTB_GATE_NOTHING, ORTB_GATE_ERROR };
enum ortb_gate ortb_status_gate(int status, const struct ortb_status *texts, struct adapter_errors *e);

/* The reply's body as it came, held by the arena: for members that OpenRTB does not have. NULL when it is
 * empty or not JSON. */
json_t *ortb_reply_json(struct arena *a, const struct adapter_reply *reply, struct errtext *why);
/* The reply's body decoded as `type`, held by the arena; NULL with the reference's text. */
json_t *ortb_reply(struct arena *a, const struct adapter_reply *reply, const struct typed_struct *type,
		   struct errtext *why);

const json_t *ortb_imp_by_id(const json_t *root, struct str id); /* NULL when there is none */
/* The first of `order` (ended by MEDIA_NONE) that the imp has; MEDIA_NONE when it has none of them. */
enum media ortb_imp_media(const json_t *imp, const enum media *order);
/* bid.ext decodes and has a `prebid`. */
bool ortb_has_prebid(const json_t *bid);
/* bid.ext.prebid.type; false with "invalid BidType: …" or the decode text. */
bool ortb_prebid_type(const json_t *bid, struct str *ret_type, struct errtext *why);
struct str ortb_first_str(const json_t *list); /* first element of a list of texts, or empty */

#endif
