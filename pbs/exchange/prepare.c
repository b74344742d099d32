/* The ENRICH stage: the request is decoded and completed, and the answers that are stored instead of asked for
 * are fetched. */
#include <assert.h>

#include "common/err.h"
#include "common/json.h"
#include "common/log.h"
#include "common/mem.h"
#include "pbs/config.h"
#include "pbs/exchange/auction.h"
#include "pbs/exchange/categories.h"
#include "pbs/exchange/privacy_stage.h"
#include "pbs/openrtb/convert.h"
#include "pbs/openrtb/enrich.h"
#include "pbs/openrtb/ext.h"
#include "pbs/openrtb/model.h"
#include "pbs/openrtb/report.h"
#include "pbs/privacy/config.h"

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

	if (auction_check_imp_count(a, a->request) < 0)
		return ERR_INPUT;
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
		.private_nets = a->privacy_host->private_nets,
		.n_private_nets = a->privacy_host->n_private_nets,
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

/* --- stored responses and the ad server's categories --- */

static void take_mapping(struct auction *a, const struct stored_item *item)
{
	a->category_mapping = item->value;
	if (!item->value && *a->lookup.problem.text)
		log_limited(LOG_WARN, "category_mapping_failed", LOG_STR("mapping", item->id),
			    LOG_Z("reason", a->lookup.problem.text));
}

static enum stage with_stored(struct auction *a)
{
	struct stored_responses *sr = &a->stored_responses;

	for (size_t i = 0; i < sr->n; i++)
		sr->list[i].body = a->lookup.items[i].value;
	if (a->lookup.n_items > sr->n)
		take_mapping(a, &a->lookup.items[sr->n]);
	return stored_responses_check(sr, &a->messages) < 0 ? auction_refuse(a) : STAGE_CHECK;
}

static void on_stored(struct stored_lookup *l)
{
	struct auction *a = container_of(l, struct auction, lookup);

	assert(a->stage == STAGE_ENRICH);
	auction_enter(a, with_stored(a));
}

/* Bids may need it, and asking before there are any keeps judging them free of waits. Empty: none will. What is wrong
 * with the wish is said when bids are there. */
static struct str wanted_mapping(struct auction *a)
{
	const json_t *wanted = json_at(a->request, "ext.prebid.targeting.includebrandcategory");
	struct categories c;
	struct errtext why;

	if (!wanted || categories_parse(wanted, &c, &why) < 0)
		return STR("");
	return categories_mapping_id(&c, a->arena);
}

static enum stage fetch_stored(struct auction *a)
{
	const struct stored_responses *sr = &a->stored_responses;
	struct str mapping = wanted_mapping(a);
	size_t n = sr->n + (mapping.n > 0);
	struct stored_item *items;

	if (n == 0)
		return STAGE_CHECK;
	items = ARENA_ARRAY(a->arena, struct stored_item, n);

	for (size_t i = 0; i < sr->n; i++)
		items[i] = (struct stored_item){ .kind = STORED_RESPONSE, .id = sr->list[i].id };
	if (mapping.n)
		items[sr->n] = (struct stored_item){ .kind = STORED_CATEGORY, .id = mapping };
	a->lookup =
		(struct stored_lookup){ .arena = a->arena, .items = items, .n_items = n, .done = on_stored };
	return stored_fetch(a->x->stored, &a->lookup, auction_stored_timeout_ms(a)) ? with_stored(a)
										    : STAGE_WAIT;
}

enum stage auction_enrich(struct auction *a)
{
	if (decode(a) < 0 || complete(a) < 0 ||
	    stored_responses_collect(a->request, a->arena, &a->messages, &a->stored_responses) < 0)
		return auction_refuse(a);
	return fetch_stored(a);
}
