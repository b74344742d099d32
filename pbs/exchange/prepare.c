/* The ENRICH stage: the request is decoded and completed, and the answers that are stored instead of asked for
 * are fetched. */
#include <assert.h>

#include "common/err.h"
#include "common/json.h"
#include "common/mem.h"
#include "pbs/config.h"
#include "pbs/exchange/auction.h"
#include "pbs/exchange/privacy_stage.h"
#include "pbs/openrtb/convert.h"
#include "pbs/openrtb/enrich.h"
#include "pbs/openrtb/ext.h"
#include "pbs/openrtb/model.h"
#include "pbs/openrtb/report.h"

enum stage auction_refuse(struct auction *a)
{
	struct buf b;

	buf_init(&b, 1 << 20);
	report_body(&a->messages, &b);
	a->refusal = arena_str(a->arena, buf_str(&b));
	a->status = report_status(&a->messages);
	buf_deinit(&b);
	return STAGE_REPLY;
}

static int decode(struct auction *a)
{
	struct errtext why, where;
	json_t *decoded;

	if (json_array_size(json_object_get(a->request, "imp")) > a->config->max_imps)
		return refuse(&a->messages, "request.imp has %zu elements, at most %u are served",
			      json_array_size(json_object_get(a->request, "imp")), a->config->max_imps);
	decoded = arena_own_json(a->arena, ortb_decode(a->request, ORTB_BID_REQUEST, &why, &where));
	if (!decoded)
		return refuse(&a->messages, "%s (%s)", why.text, where.text);
	/* From here on the spine is ours: the caller's tree may be shared with stored data. */
	a->request = arena_own_json(a->arena, json_copy(decoded));
	if (convert_up(a->request, &a->messages) < 0)
		return ERR_INPUT;
	return ext_decode(a->request, &a->messages);
}

/* The account's targeting settings, where the request wants targeting but leaves them open. */
static void default_targeting(struct auction *a)
{
	json_t *prebid = json_at(a->request, "ext.prebid"), *wanted = json_object_get(prebid, "targeting");
	const json_t *account = json_object_get(a->account, "targeting");

	if (!json_is_object(wanted) || !json_is_object(account))
		return;
	prebid = json_own(json_own(a->request, "ext"), "prebid");
	json_object_set_new_nocheck(prebid, "targeting", json_merge_patch(account, wanted));
}

static int complete(struct auction *a)
{
	const struct pbs_config *c = a->config;
	struct enrich_rules rules = {
		.topics_domain = privacy_stage_may_enrich(a)
					 ? json_str_at(a->account, "privacy.privacysandbox.topicsdomain")
					 : STR(""),
		.default_integration = json_str_at(a->account, "default_integration"),
		.tmax_default_ms = c->tmax_default_ms,
		.auto_gen_source_tid = c->auto_gen_source_tid,
		.generate_request_id = c->generate_request_id,
		.used_stored_request = a->stored_ids.request.n > 0,
		.is_amp = a->front->entry == ADAPTER_AMP,
	};

	default_targeting(a);
	return enrich(a->request, &a->http, &rules, &a->x->rng, &a->messages);
}

/* --- stored responses --- */

static enum stage with_responses(struct auction *a)
{
	struct stored_responses *sr = &a->stored_responses;

	for (size_t i = 0; i < sr->n; i++)
		sr->list[i].body = a->lookup.items[i].value;
	return stored_responses_check(sr, &a->messages) < 0 ? auction_refuse(a) : STAGE_CHECK;
}

static void on_responses(struct stored_lookup *l)
{
	struct auction *a = container_of(l, struct auction, lookup);

	assert(a->stage == STAGE_ENRICH);
	auction_enter(a, with_responses(a));
}

static enum stage fetch_responses(struct auction *a)
{
	const struct stored_responses *sr = &a->stored_responses;
	struct stored_item *items = ARENA_ARRAY(a->arena, struct stored_item, sr->n);

	for (size_t i = 0; i < sr->n; i++)
		items[i] = (struct stored_item){ .kind = STORED_RESPONSE, .id = sr->list[i].id };
	a->lookup = (struct stored_lookup){
		.arena = a->arena, .items = items, .n_items = sr->n, .done = on_responses
	};
	return stored_fetch(a->x->stored, &a->lookup, auction_stored_timeout_ms(a)) ? with_responses(a)
										    : STAGE_WAIT;
}

enum stage auction_enrich(struct auction *a)
{
	if (decode(a) < 0 || complete(a) < 0 ||
	    stored_responses_collect(a->request, a->arena, &a->messages, &a->stored_responses) < 0)
		return auction_refuse(a);
	return a->stored_responses.n ? fetch_responses(a) : STAGE_CHECK;
}
