#include "pbs/openrtb/stored_responses.h"

#include "common/json.h"
#include "pbs/openrtb/model.h"
#include "pbs/openrtb/report.h"

enum { MAX_STORED = 1000 }; /* of a request: each is looked up, and compared with the bidders of its imp */

static size_t count_refs(const json_t *imps)
{
	size_t n = 0;

	for (size_t i = 0; i < json_array_size(imps); i++) {
		const json_t *prebid = json_at(json_array_get(imps, i), "ext.prebid");

		n += json_object_get(prebid, "storedauctionresponse") != NULL;
		n += json_array_size(json_object_get(prebid, "storedbidresponse"));
	}
	return n;
}

static int collect_auction(const json_t *prebid, const struct stored_response *base,
			   struct stored_responses *sr, struct messages *m)
{
	const json_t *stored = json_object_get(prebid, "storedauctionresponse");
	struct stored_response r = *base;

	if (!stored)
		return 0;
	r.id = json_str_at(stored, "id");
	if (r.id.n == 0)
		return refuse(
			m,
			"request.imp[%zu] has ext.prebid.storedauctionresponse specified, but \"id\" field "
			"is missing ",
			r.imp);
	r.replaces_imp_id = true;
	sr->is_auction = true;
	sr->list[sr->n++] = r;
	return 0;
}

static int collect_bids(const json_t *prebid, const struct stored_response *base, struct stored_responses *sr,
			struct messages *m)
{
	const json_t *list = json_object_get(prebid, "storedbidresponse");

	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *stored = json_array_get(list, i);
		struct stored_response r = *base;

		r.id = json_str_at(stored, "id");
		r.bidder = json_str_at(stored, "bidder");
		r.replaces_imp_id = json_bool_at(stored, "replaceimpid", true);
		if (r.id.n == 0 || r.bidder.n == 0)
			return refuse(
				m,
				"request.imp[%zu] has ext.prebid.storedbidresponse specified, but \"id\" "
				"or/and \"bidder\" fields are missing ",
				r.imp);
		sr->list[sr->n++] = r;
	}
	return 0;
}

int stored_responses_collect(const json_t *req, struct arena *a, struct messages *m,
			     struct stored_responses *ret_responses)
{
	const json_t *imps = json_object_get(req, "imp");
	struct stored_responses sr = { 0 };
	size_t n_refs = count_refs(imps);
	int err = 0;

	if (n_refs > MAX_STORED)
		return refuse(m, "request.imp names %zu stored responses, at most %d are served", n_refs,
			      MAX_STORED);
	sr.list = ARENA_ARRAY(a, struct stored_response, n_refs + 1);
	for (size_t i = 0; i < json_array_size(imps) && !err; i++) {
		const json_t *imp = json_array_get(imps, i), *prebid = json_at(imp, "ext.prebid");
		struct stored_response base = { .imp = i, .imp_id = json_str_at(imp, "id") };

		err = collect_auction(prebid, &base, &sr, m);
		if (!err)
			err = collect_bids(prebid, &base, &sr, m);
	}
	if (err)
		return err;
	*ret_responses = sr;
	return 0;
}

static bool is_told_already(const struct stored_responses *sr, size_t n, struct str id)
{
	for (size_t i = 0; i < n; i++)
		if (!sr->list[i].body && str_eq(sr->list[i].id, id))
			return true;
	return false;
}

int stored_responses_check(const struct stored_responses *sr, struct messages *m)
{
	int err = 0;

	for (size_t i = 0; i < sr->n; i++) {
		const struct stored_response *r = &sr->list[i];

		if (!r->body && !is_told_already(sr, i, r->id))
			err = refuse(m, "Stored Response with ID=\"" STR_FMT "\" not found.", STR_ARG(r->id));
	}
	return err;
}

static enum media media_of(const json_t *bid)
{
	int64_t mtype = json_int_at(bid, "mtype", 0);

	return mtype ? media_of_mtype(mtype) : media_parse(json_str_at(bid, "ext.prebid.type"));
}

static struct stored_bid *next_bid(struct stored_bids *out, struct arena *a)
{
	if (out->n == out->cap) {
		size_t cap = out->cap ? 2 * out->cap : 8;
		struct stored_bid *wider = ARENA_ARRAY(a, struct stored_bid, cap);

		if (out->n)
			memcpy(wider, out->list, out->n * sizeof *wider);
		out->list = wider;
		out->cap = cap;
	}
	return &out->list[out->n++];
}

static int add_bid(const struct stored_response *r, struct str seat, const json_t *given, struct arena *a,
		   struct errtext *why, struct stored_bids *out)
{
	struct stored_bid b = { .seat = seat, .imp = r->imp, .media = media_of(given) };

	if (b.media == MEDIA_NONE) {
		errtext_set(why, "Failed to parse bid %s for impression \"" STR_FMT "\"",
			    json_int_at(given, "mtype", 0) ? "mType" : "mediatype", STR_ARG(r->imp_id));
		return ERR_UPSTREAM;
	}
	b.bid = arena_own_json(a, json_copy((json_t *)(uintptr_t)given));
	json_set_str(b.bid, "impid", r->imp_id);
	*next_bid(out, a) = b;
	return 0;
}

static void add_fledge(const json_t *seatbid, struct str seat, struct arena *a, struct stored_bids *out)
{
	const json_t *configs = json_at(seatbid, "ext.prebid.fledge.auctionconfigs");

	for (size_t i = 0; i < json_array_size(configs); i++) {
		json_t *config = json_array_get(configs, i);

		if (!json_is_object(config))
			continue;
		if (!out->fledge)
			out->fledge = arena_own_json(a, json_array());
		config = json_copy(config);
		if (!json_object_get(config, "bidder"))
			json_set_str(config, "bidder", seat);
		json_array_append_new(out->fledge, config);
	}
}

static int add_seat(const struct stored_response *r, json_t *given, struct arena *a, struct errtext *why,
		    struct stored_bids *out)
{
	json_t *seatbid = ortb_decode(given, ORTB_SEAT_BID, why, NULL), *bids;
	struct str seat;
	int err = 0;

	if (!seatbid)
		return ERR_UPSTREAM;
	arena_own_json(a, seatbid);
	seat = json_str_at(seatbid, "seat");
	bids = json_object_get(seatbid, "bid");
	for (size_t i = 0; i < json_array_size(bids) && !err; i++)
		err = add_bid(r, seat, json_array_get(bids, i), a, why, out);
	add_fledge(seatbid, seat, a, out);
	return err;
}

int stored_responses_bids(const struct stored_responses *sr, struct arena *a, struct errtext *why,
			  struct stored_bids *ret_bids)
{
	struct stored_bids out = { 0 };
	int err = 0;

	for (size_t i = 0; i < sr->n && !err; i++) {
		const struct stored_response *r = &sr->list[i];

		if (r->bidder.n)
			continue;
		if (!json_is_array(r->body)) {
			errtext_set(why, "stored response " STR_FMT " is not an array of seats",
				    STR_ARG(r->id));
			return ERR_UPSTREAM;
		}
		for (size_t k = 0; k < json_array_size(r->body) && !err; k++)
			err = add_seat(r, json_array_get(r->body, k), a, why, &out);
	}
	if (err)
		return err;
	*ret_bids = out;
	return 0;
}
