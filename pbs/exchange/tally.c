#include "pbs/exchange/tally.h"

#include "common/clock.h"
#include "common/err.h"
#include "common/json.h"
#include "common/mem.h"
#include "pbs/adapters/registry.h"
#include "pbs/bidders.h"
#include "pbs/metrics.h"
#include "pbs/privacy/verdict.h"
#include "pbs/usersync/syncer.h"
#include "pbs/usersync/uids.h"

enum { PRICE_SCALE = 1000 };

/* --- the request --- */

static enum prebid_request_type type_of(const struct auction *a)
{
	if (a->front->entry == ADAPTER_AMP)
		return TYPE_AMP;
	if (a->front->entry == ADAPTER_VIDEO)
		return TYPE_VIDEO;
	if (json_object_get(a->request, "app"))
		return TYPE_APP;
	return json_object_get(a->request, "dooh") ? TYPE_DOOH : TYPE_WEB;
}

/* The first message that says more than "bad input" decides. */
static enum prebid_request_status status_of(const struct auction *a)
{
	static const struct {
		int code;
		enum prebid_request_status status;
	} codes[] = {
		{ ERROR_BLOCKED_APP, REQUEST_BLOCKED_APP },
		{ ERROR_ACCOUNT_DISABLED, REQUEST_ACCOUNT_CONFIG_ERR },
		{ ERROR_MALFORMED_ACCOUNT, REQUEST_ACCOUNT_CONFIG_ERR },
	};

	if (!a->refusal.p)
		return REQUEST_OK;
	for (const struct message_bucket *b = a->messages.buckets; b; b = b->next)
		for (const struct message *m = b->first; m; m = m->next)
			for (size_t i = 0; i < ARRAY_LEN(codes); i++)
				if (m->kind == MESSAGE_ERROR && m->code == codes[i].code)
					return codes[i].status;
	return a->status >= 500 ? REQUEST_ERR : REQUEST_BAD_INPUT;
}

static bool has_cookie(const struct auction *a)
{
	return a->uids && a->uids->n > 0;
}

static void tally_request(const struct auction *a, enum prebid_request_type type)
{
	struct metrics *m = a->x->metrics;

	metrics_inc(m, M_OPENRTB_REQUESTS, type, status_of(a));
	if (type != TYPE_AMP)
		metrics_observe(m, M_REQUEST_SIZE, (double)a->body.n,
				type == TYPE_VIDEO ? SIZE_VIDEO : SIZE_AUCTION);
	if (!has_cookie(a) && type != TYPE_APP && type != TYPE_DOOH)
		metrics_inc(m, M_NO_COOKIE, type);
}

static void tally_imps(const struct auction *a)
{
	const json_t *imp;
	size_t i;

	metrics_add(a->x->metrics, M_IMPS, a->n_imps);
	json_array_foreach (json_object_get(a->request, "imp"), i, imp)
		metrics_inc(a->x->metrics, M_IMPRESSIONS, json_object_get(imp, "banner") != NULL,
			    json_object_get(imp, "video") != NULL, json_object_get(imp, "audio") != NULL,
			    json_object_get(imp, "native") != NULL);
}

static void tally_account(const struct auction *a, unsigned account)
{
	struct metrics *m = a->x->metrics;
	bool stored = a->stored_responses.is_auction;

	for (size_t i = 0; !stored && i < a->n_runs; i++)
		stored = a->runs[i].n_stored > 0;
	metrics_inc(m, M_ACCOUNT_REQUESTS, account);
	if (a->debug) {
		metrics_inc(m, M_DEBUG_REQUESTS);
		metrics_inc(m, M_ACCOUNT_DEBUG, account);
	}
	if (stored) {
		metrics_inc(m, M_STORED_RESPONSES);
		metrics_inc(m, M_ACCOUNT_STORED, account);
	}
}

static void tally_privacy(const struct auction *a)
{
	const struct privacy *p = a->privacy;
	struct metrics *m = a->x->metrics;

	if (a->us_privacy.n)
		metrics_inc(m, M_PRIVACY_CCPA, 0, p->us_opt_out);
	if (p->coppa)
		metrics_inc(m, M_PRIVACY_COPPA, 0);
	if (p->lmt)
		metrics_inc(m, M_PRIVACY_LMT, 0);
	if (p->gdpr_applies && p->consent_state != CONSENT_UNREAD && p->consent_state != CONSENT_MISSING)
		metrics_inc(m, M_PRIVACY_TCF, p->consent_state == CONSENT_INVALID ? TCF_ERR : TCF_V2, 0);
}

static void tally_times(const struct auction *a, enum prebid_request_type type)
{
	struct metrics *m = a->x->metrics;
	uint64_t now = clock_mono_us();

	metrics_observe(m, M_OPENRTB_TIME, (double)(now - a->started_us) * 1e-6, type);
	if (a->bid_us) {
		metrics_observe(m, M_OVERHEAD, (double)(a->bid_us - a->started_us) * 1e-6,
				OVERHEAD_PRE_BIDDER);
		metrics_observe(m, M_OVERHEAD, (double)(a->sent_us - a->bid_us) * 1e-6,
				OVERHEAD_MAKE_REQUESTS);
	}
	if (a->judge_us)
		metrics_observe(m, M_OVERHEAD, (double)(now - a->judge_us) * 1e-6, OVERHEAD_MAKE_RESPONSE);
}

static void tally_router(const struct auction *a)
{
	static const unsigned results[UNROUTED_VALUES] = {
		[ROUTED] = M_MODULE_NOOPS,
		[UNROUTED_BREAKER] = M_MODULE_FAILED,
		[UNROUTED_TIMEOUT] = M_MODULE_TIMEOUTS,
		[UNROUTED_ERROR] = M_MODULE_ERRORS,
		[UNROUTED_INVALID] = M_MODULE_ERRORS,
	};
	struct metrics *m = a->x->metrics;
	unsigned result = results[a->unrouted];

	if (a->unrouted == UNROUTED_DISABLED || a->unrouted == UNROUTED_NOBODY)
		return;
	for (size_t i = 0; a->unrouted == ROUTED && i < a->n_candidates; i++)
		if (!a->candidates[i].blocked && !a->candidates[i].selected)
			result = M_MODULE_UPDATES;
	metrics_inc(m, M_MODULE_CALLED, 0);
	metrics_inc(m, result, 0);
	metrics_observe(m, M_MODULE_TIME, a->route_us * 1e-6, 0);
}

/* --- bidders --- */

static unsigned error_of(int code)
{
	switch (code) {
	case ERROR_TIMEOUT: return ADAPTER_ERROR_TIMEOUT;
	case ERROR_BAD_INPUT: return ADAPTER_ERROR_BAD_INPUT;
	case ERROR_BAD_SERVER_RESPONSE: return ADAPTER_ERROR_BAD_SERVER_RESPONSE;
	case ERROR_NO_REQUESTS: return ADAPTER_ERROR_FAILED_TO_REQUEST;
	case ERROR_TMAX_TOO_SHORT: return ADAPTER_ERROR_TMAX;
	default: return ADAPTER_ERROR_UNKNOWN;
	}
}

/* The kinds of errors that were filed for a bidder, as a set. */
static unsigned errors_of(const struct auction *a, struct str bidder)
{
	unsigned set = 0;

	for (const struct message_bucket *b = a->messages.buckets; b; b = b->next)
		for (const struct message *m = b->first; m && str_eq(b->name, bidder); m = m->next)
			if (m->kind == MESSAGE_ERROR)
				set |= 1u << error_of(m->code);
	return set;
}

static unsigned cookie_of(const struct auction *a, const struct registry_bidder *b)
{
	const struct syncer *s = syncers_find(a->bidders->syncers, str_of(b->bidder.name));

	if (json_object_get(a->request, "app"))
		return COOKIE_UNKNOWN;
	return s && a->uids && uids_find(a->uids, s->key) ? COOKIE_EXISTS : COOKIE_NO;
}

static void tally_run(const struct bidder_run *run)
{
	const struct auction *a = run->a;
	const struct registry_bidder *b = run->candidate->bidder;
	struct metrics *m = a->x->metrics;
	unsigned errors = errors_of(a, run->candidate->name);

	if (run->n_calls && run->n_calls == run->n_spared)
		return;
	metrics_inc(m, M_BIDDER_CALLS, b->number, run->outcome);
	metrics_inc(m, M_ADAPTER_REQUESTS, b->number, cookie_of(a, b), run->outcome == OUTCOME_BID);
	for (unsigned e = 0; e < ADAPTER_ERROR_VALUES; e++)
		if (errors >> e & 1)
			metrics_inc(m, M_ADAPTER_ERRORS, b->number, e);
	if (errors >> ADAPTER_ERROR_TMAX & 1)
		metrics_inc(m, M_TMAX_TIMEOUT);
	if (run->n_calls)
		metrics_observe(m, M_BIDDER_TIME, run->response_ms / 1000.0, b->number);
	if (run->n_calls && !errors)
		metrics_observe(m, M_ADAPTER_TIME, run->response_ms / 1000.0, b->number);
}

static void tally_bid(const struct auction *a, const struct bid *bid)
{
	const struct registry_bidder *b = registry_find(a->bidders->registry, bid->core);
	struct metrics *m = a->x->metrics;

	if (!b)
		return;
	metrics_inc(m, M_BIDS, b->number);
	metrics_inc(m, M_ADAPTER_BIDS, b->number,
		    json_str_at(bid->ortb, "adm").n ? DELIVERY_ADM : DELIVERY_NURL);
	metrics_observe(m, M_ADAPTER_PRICES, bid->price * PRICE_SCALE, b->number);
}

static void tally_bidders(const struct auction *a)
{
	struct metrics *m = a->x->metrics;

	for (size_t i = 0; i < a->n_candidates; i++) {
		const struct privacy_verdict *v = &a->privacy->bidders[i];
		unsigned number = a->candidates[i].bidder->number;

		if (v->rules >> PRIVACY_GDPR_CALL & 1)
			metrics_inc(m, M_ADAPTER_GDPR, number);
		if (v->scrub & SCRUB_USER_IDS && cookie_of(a, a->candidates[i].bidder) == COOKIE_EXISTS)
			metrics_inc(m, M_ADAPTER_SCRUBBED, number);
	}
	for (size_t i = 0; i < a->n_runs; i++)
		tally_run(&a->runs[i]);
	for (size_t s = 0; s < a->seats.n; s++)
		for (size_t i = 0; i < a->seats.seats[s]->n_bids; i++)
			tally_bid(a, a->seats.seats[s]->bids[i]);
}

static unsigned account_of(const struct auction *a)
{
	return pbs_metrics_account(a->account_is_known ? a->account_id : STR(""));
}

void tally_creative(void *auction, const struct bid *bid, enum creative_finding what)
{
	static const unsigned metrics[CREATIVE_FINDINGS][2] = {
		[CREATIVE_SIZE_REJECTED] = { M_ADAPTER_SIZE_ERR, M_ACCOUNT_SIZE_ERR },
		[CREATIVE_SIZE_WARNED] = { M_ADAPTER_SIZE_WARN, M_ACCOUNT_SIZE_WARN },
		[CREATIVE_INSECURE_REJECTED] = { M_ADAPTER_SECURE_ERR, M_ACCOUNT_SECURE_ERR },
		[CREATIVE_INSECURE_WARNED] = { M_ADAPTER_SECURE_WARN, M_ACCOUNT_SECURE_WARN },
	};
	const struct auction *a = auction;
	const struct registry_bidder *b = registry_find(a->bidders->registry, bid->core);

	if (b)
		metrics_inc(a->x->metrics, metrics[what][0], b->number, 0);
	metrics_inc(a->x->metrics, metrics[what][1], account_of(a), 0);
}

void tally_auction(const struct auction *a)
{
	enum prebid_request_type type = type_of(a);

	tally_request(a, type);
	if (a->refusal.p)
		return;
	tally_imps(a);
	tally_account(a, account_of(a));
	if (a->privacy) {
		tally_privacy(a);
		tally_bidders(a);
		tally_router(a);
	}
	tally_times(a, type);
}

void tally_refused(const struct auction *a, int status)
{
	metrics_inc(a->x->metrics, M_OPENRTB_REQUESTS, type_of(a),
		    status >= 500 ? REQUEST_ERR : REQUEST_BAD_INPUT);
}

/* --- calls --- */

void tally_call(const struct bidder_call *call, const struct http_call_reply *reply)
{
	struct metrics *m = call->run->a->x->metrics;
	unsigned number = call->run->candidate->bidder->number;

	if (reply->reused_connection && !reply->err) {
		metrics_inc(m, M_ADAPTER_REUSED, number);
	} else if (reply->connect_us) {
		metrics_inc(m, M_ADAPTER_CREATED, number);
		metrics_observe(m, M_ADAPTER_DIAL_TIME, (double)reply->connect_us * 1e-6, number);
		metrics_observe(m, M_DNS_TIME, (double)reply->lookup_us * 1e-6);
		if (reply->tls_us)
			metrics_observe(m, M_TLS_TIME, (double)reply->tls_us * 1e-6);
	} else if (reply->err) {
		metrics_inc(m, M_ADAPTER_DIAL_ERRORS, number);
	}
	if (reply->err)
		return;
	metrics_observe(m, M_ADAPTER_WAIT, (double)reply->connect_us * 1e-6, number);
	metrics_observe(m, M_SERVER_TIME, (double)reply->first_byte_us * 1e-6);
}
