#include "pbs/exchange/fanout.h"

#include <assert.h>
#include <stdlib.h>

#include "common/err.h"
#include "common/http_client.h"
#include "common/json.h"
#include "common/mem.h"
#include "common/rate_limit.h"
#include "pbs/adapters/capabilities.h"
#include "pbs/config.h"
#include "pbs/exchange/auction.h"
#include "pbs/exchange/tally.h"
#include "pbs/exchange/throttle.h"
#include "pbs/metrics.h"

/* A reply that comes while the deadline is being handled must not race it: libcurl gets a little longer than
 * the auction waits, so that the auction's own timer decides. */
enum { CURL_SLACK_MS = 200, MAX_BODY_BYTES = 4 << 20, MAX_PIECES = 48 };

/* --- building --- */

static void file_errors(struct bidder_run *run, const struct adapter_errors *errors)
{
	for (const struct adapter_error *e = errors->first; e; e = e->next)
		messages_add(&run->a->messages, e->warning ? MESSAGE_WARNING : MESSAGE_ERROR,
			     run->candidate->name, e->code, "%s", e->text);
}

static void nonbid_for_call(const struct bidder_call *call, enum nonbid code)
{
	struct auction *a = call->run->a;

	for (size_t i = 0; i < call->sent->n_imp_ids; i++)
		nonbid_add(&a->nonbids, call->run->candidate->name,
			   auction_imp_index(a, call->sent->imp_ids[i]), code);
}

static bool is_in_request(const struct bidder_run *run, struct str imp_id)
{
	const json_t *imps = json_object_get(run->split.request, "imp"), *imp;
	size_t i;

	json_array_foreach (imps, i, imp)
		if (str_eq(json_str(json_object_get(imp, "id")), imp_id))
			return true;
	return false;
}

static bool is_in_call(const struct bidder_run *run, struct str imp_id)
{
	for (const struct adapter_call *sent = run->made.first; sent; sent = sent->next)
		for (size_t i = 0; i < sent->n_imp_ids; i++)
			if (str_eq(sent->imp_ids[i], imp_id))
				return true;
	return false;
}

/* The imps of a run that did not get as far as they should: their pairs were never asked. */
static void nonbid_for_left_out(struct bidder_run *run, enum nonbid code,
				bool (*got_through)(const struct bidder_run *run, struct str imp_id))
{
	for (size_t i = 0; i < run->split.n_imps; i++)
		if (!got_through(run, run->split.imp_ids[i]))
			nonbid_add(&run->a->nonbids, run->candidate->name,
				   auction_imp_index(run->a, run->split.imp_ids[i]), code);
}

static bool none_got_through(const struct bidder_run *run, struct str imp_id)
{
	(void)run;
	(void)imp_id;
	return false;
}

static void add_header(struct bidder_call *call, struct str name, struct str value)
{
	call->headers[call->n_headers++] = (struct http_header){ name, value };
}

/* The adapter's headers, X-Prebid (who we are and which integration asked), the caller's Sec-GPC, and the trace where the
 * host wants this bidder to know it: bidders could tell by it that two of them see the same auction. */
static void build_headers(struct bidder_call *call)
{
	struct auction *a = call->run->a;
	struct str traceparent = STR("");
	size_t n = 3;

	if (a->times || call->run->candidate->bidder->info.traceparent)
		traceparent = auction_traceparent(a, &call->span);
	for (const struct adapter_header *h = call->sent->headers; h; h = h->next)
		n++;
	call->headers = ARENA_ARRAY(a->arena, struct http_header, n);
	for (const struct adapter_header *h = call->sent->headers; h; h = h->next)
		add_header(call, str_of(h->name), h->value);
	add_header(call, STR("X-Prebid"), a->x_prebid);
	if (str_eq(a->http.sec_gpc, STR("1")))
		add_header(call, STR("Sec-GPC"), STR("1"));
	if (traceparent.n && call->run->candidate->bidder->info.traceparent)
		add_header(call, STR("traceparent"), traceparent);
}

/* The one media type that an imp keeps for a bidder that takes only one: the request's word, else the
 * account's. */
static struct str preferred_media(const struct bidder_run *run)
{
	const struct auction *a = run->a;
	const json_t *controls = json_at(a->request, "ext.prebid.biddercontrols");
	struct str name = run->candidate->name, core = str_of(run->candidate->bidder->bidder.name);
	struct str type = json_str_at(json_object_getn(controls, name.p, name.n), "prefmtype");
	const json_t *account = json_object_get(a->account, "preferredmediatype");

	if (!type.n)
		type = json_str(json_object_getn(account, name.p, name.n));
	return type.n ? type : json_str(json_object_getn(account, core.p, core.n));
}

void fanout_prepare(struct bidder_run *run)
{
	struct auction *a = run->a;
	const struct registry_bidder *bidder = run->candidate->bidder;
	struct bidder_call *call;

	adapter_calls_init(&run->made, a->arena);
	run->request.root = run->split.request;
	if (capabilities_apply(run->split.request, &bidder->info, preferred_media(run), &run->made.errors)) {
		nonbid_for_left_out(run, NONBID_BLOCKED_MEDIA, is_in_request);
		bidder->bidder.adapter->make_requests(&run->request, &run->made);
	} else {
		nonbid_for_left_out(run, NONBID_BLOCKED_MEDIA, none_got_through);
	}
	if (run->made.n == 0 && !run->made.errors.first)
		adapter_error(&run->made.errors, ADAPTER_FAILED_TO_REQUEST,
			      "The adapter failed to generate any bid requests, but also failed to generate "
			      "an error "
			      "explaining why");
	file_errors(run, &run->made.errors);
	nonbid_for_left_out(run, NONBID_BLOCKED, is_in_call);
	if (run->made.n == 0) {
		run->outcome = OUTCOME_ERROR;
		return;
	}
	run->calls = ARENA_ARRAY(a->arena, struct bidder_call, run->made.n);
	call = run->calls;
	for (struct adapter_call *sent = run->made.first; sent; sent = sent->next, call++) {
		*call = (struct bidder_call){ .run = run, .sent = sent };
		call->url = arena_str(a->arena, sent->uri).p;
		build_headers(call);
		if (a->debug && !bidder->info.debug_allow)
			messages_add(&a->messages, MESSAGE_WARNING, run->candidate->name,
				     WARN_BIDDER_DEBUG_OFF, "debug turned off for bidder");
	}
	run->n_calls = run->made.n;
}

/* --- serialising --- */

static void free_body(void *c)
{
	struct bidder_call *call = c;

	buf_deinit(&call->bytes);
}

struct pieces {
	struct json_piece list[MAX_PIECES];
	size_t n;
};

static void add_piece(struct pieces *p, struct arena *arena, const json_t *node)
{
	struct buf b;

	if (p->n == MAX_PIECES || !node || (!json_is_object(node) && !json_is_array(node)))
		return;
	buf_init(&b, MAX_BODY_BYTES);
	json_write(&b, node);
	p->list[p->n++] = (struct json_piece){ node, arena_str(arena, buf_str(&b)) };
	buf_deinit(&b);
}

static void add_member_pieces(struct pieces *p, struct arena *arena, const json_t *obj)
{
	for (void *it = json_object_iter((json_t *)(uintptr_t)obj); it;
	     it = json_object_iter_next((json_t *)(uintptr_t)obj, it))
		add_piece(p, arena, json_object_iter_value(it));
}

/* Bidders' requests differ in few places: what they share with the auction's request is written once and
 * spliced into each of them. Of user, source and imps the bidder often has its own, of their members seldom.
 */
static void make_pieces(struct pieces *p, const struct auction *a)
{
	static const char *const whole[] = { "site", "app", "dooh", "device", "regs" };
	static const char *const members[] = { "user", "source" };
	const json_t *imps = json_object_get(a->request, "imp");

	for (size_t i = 0; i < ARRAY_LEN(whole); i++)
		add_piece(p, a->arena, json_object_get(a->request, whole[i]));
	for (size_t i = 0; i < ARRAY_LEN(members); i++)
		add_member_pieces(p, a->arena, json_object_get(a->request, members[i]));
	for (size_t i = 0; i < a->n_imps; i++) {
		const json_t *imp = json_array_get(imps, i);

		add_piece(p, a->arena, json_object_get(imp, "banner"));
		add_piece(p, a->arena, json_object_get(imp, "video"));
		add_piece(p, a->arena, json_object_get(imp, "native"));
		add_piece(p, a->arena, json_object_get(imp, "audio"));
	}
}

static void serialise(struct bidder_call *call, const struct pieces *p)
{
	if (!call->sent->body) {
		call->body = call->sent->bytes;
		return;
	}
	buf_init(&call->bytes, MAX_BODY_BYTES);
	json_write_spliced(&call->bytes, call->sent->body, p->list, p->n);
	call->body = buf_str(&call->bytes);
	arena_defer(call->run->a->arena, free_body, call);
}

/* --- settling --- */

static void end_open(struct auction *a, void (*end)(struct bidder_call *call));
static void leave_behind(struct bidder_call *call);

/* The one place where a call ends. After the last one the auction may be gone. */
static void settle(struct bidder_call *call)
{
	struct bidder_run *run = call->run;
	struct auction *a = run->a;
	bool primary = !run->secondary;

	assert(call->open);
	call->open = false;
	call->ended_us = loop_now_us(a->x->loop);
	if (!a->debug)
		free_body(
			call); /* thousands may be open: what was sent is not kept while others are awaited */
	a->calls_open--;
	a->primaries_open -= primary;
	if (--run->open == 0)
		run->response_ms = (uint32_t)((loop_now_us(a->x->loop) - run->started_us) / 1000);
	if (a->calls_open > 0) {
		if (primary && a->primaries_open == 0)
			end_open(a, leave_behind);
		return;
	}
	loop_timer_cancel(a->x->loop, &a->deadline);
	auction_enter(a, STAGE_JUDGE);
}

static void fail_call(struct bidder_call *call, enum bidder_outcome outcome, int code, enum nonbid status,
		      const char *text)
{
	struct bidder_run *run = call->run;

	if (run->outcome != OUTCOME_BID)
		run->outcome = outcome;
	messages_add(&run->a->messages, MESSAGE_ERROR, run->candidate->name, code, "%s", text);
	nonbid_for_call(call, status);
}

/* Network outcomes: what each means to the client. Source: Prebid Server's exchange. A deadline that passes
 * while the body is read counts as a timeout like any other. */
static const struct {
	int err;
	enum bidder_outcome outcome;
	int code;
	enum nonbid status;
	const char *text; /* NULL: libcurl's words */
} failures[] = {
	{ ERR_TIMEOUT, OUTCOME_TIMEOUT, ERROR_TIMEOUT, NONBID_TIMEOUT, "context deadline exceeded" },
	{ ERR_UNREACHABLE, OUTCOME_ERROR, ERROR_PLAIN, NONBID_UNREACHABLE, NULL },
	{ ERR_LIMIT, OUTCOME_ERROR, ERROR_BAD_SERVER_RESPONSE, NONBID_ERROR,
	  "the bidder's response is too large" },
	{ ERR_UPSTREAM, OUTCOME_ERROR, ERROR_PLAIN, NONBID_ERROR, NULL },
	{ 0, OUTCOME_ERROR, ERROR_PLAIN, NONBID_ERROR, NULL },
};

static void note(const struct bidder_call *call, bool failed)
{
	const struct exchange *x = call->run->a->x;

	if (x->throttle)
		throttle_note(x->throttle, call->run->candidate->bidder->number, failed);
}

static void network_failure(struct bidder_call *call, int err, const char *words)
{
	size_t i = 0;

	note(call, true);
	while (failures[i].err && failures[i].err != err)
		i++;
	if (!words)
		words = err_name(err);
	fail_call(call, failures[i].outcome, failures[i].code, failures[i].status,
		  failures[i].text ? failures[i].text
				   : arena_printf(call->run->a->arena, "Post \"%s\": %s", call->url, words));
}

const struct bidder_reply *fanout_parse(struct bidder_call *call, struct adapter_reply *in)
{
	struct bidder_run *run = call->run;
	struct auction *a = run->a;
	struct bidder_reply *parsed = ARENA_NEW(a->arena, struct bidder_reply);

	in->json = in->bytes.n ? arena_own_json(a->arena, json_parse(in->bytes, NULL)) : NULL;
	adapter_bids_init(&parsed->bids, a->arena);
	run->candidate->bidder->bidder.adapter->parse_bids(&run->request, call->sent, in, &parsed->bids);
	file_errors(run, &parsed->bids.errors);
	if (parsed->bids.n > 0) {
		run->outcome = OUTCOME_BID;
	} else if (parsed->bids.errors.first && run->outcome != OUTCOME_BID) {
		run->outcome = OUTCOME_ERROR;
		nonbid_for_call(call, NONBID_INVALID_RESPONSE);
	}
	parsed->next = NULL;
	*run->replies_tail = parsed;
	run->replies_tail = &parsed->next;
	return parsed;
}

static void on_bidder_reply(struct http_call *http, const struct http_call_reply *reply)
{
	struct bidder_call *call = container_of(http, struct bidder_call, http);
	struct auction *a = call->run->a;
	struct adapter_reply in = { .status = reply->status, .bytes = reply->body };

	assert(a->stage == STAGE_BID);
	tally_call(call, reply);
	call->status = reply->status;
	if (a->debug && reply->body.n)
		call->reply = arena_str(a->arena, reply->body);
	if (!reply->err)
		note(call, reply->status >= 500);
	if (reply->err)
		network_failure(call, reply->err, reply->error_text);
	else if (reply->status < 200 || reply->status >= 400)
		fail_call(call, OUTCOME_ERROR, ERROR_BAD_SERVER_RESPONSE, NONBID_ERROR,
			  arena_printf(a->arena,
				       "Server responded with failure status: %d. Set request.test = 1 for "
				       "debugging info.",
				       reply->status));
	else
		fanout_parse(call, &in);
	settle(call);
}

/* Cancels what is still open, so that late replies meet nobody; `end` says why. The last call that ends may end the
 * auction with it: `open` keeps us from looking again. */
static void end_open(struct auction *a, void (*end)(struct bidder_call *call))
{
	size_t open = a->calls_open;

	/* The last primary that ends here leaves nobody behind: that would end the auction under our feet. */
	a->primaries_open++;
	for (size_t r = 0; open > 0 && r < a->n_runs; r++)
		for (size_t i = 0; open > 0 && i < a->runs[r].n_calls; i++) {
			struct bidder_call *call = &a->runs[r].calls[i];

			if (!call->open)
				continue;
			open--;
			http_client_cancel(a->x->http, &call->http);
			end(call);
			settle(call);
		}
}

static void time_out(struct bidder_call *call)
{
	network_failure(call, ERR_TIMEOUT, NULL);
}

static void on_deadline(struct loop_timer *t)
{
	end_open(container_of(t, struct auction, deadline), time_out);
}

/* All the bidders that the page waits for have answered. Being slower than them is no failure of the bidder's, so it is
 * not noted as one. */
static void leave_behind(struct bidder_call *call)
{
	struct bidder_run *run = call->run;

	run->left_behind = true;
	if (run->outcome != OUTCOME_BID)
		run->outcome = OUTCOME_TIMEOUT;
	messages_add(&run->a->messages, MESSAGE_WARNING, run->candidate->name, ERROR_TIMEOUT,
		     "secondary bidder timed out, auction proceeded");
	nonbid_for_call(call, NONBID_TIMEOUT);
}

/* --- sending --- */

static void send_call(struct bidder_call *call, uint32_t timeout_ms)
{
	struct bidder_run *run = call->run;
	const struct registry_bidder *bidder = run->candidate->bidder;
	struct http_call_request req = {
		.method = "POST",
		.url = call->url,
		.headers = call->headers,
		.n_headers = call->n_headers,
		.body = call->body,
		.gzip = bidder->info.gzip,
		.follow_redirects = true,
		.deny_private_addresses = bidder->bidder.public_only,
		.max_reply_bytes = run->a->config->max_bidder_reply_bytes,
		.timeout_ms = timeout_ms,
		.affinity = str_hash(str_of(bidder->bidder.name)),
	};
	int err;

	call->http.done = on_bidder_reply;
	err = http_client_start(run->a->x->http, &call->http, &req);
	if (err == 0) {
		call->open = true;
		run->open++;
		run->a->calls_open++;
		run->a->primaries_open += !run->secondary;
	} else {
		network_failure(call, err,
				err == ERR_LIMIT    ? "too many calls are under way"
				: err == ERR_DENIED ? "its address must not be a private one"
						    : "the URL cannot be used");
	}
}

static uint64_t ms_left(const struct auction *a)
{
	uint64_t now = loop_now_ms(a->x->loop);

	return a->bid_deadline_ms > now ? a->bid_deadline_ms - now : 0;
}

/* A bidder that is spared: told, but not counted as a failure of its own. */
static bool is_throttled(struct bidder_call *call)
{
	struct bidder_run *run = call->run;
	struct exchange *x = run->a->x;

	if (!x->throttle || !throttle_skips(x->throttle, run->candidate->bidder->number, &x->rng))
		return false;
	metrics_inc(x->metrics, M_THROTTLED);
	metrics_inc(x->metrics, M_ADAPTER_THROTTLED, run->candidate->bidder->number);
	if (run->a->config->throttling_simulated)
		return false;
	messages_add(&run->a->messages, MESSAGE_WARNING, run->candidate->name, ERROR_THROTTLED,
		     "Bidder " STR_FMT " is temporarily throttled", STR_ARG(run->candidate->name));
	nonbid_for_call(call, NONBID_ERROR);
	run->n_spared++;
	return true;
}

/* More calls in a second than the bidder takes, from all workers together. Beyond an even pace, a tenth of a
 * second's calls may come at once. */
static bool is_over_qps(struct bidder_call *call)
{
	struct bidder_run *run = call->run;
	struct exchange *x = run->a->x;
	const struct registry_bidder *bidder = run->candidate->bidder;
	uint32_t qps = bidder->info.limits.qps, wait_ms;
	struct rate_limit_rule rule = { .per_second = qps, .burst = qps / 10.0 };

	if (qps == 0 || rate_limit_take(x->bidder_rates, str_hash(str_of(bidder->bidder.name)), &rule,
					loop_now_us(x->loop), &wait_ms))
		return false;
	metrics_inc(x->metrics, M_LIMITED, bidder->number, LIMIT_QPS);
	messages_add(&run->a->messages, MESSAGE_WARNING, run->candidate->name, WARN_LIMITED,
		     "Bidder " STR_FMT " is limited to %u calls per second", STR_ARG(run->candidate->name),
		     qps);
	nonbid_for_call(call, NONBID_BLOCKED);
	run->n_spared++;
	return true;
}

static bool may_send(struct bidder_call *call, uint64_t left_ms)
{
	const struct pbs_config *c = call->run->a->config;
	struct split_tmax tmax = {
		.adjustments_enabled = c->tmax_enforced,
		.bidder_min_ms = c->bidder_min_ms,
		.network_buffer_ms =
			c->bidder_network_buffer_ms + call->run->candidate->bidder->info.tmax_deduction_ms,
		.preparation_ms = c->response_preparation_ms,
	};

	if (split_tmax_is_too_short(&tmax, (int64_t)left_ms)) {
		call->run->n_late++;
		fail_call(call, OUTCOME_TIMEOUT, ERROR_TMAX_TOO_SHORT, NONBID_ERROR,
			  "exceeded tmax duration");
		return false;
	}
	if (left_ms == 0) {
		call->run->n_late++;
		network_failure(call, ERR_TIMEOUT, NULL);
		return false;
	}
	return !is_throttled(call) && !is_over_qps(call);
}

bool fanout_start(struct auction *a)
{
	uint64_t left = ms_left(a);
	struct pieces pieces = { .n = 0 };

	if (a->n_runs > 1)
		make_pieces(&pieces, a);
	for (size_t r = 0; r < a->n_runs; r++) {
		struct bidder_run *run = &a->runs[r];

		run->started_us = loop_now_us(a->x->loop);
		for (size_t i = 0; i < run->n_calls; i++) {
			if (!may_send(&run->calls[i], left))
				continue;
			serialise(&run->calls[i], &pieces);
			send_call(&run->calls[i], (uint32_t)left + CURL_SLACK_MS);
		}
	}
	if (a->calls_open == 0)
		return false;
	loop_timer_start(a->x->loop, &a->deadline, left, on_deadline);
	return true;
}
