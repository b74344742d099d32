/* The ENRICH stage: the request is decoded, completed, validated, and its bidders are known by name. */
#include "common/err.h"
#include "common/json.h"
#include "common/mem.h"
#include "common/version.h"
#include "pbs/adapters/registry.h"
#include "pbs/config.h"
#include "pbs/exchange/auction.h"
#include "pbs/openrtb/enrich.h"
#include "pbs/openrtb/ext.h"
#include "pbs/openrtb/model.h"
#include "pbs/openrtb/report.h"
#include "pbs/openrtb/validate.h"
#include "pbs/price/adjust.h"

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

static enum bidder_status find_bidder(const void *ctx, struct str name, struct str *ret_core)
{
	const struct registry_bidder *b = registry_find(ctx, name);

	if (!b)
		return BIDDER_UNKNOWN;
	*ret_core = str_of(b->bidder.name);
	if (b->info.white_label_only)
		return BIDDER_WHITE_LABEL;
	return b->disabled ? BIDDER_DISABLED : BIDDER_ACTIVE;
}

static int check_params(const void *ctx, struct str core, const json_t *params, struct errtext *why)
{
	const struct registry_bidder *b = registry_find(ctx, core);
	struct buf violations;

	if (!b || !b->params)
		return 0;
	buf_init(&violations, sizeof why->text - 1);
	if (schema_check(b->params, params, &violations)) {
		buf_deinit(&violations);
		return 0;
	}
	errtext_set(why, "%s", buf_cstr(&violations));
	buf_deinit(&violations);
	return ERR_INPUT;
}

static int decode(struct auction *a)
{
	struct errtext why, where;
	json_t *decoded;

	if (json_array_size(json_object_get(a->request, "imp")) > a->x->config->max_imps)
		return refuse(&a->messages, "request.imp has %zu elements, at most %u are served",
			      json_array_size(json_object_get(a->request, "imp")), a->x->config->max_imps);
	decoded = arena_own_json(a->arena, ortb_decode(a->request, ORTB_BID_REQUEST, &why, &where));
	if (!decoded)
		return refuse(&a->messages, "%s (%s)", why.text, where.text);
	/* From here on the spine is ours: the caller's tree may be shared with stored data. */
	a->request = arena_own_json(a->arena, json_copy(decoded));
	return ext_decode(a->request, &a->messages);
}

static int complete(struct auction *a)
{
	const struct pbs_config *c = a->x->config;
	struct enrich_rules rules = {
		.topics_domain = json_str_at(a->account, "privacy.privacysandbox.topicsdomain"),
		.default_integration = json_str_at(a->account, "default_integration"),
		.tmax_default_ms = c->tmax_default_ms,
		.auto_gen_source_tid = c->auto_gen_source_tid,
		.generate_request_id = c->generate_request_id,
		.is_amp = a->front->entry == ADAPTER_AMP,
	};

	return enrich(a->request, &a->http, &rules, &a->x->rng, &a->messages);
}

static int check(struct auction *a)
{
	const struct pbs_config *c = a->x->config;
	struct str *blocked = ARENA_ARRAY(a->arena, struct str, c->blocked_apps.n);
	struct validate_rules rules = {
		.find_bidder = find_bidder,
		.bidder_ctx = a->x->registry,
		.check_params = check_params,
		.params_ctx = a->x->registry,
		.is_currency = currency_is_known,
		.is_adjustments = adjust_rules_are_valid,
		.blocked_apps = blocked,
		.n_blocked_apps = c->blocked_apps.n,
		.tolerant = c->tolerant_params || json_bool_at(a->account, "tolerant_params", false),
	};

	for (size_t i = 0; i < c->blocked_apps.n; i++)
		blocked[i] = str_of(c->blocked_apps.v[i]);
	return validate(a->request, &rules, &a->messages);
}

/* --- who could be called
 * ------------------------------------------------------------------------------------- */

static struct candidate *find_candidate(struct auction *a, struct str name)
{
	for (size_t i = 0; i < a->n_candidates; i++)
		if (str_eq(a->candidates[i].name, name))
			return &a->candidates[i];
	return NULL;
}

static size_t count_bidders(const struct auction *a)
{
	const json_t *imps = json_object_get(a->request, "imp"), *imp;
	size_t n = 0, i;

	json_array_foreach (imps, i, imp)
		n += json_object_size(json_at(imp, "ext.prebid.bidder"));
	return n;
}

/* Every bidder that an imp names, in the order of first mention. */
static void collect_candidates(struct auction *a)
{
	const json_t *imps = json_object_get(a->request, "imp"), *imp;
	struct bidder_names names = { find_bidder, a->x->registry,
				      json_at(a->request, "ext.prebid.aliases") };
	size_t i;

	a->candidates = ARENA_ARRAY(a->arena, struct candidate, count_bidders(a));
	json_array_foreach (imps, i, imp) {
		const json_t *bidders = json_at(imp, "ext.prebid.bidder");

		for (void *it = json_object_iter((json_t *)(uintptr_t)bidders); it;
		     it = json_object_iter_next((json_t *)(uintptr_t)bidders, it)) {
			struct str name = { json_object_iter_key(it), json_object_iter_key_len(it) }, core;
			struct candidate *c = find_candidate(a, name);

			if (!c && bidder_resolve(&names, name, &core) == BIDDER_ACTIVE) {
				c = &a->candidates[a->n_candidates++];
				*c = (struct candidate){ .name = name,
							 .bidder = registry_find(a->x->registry, core) };
			}
			if (c)
				nonbid_expect(&a->nonbids, name, (int)i);
		}
	}
}

static void collect_imp_ids(struct auction *a)
{
	const json_t *imps = json_object_get(a->request, "imp"), *imp;
	size_t i;

	a->n_imps = json_array_size(imps);
	a->imp_ids = ARENA_ARRAY(a->arena, struct str, a->n_imps);
	json_array_foreach (imps, i, imp)
		a->imp_ids[i] = json_str(json_object_get(imp, "id"));
	nonbids_init(&a->nonbids, a->arena, a->imp_ids, a->n_imps);
}

/* tmax bounded by the host: when it is missing or 0 the default. Source: Prebid Server, auction timeouts. */
static void set_deadline(struct auction *a)
{
	const struct pbs_config *c = a->x->config;
	int64_t tmax = json_int_at(a->request, "tmax", 0);

	a->timeout_ms = c->timeout_default_ms;
	if (tmax > 0)
		a->timeout_ms = tmax < c->timeout_max_ms ? (uint32_t)tmax : c->timeout_max_ms;
	a->deadline_ms = a->started_us / 1000 + a->timeout_ms;
}

/* What every bidder is told of us: server, integration channel, mobile SDK. */
static struct str x_prebid_header(const struct auction *a)
{
	static const char *const records[][2] = {
		{ "ext.prebid.channel.name", "ext.prebid.channel.version" },
		{ "app.ext.prebid.source", "app.ext.prebid.version" },
	};
	char *text = arena_printf(a->arena, "nexus-pbs/%s", NEXUS_VERSION);

	for (size_t i = 0; i < ARRAY_LEN(records); i++) {
		struct str name = json_str_at(a->request, records[i][0]),
			   version = json_str_at(a->request, records[i][1]);

		if (!name.n)
			continue;
		if (!version.n)
			version = STR("unknown");
		text = arena_printf(a->arena, "%s," STR_FMT "/" STR_FMT, text, STR_ARG(name),
				    STR_ARG(version));
	}
	return str_of(text);
}

static bool debug_wanted(const struct auction *a)
{
	return json_int_at(a->request, "test", 0) == 1 || json_bool_at(a->request, "ext.prebid.debug", false);
}

enum stage auction_enrich(struct auction *a)
{
	if (decode(a) < 0 || complete(a) < 0 || check(a) < 0)
		return auction_refuse(a);
	a->debug = debug_wanted(a) && json_bool_at(a->account, "debug_allow", true);
	if (debug_wanted(a) && !a->debug)
		warn(&a->messages, WARN_ACCOUNT_DEBUG_OFF, "debug turned off for account");
	set_deadline(a);
	a->x_prebid = x_prebid_header(a);
	collect_imp_ids(a);
	collect_candidates(a);
	return STAGE_PRIVACY;
}
