/* The CHECK stage: the request is judged, and everything that later stages want to know about it is worked
 * out once: bidders, rates, floors, deadline. */
#include "common/err.h"
#include "common/json.h"
#include "common/mem.h"
#include "common/version.h"
#include "pbs/adapters/registry.h"
#include "pbs/bidders.h"
#include "pbs/config.h"
#include "pbs/exchange/account.h"
#include "pbs/exchange/amp_request.h"
#include "pbs/exchange/auction.h"
#include "pbs/exchange/floors_fetch.h"
#include "pbs/exchange/privacy_stage.h"
#include "pbs/exchange/rates.h"
#include "pbs/metrics.h"
#include "pbs/openrtb/report.h"
#include "pbs/openrtb/validate.h"
#include "pbs/price/adjust.h"

static enum bidder_status find_bidder(const void *ctx, struct str name, struct str *ret_core)
{
	const struct registry_bidder *b = registry_find(ctx, name);

	if (!b)
		return BIDDER_UNKNOWN;
	*ret_core = str_of(b->bidder.name);
	if (b->info.white_label_only && !b->info.disabled)
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

/* A pair that is never asked still ends with a status. */
static void left_out(void *ctx, size_t imp, struct str bidder)
{
	struct auction *a = ctx;

	nonbid_add(&a->nonbids, arena_str(a->arena, bidder), (int)imp, NONBID_BLOCKED);
}

static int check(struct auction *a)
{
	const struct pbs_config *c = a->config;
	struct str *blocked = ARENA_ARRAY(a->arena, struct str, c->blocked_apps.n);
	struct validate_rules rules = {
		.find_bidder = find_bidder,
		.bidder_ctx = a->bidders->registry,
		.check_params = check_params,
		.params_ctx = a->bidders->registry,
		.is_currency = currency_is_known,
		.is_adjustments = adjust_rules_are_valid,
		.left_out = left_out,
		.left_out_ctx = a,
		.blocked_apps = blocked,
		.n_blocked_apps = c->blocked_apps.n,
		.cookie_deprecation =
			json_bool_at(a->account, "privacy.privacysandbox.cookiedeprecation.enabled", false),
		.cookie_deprecation_label = a->http.cookie_deprecation,
		.tolerant = c->tolerant_params || json_bool_at(a->account, "tolerant_params", false),
	};

	privacy_stage_read(a, &rules);
	for (size_t i = 0; i < c->blocked_apps.n; i++)
		blocked[i] = str_of(c->blocked_apps.v[i]);
	return validate(a->request, &rules, &a->messages);
}

/* --- who could be called --- */

/* Every bidder that an imp names and the host can call, in the order of first mention. */
static void collect_candidates(struct auction *a)
{
	const json_t *imps = json_object_get(a->request, "imp"), *imp;
	struct split_bidder *bidders;
	size_t n, i;

	a->names = (struct bidder_names){ find_bidder, a->bidders->registry,
					  json_at(a->request, "ext.prebid.aliases") };
	n = split_list(a->request, &a->names, a->arena, &bidders);
	a->candidates = ARENA_ARRAY(a->arena, struct candidate, n);
	for (size_t k = 0; k < n; k++) {
		struct str name = bidders[k].name;

		a->candidates[a->n_candidates++] = (struct candidate){
			.name = name,
			.bidder = registry_find(a->bidders->registry, bidders[k].core),
		};
		json_array_foreach (imps, i, imp)
			if (json_object_getn(json_at(imp, "ext.prebid.bidder"), name.p, name.n))
				nonbid_expect(&a->nonbids, name, (int)i);
	}
}

/* Whoever must not be asked in this country or by this publisher is left out before anybody decides. */
static void apply_limits(struct auction *a)
{
	struct str country = json_str_at(a->request, "device.geo.country");

	if (!country.n)
		country = json_str_at(a->request, "user.geo.country");
	for (size_t i = 0; i < a->n_candidates; i++) {
		struct candidate *c = &a->candidates[i];
		const struct bidder_limits *l = &c->bidder->info.limits;
		bool place = bidder_limits_allow_country(l, country);
		struct str what = place ? a->account_id : country;

		if (place && bidder_limits_allow_publisher(l, a->account_id))
			continue;
		c->blocked = true;
		metrics_inc(a->x->metrics, M_LIMITED, c->bidder->number,
			    place ? LIMIT_PUBLISHER : LIMIT_COUNTRY);
		messages_add(&a->messages, MESSAGE_DEBUG_WARNING, c->name, WARN_LIMITED,
			     "Bidder " STR_FMT " is not asked: %s \"" STR_FMT
			     "\" is none that its limits allow",
			     STR_ARG(c->name), place ? "publisher" : "country", STR_ARG(what));
		nonbid_add_bidder(&a->nonbids, c->name, NONBID_BLOCKED);
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
	const struct pbs_config *c = a->config;
	int64_t tmax = json_int_at(a->request, "tmax", 0);
	uint32_t max = pbs_timeout_max_ms(c);

	if (tmax <= 0)
		tmax = a->front->entry == ADAPTER_AMP ? AMP_TIMEOUT_MS : c->timeout_default_ms;
	a->timeout_ms = tmax > 0 && tmax < max ? (uint32_t)tmax : max;
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

static void drop_table(void *t)
{
	currency_table_free(t);
}

/* The request's own rates go before the host's, or instead of them. */
static void choose_rates(struct auction *a)
{
	const json_t *currency = json_at(a->request, "ext.prebid.currency");
	struct currency_table *own = currency_table_from_json(json_object_get(currency, "rates"));

	if (own)
		arena_defer(a->arena, drop_table, own);
	a->rates = (struct currency_rates){
		.request = own,
		.server = rates_lend(a->x->rates, a->arena),
		.request_only = !json_bool_at(currency, "usepbsrates", true),
	};
}

static void signal_floors(struct auction *a)
{
	account_floors(a->account, &a->floors_account);
	a->floors_in = (struct floors_input){
		.host_enabled = a->config->floors_enabled,
		.account = &a->floors_account,
		.rates = &a->rates,
		.rng = &a->x->rng,
		.arena = a->arena,
		.messages = &a->messages,
	};
	if (a->config->floors_enabled && a->floors_account.enabled && a->floors_account.use_dynamic_data)
		a->floors_in.fetched = floors_fetch_lend(a->x->floors, a->account_id,
							 json_at(a->account, "price_floors.fetch"), a->arena);
	floors_signal(&a->floors_in, a->request, &a->floors);
}

/* The account's word on the Digital Services Act, for requests that say nothing. */
static void default_dsa(struct auction *a)
{
	json_t *given = account_default_dsa(a->account, a->arena);
	bool in_gdpr =
		json_int_at(a->request, "regs.gdpr", strcmp(a->config->gdpr_default_value, "1") == 0) == 1;

	if (!json_is_object(given) || json_at(a->request, "regs.ext.dsa") ||
	    (json_bool_at(a->account, "privacy.dsa.gdpr_only", false) && !in_gdpr))
		return;
	json_object_set_nocheck(json_own_object(json_own_object(a->request, "regs"), "ext"), "dsa", given);
}

enum stage auction_check(struct auction *a)
{
	collect_imp_ids(a);
	if (check(a) < 0)
		return auction_refuse(a);
	default_dsa(a);
	choose_rates(a);
	signal_floors(a);
	a->debug = debug_wanted(a) && json_bool_at(a->account, "debug_allow", true);
	if (!a->debug && (debug_wanted(a) || a->config->debug_off_always))
		warn(&a->messages, WARN_ACCOUNT_DEBUG_OFF, "debug turned off for account");
	set_deadline(a);
	a->user_agent = user_agent_read(json_str_at(a->request, "device.ua"));
	a->x_prebid = x_prebid_header(a);
	if (!a->stored_responses.is_auction) {
		collect_candidates(a);
		apply_limits(a);
	}
	return STAGE_PRIVACY;
}
