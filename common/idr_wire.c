/* Writing goes straight into the buffer, since it happens for every auction; reading goes through a tree and
 * copies nothing that the tree already holds. */
#include "common/idr_wire.h"

#include <math.h>
#include <stdio.h>

#include "common/err.h"
#include "common/json.h"

const char *const idr_component_names[IDR_COMPONENTS] = {
	[IDR_WIN_RATE] = "win_rate", [IDR_BID_RATE] = "bid_rate",
	[IDR_CPM] = "cpm",           [IDR_FLOOR_CLEARANCE] = "floor_clearance",
	[IDR_LATENCY] = "latency",   [IDR_RECENCY] = "recency",
	[IDR_ID_MATCH] = "id_match",
};

const char *const idr_status_names[IDR_STATUSES] = {
	[IDR_BID] = "bid",     [IDR_NO_BID] = "no_bid",         [IDR_TIMEOUT] = "timeout",
	[IDR_ERROR] = "error", [IDR_NOT_CALLED] = "not_called",
};

/* --- writing: `sep` is '{' before the first member, ',' before the others --- */

static void key(struct buf *b, char *sep, const char *name)
{
	buf_add_c(b, *sep);
	*sep = ',';
	buf_add_c(b, '"');
	buf_add_z(b, name); /* ours: nothing to escape */
	buf_add(b, "\":", 2);
}

static void put_str(struct buf *b, char *sep, const char *name, struct str v)
{
	key(b, sep, name);
	json_write_str(b, v);
}

static void put_text(struct buf *b, char *sep, const char *name, struct str v) /* left out when empty */
{
	if (v.n)
		put_str(b, sep, name, v);
}

static void put_num(struct buf *b, char *sep, const char *name, double v)
{
	key(b, sep, name);
	json_write_real(b, v);
}

static void put_known(struct buf *b, char *sep, const char *name, double v) /* left out when NAN */
{
	if (!isnan(v))
		put_num(b, sep, name, v);
}

static void put_bool(struct buf *b, char *sep, const char *name, bool v)
{
	key(b, sep, name);
	buf_add_z(b, v ? "true" : "false");
}

static void put_strs(struct buf *b, char *sep, const char *name, const struct str *v, size_t n)
{
	key(b, sep, name);
	buf_add_c(b, '[');
	for (size_t i = 0; i < n; i++) {
		if (i)
			buf_add_c(b, ',');
		json_write_str(b, v[i]);
	}
	buf_add_c(b, ']');
}

void idr_wire_write_route(struct buf *b, const struct idr_route_request *r)
{
	char sep = '{';

	put_str(b, &sep, "auction_id", r->auction_id);
	put_str(b, &sep, "publisher_id", r->publisher_id);
	if (r->ts > 0)
		put_num(b, &sep, "ts", r->ts);
	key(b, &sep, "bid_request");
	json_write(b, r->bid_request);
	put_strs(b, &sep, "configured_bidders", r->bidders, r->n_bidders);
	put_bool(b, &sep, "scores", r->scores);
	buf_add_c(b, '}');
}

static void write_score(struct buf *b, const struct idr_score *s)
{
	char sep = '{', inner = '{';

	put_str(b, &sep, "bidder_code", s->bidder);
	put_num(b, &sep, "total_score", s->total);
	put_num(b, &sep, "confidence", s->confidence);
	put_text(b, &sep, "reason", s->reason);
	put_bool(b, &sep, "selected", s->selected);
	key(b, &sep, "components");
	for (int i = 0; i < IDR_COMPONENTS; i++)
		put_num(b, &inner, idr_component_names[i], s->components[i]);
	buf_add_c(b, '}');
	put_known(b, &sep, "probability", s->probability);
	put_known(b, &sep, "expected_price", s->expected_price);
	put_known(b, &sep, "marginal_value", s->marginal_value);
	put_known(b, &sep, "value_score", s->value_score);
	put_known(b, &sep, "alive", s->alive);
	if (s->rank)
		put_num(b, &sep, "rank", s->rank);
	put_text(b, &sep, "level", s->level);
	put_known(b, &sep, "samples", s->samples);
	buf_add_c(b, '}');
}

void idr_wire_write_reply(struct buf *b, const struct idr_route_reply *r)
{
	char sep = '{';

	put_str(b, &sep, "auction_id", r->auction_id);
	put_strs(b, &sep, "selected_bidders", r->selected, r->n_selected);
	put_str(b, &sep, "mode", r->mode);
	put_num(b, &sep, "routing_time_ms", r->routing_time_ms);
	if (r->control)
		put_bool(b, &sep, "control", true);
	if (r->suggested_tmax > 0)
		put_num(b, &sep, "suggested_tmax", r->suggested_tmax);
	put_text(b, &sep, "error", r->error);
	if (r->n_excluded) {
		key(b, &sep, "excluded");
		for (size_t i = 0; i < r->n_excluded; i++) {
			char inner = '{';

			buf_add_c(b, i ? ',' : '[');
			put_str(b, &inner, "bidder", r->excluded[i].bidder);
			put_str(b, &inner, "reason", r->excluded[i].reason);
			buf_add_c(b, '}');
		}
		buf_add_c(b, ']');
	}
	if (r->n_scores) {
		key(b, &sep, "all_scores");
		for (size_t i = 0; i < r->n_scores; i++) {
			buf_add_c(b, i ? ',' : '[');
			write_score(b, &r->scores[i]);
		}
		buf_add_c(b, ']');
	}
	buf_add_c(b, '}');
}

static void write_imp(struct buf *b, const struct idr_event_imp *imp)
{
	char sep = '{';

	put_str(b, &sep, "id", imp->id);
	put_str(b, &sep, "ad_format", imp->format);
	put_text(b, &sep, "ad_size", imp->size);
	put_text(b, &sep, "position", imp->position);
	put_num(b, &sep, "floor", imp->floor);
	put_text(b, &sep, "floor_cur", imp->floor_cur);
	buf_add_c(b, '}');
}

static void write_bid(struct buf *b, const struct idr_event_bid *bid)
{
	char sep = '{';

	put_str(b, &sep, "imp", bid->imp);
	put_num(b, &sep, "cpm", bid->cpm);
	put_str(b, &sep, "cur", bid->cur);
	put_bool(b, &sep, "won", bid->won);
	buf_add_c(b, '}');
}

static void write_bidder(struct buf *b, const struct idr_event_bidder *e)
{
	char sep = '{';

	put_str(b, &sep, "bidder_code", e->code);
	put_bool(b, &sep, "was_selected", e->was_selected);
	put_known(b, &sep, "routing_score", e->score);
	put_str(b, &sep, "status", str_of(idr_status_names[e->status]));
	if (e->status != IDR_NOT_CALLED)
		put_num(b, &sep, "response_time_ms", e->response_time_ms);
	if (e->n_bids) {
		key(b, &sep, "bids");
		for (size_t i = 0; i < e->n_bids; i++) {
			buf_add_c(b, i ? ',' : '[');
			write_bid(b, &e->bids[i]);
		}
		buf_add_c(b, ']');
	}
	buf_add_c(b, '}');
}

void idr_wire_write_event(struct buf *b, const struct idr_event *e)
{
	char sep = '{';

	put_str(b, &sep, "auction_id", e->auction_id);
	put_num(b, &sep, "ts", e->ts);
	put_str(b, &sep, "publisher_id", e->publisher_id);
	put_text(b, &sep, "site", e->site);
	put_text(b, &sep, "country", e->country);
	put_text(b, &sep, "region", e->region);
	put_text(b, &sep, "device_type", e->device_type);
	put_text(b, &sep, "os", e->os);
	put_text(b, &sep, "browser", e->browser);
	put_strs(b, &sep, "ids", e->ids, e->n_ids);
	put_text(b, &sep, "routing_mode", e->routing_mode);
	put_num(b, &sep, "total_configured", (double)e->total_configured);
	if (e->tmax > 0)
		put_num(b, &sep, "tmax", e->tmax);
	put_text(b, &sep, "floors", e->floors);
	key(b, &sep, "imps");
	buf_add_c(b, '[');
	for (size_t i = 0; i < e->n_imps; i++) {
		if (i)
			buf_add_c(b, ',');
		write_imp(b, &e->imps[i]);
	}
	buf_add_c(b, ']');
	key(b, &sep, "bidders");
	buf_add_c(b, '[');
	for (size_t i = 0; i < e->n_bidders; i++) {
		if (i)
			buf_add_c(b, ',');
		write_bidder(b, &e->bidders[i]);
	}
	buf_add(b, "]}", 2);
}

/* --- reading --- */

static int wrong(struct errtext *why, const char *where, const char *name, const char *wanted)
{
	size_t n = strlen(where);

	if (n && !*name)
		n--; /* the element itself: no dot behind it */
	errtext_set(why, "%.*s%s must be %s", (int)n, where, name, wanted);
	return ERR_INPUT;
}

/* An optional text of at most `max` bytes. */
static int get_str(const json_t *obj, const char *where, const char *name, size_t max, struct str *ret_s,
		   struct errtext *why)
{
	const json_t *v = json_object_get(obj, name);

	*ret_s = STR("");
	if (!v || json_is_null(v))
		return 0;
	if (!json_is_string(v))
		return wrong(why, where, name, "a string");
	if (json_string_length(v) > max) {
		errtext_set(why, "%s%s is longer than %zu bytes", where, name, max);
		return ERR_INPUT;
	}
	*ret_s = json_str(v);
	return 0;
}

static int get_required(const json_t *obj, const char *where, const char *name, size_t max, struct str *ret_s,
			struct errtext *why)
{
	int err = get_str(obj, where, name, max, ret_s, why);

	if (err == 0 && ret_s->n == 0)
		return wrong(why, where, name, "a non-empty string");
	return err;
}

/* An optional number, not negative. */
static int get_num(const json_t *obj, const char *where, const char *name, double fallback, double *ret_v,
		   struct errtext *why)
{
	const json_t *v = json_object_get(obj, name);

	if (!v || json_is_null(v)) {
		*ret_v = fallback;
		return 0;
	}
	if (!json_is_number(v) || !(json_number_value(v) >= 0))
		return wrong(why, where, name, "a number of at least 0");
	*ret_v = json_number_value(v);
	return 0;
}

static int get_bool(const json_t *obj, const char *where, const char *name, bool *ret_v, struct errtext *why)
{
	const json_t *v = json_object_get(obj, name);

	if (v && !json_is_boolean(v) && !json_is_null(v))
		return wrong(why, where, name, "true or false");
	*ret_v = json_is_true(v);
	return 0;
}

/* An optional array of at most `max` elements; NULL and 0 when it is missing. */
static int get_array(const json_t *obj, const char *where, const char *name, size_t max,
		     const json_t **ret_arr, size_t *ret_n, struct errtext *why)
{
	const json_t *v = json_object_get(obj, name);

	*ret_arr = NULL;
	*ret_n = 0;
	if (!v || json_is_null(v))
		return 0;
	if (!json_is_array(v))
		return wrong(why, where, name, "an array");
	if (json_array_size(v) > max) {
		errtext_set(why, "%s%s has more than %zu elements", where, name, max);
		return ERR_INPUT;
	}
	*ret_arr = v;
	*ret_n = json_array_size(v);
	return 0;
}

static int get_names(struct arena *a, const json_t *obj, const char *name, const struct str **ret_v,
		     size_t *ret_n, struct errtext *why)
{
	const json_t *arr;
	struct str *v;
	size_t n;
	int err = get_array(obj, "", name, IDR_MAX_BIDDERS, &arr, &n, why);

	if (err < 0)
		return err;
	v = ARENA_ARRAY(a, struct str, n);
	for (size_t i = 0; i < n; i++) {
		const json_t *e = json_array_get(arr, i);

		if (!json_is_string(e) || json_string_length(e) == 0 ||
		    json_string_length(e) > IDR_MAX_NAME_BYTES) {
			errtext_set(why, "%s[%zu] must be a string of 1 to %d bytes", name, i,
				    IDR_MAX_NAME_BYTES);
			return ERR_INPUT;
		}
		v[i] = json_str(e);
	}
	*ret_v = v;
	*ret_n = n;
	return 0;
}

static json_t *parse_object(struct arena *a, struct str text, struct errtext *why)
{
	json_t *j = arena_own_json(a, json_parse(text, why));

	if (j && !json_is_object(j)) {
		errtext_set(why, "the body must be a JSON object");
		return NULL;
	}
	return j;
}

int idr_wire_parse_route(struct arena *a, struct str text, struct idr_route_request *ret_r,
			 struct errtext *why)
{
	json_t *j = parse_object(a, text, why);
	struct idr_route_request r = { .bid_request = json_object_get(j, "bid_request"), .tree = j };
	int err;

	if (!j)
		return ERR_INPUT;
	if ((err = get_str(j, "", "auction_id", 256, &r.auction_id, why)) < 0 ||
	    (err = get_str(j, "", "publisher_id", 256, &r.publisher_id, why)) < 0 ||
	    (err = get_num(j, "", "ts", 0, &r.ts, why)) < 0 ||
	    (err = get_names(a, j, "configured_bidders", &r.bidders, &r.n_bidders, why)) < 0 ||
	    (err = get_bool(j, "", "scores", &r.scores, why)) < 0)
		return err;
	if (!json_is_object(r.bid_request))
		return wrong(why, "", "bid_request", "an object");
	*ret_r = r;
	return 0;
}

/* What PBS wants of a score; the rest is shown to people from the reply's text. */
static void read_scores(struct arena *a, const json_t *j, struct idr_route_reply *r)
{
	const json_t *arr = json_object_get(j, "all_scores");
	size_t n = json_array_size(arr) < IDR_MAX_BIDDERS ? json_array_size(arr) : IDR_MAX_BIDDERS;
	struct idr_score *scores = ARENA_ARRAY(a, struct idr_score, n);

	for (size_t i = 0; i < n; i++) {
		const json_t *s = json_array_get(arr, i), *c = json_object_get(s, "components");

		scores[i] = (struct idr_score){
			.bidder = json_str_at(s, "bidder_code"),
			.total = json_num_at(s, "total_score", 0),
			.confidence = json_num_at(s, "confidence", 0),
			.reason = json_str_at(s, "reason"),
			.selected = json_bool_at(s, "selected", true),
			.probability = json_num_at(s, "probability", NAN),
			.expected_price = json_num_at(s, "expected_price", NAN),
			.marginal_value = json_num_at(s, "marginal_value", NAN),
			.value_score = json_num_at(s, "value_score", NAN),
			.alive = json_num_at(s, "alive", NAN),
			.rank = (int)json_num_at(s, "rank", 0),
			.level = json_str_at(s, "level"),
			.samples = json_num_at(s, "samples", NAN),
		};
		for (int k = 0; k < IDR_COMPONENTS; k++)
			scores[i].components[k] = json_num_at(c, idr_component_names[k], 0);
	}
	r->scores = scores;
	r->n_scores = n;
}

static void read_exclusions(struct arena *a, const json_t *j, struct idr_route_reply *r)
{
	const json_t *arr = json_object_get(j, "excluded");
	size_t n = json_array_size(arr) < IDR_MAX_BIDDERS ? json_array_size(arr) : IDR_MAX_BIDDERS;
	struct idr_exclusion *list = ARENA_ARRAY(a, struct idr_exclusion, n);

	for (size_t i = 0; i < n; i++) {
		list[i].bidder = json_str_at(json_array_get(arr, i), "bidder");
		list[i].reason = json_str_at(json_array_get(arr, i), "reason");
	}
	r->excluded = list;
	r->n_excluded = n;
}

int idr_wire_parse_reply(struct arena *a, struct str text, struct idr_route_reply *ret_r, struct errtext *why)
{
	const json_t *j = parse_object(a, text, why);
	struct idr_route_reply r = { 0 };
	int err;

	if (!j)
		return ERR_INPUT;
	if ((err = get_str(j, "", "auction_id", 256, &r.auction_id, why)) < 0 ||
	    (err = get_str(j, "", "mode", 32, &r.mode, why)) < 0 ||
	    (err = get_str(j, "", "error", 1024, &r.error, why)) < 0 ||
	    (err = get_num(j, "", "routing_time_ms", 0, &r.routing_time_ms, why)) < 0 ||
	    (err = get_num(j, "", "suggested_tmax", 0, &r.suggested_tmax, why)) < 0 ||
	    (err = get_bool(j, "", "control", &r.control, why)) < 0 ||
	    (err = get_names(a, j, "selected_bidders", &r.selected, &r.n_selected, why)) < 0)
		return err;
	read_exclusions(a, j, &r);
	read_scores(a, j, &r);
	*ret_r = r;
	return 0;
}

static int read_imps(struct arena *a, const json_t *j, struct idr_event *e, struct errtext *why)
{
	const json_t *arr;
	struct idr_event_imp *imps;
	int err = get_array(j, "", "imps", IDR_MAX_IMPS, &arr, &e->n_imps, why);

	if (err < 0)
		return err;
	imps = ARENA_ARRAY(a, struct idr_event_imp, e->n_imps);
	e->imps = imps;
	for (size_t i = 0; i < e->n_imps; i++) {
		const json_t *imp = json_array_get(arr, i);
		char where[32];

		snprintf(where, sizeof where, "imps[%zu].", i);
		if (!json_is_object(imp))
			return wrong(why, where, "", "an object");
		if ((err = get_str(imp, where, "id", 256, &imps[i].id, why)) < 0 ||
		    (err = get_str(imp, where, "ad_format", 32, &imps[i].format, why)) < 0 ||
		    (err = get_str(imp, where, "ad_size", 32, &imps[i].size, why)) < 0 ||
		    (err = get_str(imp, where, "position", 32, &imps[i].position, why)) < 0 ||
		    (err = get_str(imp, where, "floor_cur", 3, &imps[i].floor_cur, why)) < 0 ||
		    (err = get_num(imp, where, "floor", 0, &imps[i].floor, why)) < 0)
			return err;
	}
	return 0;
}

static int read_bids(struct arena *a, const json_t *j, const char *where, struct idr_event_bidder *b,
		     struct errtext *why)
{
	const json_t *arr;
	struct idr_event_bid *bids;
	int err = get_array(j, where, "bids", IDR_MAX_BIDS, &arr, &b->n_bids, why);

	if (err < 0)
		return err;
	bids = ARENA_ARRAY(a, struct idr_event_bid, b->n_bids);
	b->bids = bids;
	for (size_t i = 0; i < b->n_bids; i++) {
		const json_t *bid = json_array_get(arr, i);
		char at[64];

		snprintf(at, sizeof at, "%sbids[%zu].", where, i);
		if (!json_is_object(bid))
			return wrong(why, at, "", "an object");
		if ((err = get_str(bid, at, "imp", 256, &bids[i].imp, why)) < 0 ||
		    (err = get_str(bid, at, "cur", 3, &bids[i].cur, why)) < 0 ||
		    (err = get_num(bid, at, "cpm", 0, &bids[i].cpm, why)) < 0 ||
		    (err = get_bool(bid, at, "won", &bids[i].won, why)) < 0)
			return err;
	}
	return 0;
}

static int read_bidder(struct arena *a, const json_t *j, const char *where, struct idr_event_bidder *b,
		       struct errtext *why)
{
	struct str status;
	int err;

	if (!json_is_object(j))
		return wrong(why, where, "", "an object");
	if ((err = get_required(j, where, "bidder_code", IDR_MAX_NAME_BYTES, &b->code, why)) < 0 ||
	    (err = get_required(j, where, "status", 32, &status, why)) < 0 ||
	    (err = get_num(j, where, "response_time_ms", 0, &b->response_time_ms, why)) < 0 ||
	    (err = get_num(j, where, "routing_score", NAN, &b->score, why)) < 0 ||
	    (err = get_bool(j, where, "was_selected", &b->was_selected, why)) < 0)
		return err;
	for (b->status = 0; b->status < IDR_STATUSES; b->status++)
		if (str_eq(status, str_of(idr_status_names[b->status])))
			return read_bids(a, j, where, b, why);
	return wrong(why, where, "status", "one of bid, no_bid, timeout, error, not_called");
}

static int read_bidders(struct arena *a, const json_t *j, struct idr_event *e, struct errtext *why)
{
	const json_t *arr;
	struct idr_event_bidder *bidders;
	int err = get_array(j, "", "bidders", IDR_MAX_BIDDERS, &arr, &e->n_bidders, why);

	if (err < 0)
		return err;
	bidders = ARENA_ARRAY(a, struct idr_event_bidder, e->n_bidders);
	e->bidders = bidders;
	for (size_t i = 0; i < e->n_bidders && err == 0; i++) {
		char where[32];

		snprintf(where, sizeof where, "bidders[%zu].", i);
		err = read_bidder(a, json_array_get(arr, i), where, &bidders[i], why);
	}
	return err;
}

int idr_wire_read_event(struct arena *a, const json_t *j, struct idr_event *ret_e, struct errtext *why)
{
	struct idr_event e = { 0 };
	double configured;
	int err;

	if (!json_is_object(j)) {
		errtext_set(why, "an event must be a JSON object");
		return ERR_INPUT;
	}
	if ((err = get_required(j, "", "auction_id", 256, &e.auction_id, why)) < 0 ||
	    (err = get_str(j, "", "publisher_id", 256, &e.publisher_id, why)) < 0 ||
	    (err = get_str(j, "", "site", 256, &e.site, why)) < 0 ||
	    (err = get_str(j, "", "country", 8, &e.country, why)) < 0 ||
	    (err = get_str(j, "", "region", 32, &e.region, why)) < 0 ||
	    (err = get_str(j, "", "device_type", 32, &e.device_type, why)) < 0 ||
	    (err = get_str(j, "", "os", 64, &e.os, why)) < 0 ||
	    (err = get_str(j, "", "browser", 64, &e.browser, why)) < 0 ||
	    (err = get_str(j, "", "routing_mode", 32, &e.routing_mode, why)) < 0 ||
	    (err = get_num(j, "", "ts", 0, &e.ts, why)) < 0 ||
	    (err = get_num(j, "", "tmax", 0, &e.tmax, why)) < 0 ||
	    (err = get_str(j, "", "floors", 32, &e.floors, why)) < 0 ||
	    (err = get_num(j, "", "total_configured", 0, &configured, why)) < 0 ||
	    (err = get_names(a, j, "ids", &e.ids, &e.n_ids, why)) < 0)
		return err;
	e.total_configured = configured < 1e6 ? (size_t)configured : 0;
	if ((err = read_imps(a, j, &e, why)) < 0 || (err = read_bidders(a, j, &e, why)) < 0)
		return err;
	*ret_e = e;
	return 0;
}
