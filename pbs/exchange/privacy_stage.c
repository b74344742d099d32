/* The PRIVACY stage: every signal is read once, and each bidder gets a verdict. Who may not be called is out
 * before the router hears of him; what the others must not see is removed from their own requests when those
 * are made. */
#include "pbs/exchange/privacy_stage.h"
#include "common/err.h"
#include "common/json.h"
#include "pbs/exchange/auction.h"
#include "pbs/metrics.h"
#include "pbs/openrtb/report.h"
#include "pbs/privacy/activity.h"
#include "pbs/privacy/usp.h"
#include "pbs/privacy/verdict.h"
#include "pbs/privacy_settings.h"
#include "pbs/vendor_lists.h"

/* --- activities of the server itself --- */

static bool is_allowed(const struct auction *a, enum activity what, enum component_type type, struct str name)
{
	const struct privacy_account *account = a->privacy_account;
	struct activity_scope scope;

	if (!account || !account->activities)
		return true;
	activity_scope_read(a->request, &scope);
	if (scope.gpc.n == 0 && str_eq(a->http.sec_gpc, STR("1")))
		scope.gpc = STR("1");
	return activity_allowed(account->activities, what, type, name, &scope);
}

bool privacy_stage_allows_sink(const struct auction *a, enum activity what, struct str sink)
{
	return is_allowed(a, what, COMPONENT_ANALYTICS, sink);
}

bool privacy_stage_may_enrich(const struct auction *a)
{
	return is_allowed(a, ACTIVITY_ENRICH_UFPD, COMPONENT_GENERAL, STR("topics"));
}

/* --- for validation, which runs before --- */

static int gpp_sections(const void *ctx, struct str text, struct arena *a, struct gpp_sections *ret_sections,
			struct errtext *why)
{
	const struct auction *auction = ctx;

	(void)text;
	(void)a;
	if (auction->gpp_reading.error) {
		errtext_set(why, "%s", auction->gpp_reading.error);
		return ERR_INPUT;
	}
	*ret_sections = auction->gpp;
	return 0;
}

static int check_us_privacy(struct str text, struct errtext *why)
{
	struct usp usp;

	return usp_parse(text, why, &usp);
}

static struct str section_text(const struct gpp *g, unsigned id)
{
	const struct gpp_section *s = gpp_find(g, id);

	return s ? s->text : STR("");
}

static bool lists_section(const json_t *sid, json_int_t section)
{
	for (size_t i = 0; i < json_array_size(sid); i++)
		if (json_integer_value(json_array_get(sid, i)) == section)
			return true;
	return false;
}

void privacy_stage_read(struct auction *a, struct validate_rules *rules)
{
	bool sid_6 = lists_section(json_at(a->request, "regs.gpp_sid"), GPP_USP);

	a->gpp_reading = gpp_read(json_str_at(a->request, "regs.gpp"), a->arena);
	a->gpp = (struct gpp_sections){
		.tcf_eu_v2 = section_text(a->gpp_reading.gpp, GPP_TCFEU),
		.us_privacy_v1 = sid_6 ? section_text(a->gpp_reading.gpp, GPP_USP) : STR(""),
	};
	a->us_privacy =
		a->gpp.us_privacy_v1.n ? a->gpp.us_privacy_v1 : json_str_at(a->request, "regs.us_privacy");
	rules->parse_gpp = gpp_sections;
	rules->gpp_ctx = a;
	/* Validation drops a malformed string with a warning. In strict mode it has to stay, to be refused. */
	rules->check_us_privacy = a->privacy_host->strict ? NULL : check_us_privacy;
}

/* --- the stage --- */

static enum privacy_channel channel_of(const struct auction *a)
{
	if (a->front->entry == ADAPTER_AMP)
		return CHANNEL_AMP;
	if (a->front->entry == ADAPTER_VIDEO)
		return CHANNEL_VIDEO;
	if (json_object_get(a->request, "app"))
		return CHANNEL_APP;
	return json_object_get(a->request, "dooh") ? CHANNEL_DOOH : CHANNEL_WEB;
}

static const struct privacy_bidder *list_bidders(const struct auction *a)
{
	struct privacy_bidder *list = ARENA_ARRAY(a->arena, struct privacy_bidder, a->n_candidates);

	for (size_t i = 0; i < a->n_candidates; i++) {
		const struct registry_bidder *b = a->candidates[i].bidder;

		list[i] = (struct privacy_bidder){
			.code = a->candidates[i].name,
			.core = str_of(b->bidder.name),
			.gvl_id = b->info.gvl_id > 0 && b->info.gvl_id <= UINT16_MAX
					  ? (uint16_t)b->info.gvl_id
					  : 0,
			.gpp_supported = b->info.gpp_supported,
		};
	}
	return list;
}

static const struct gvl *find_gvl(void *ctx, unsigned specification, unsigned version)
{
	return vendor_lists_find(ctx, specification, version);
}

static int judge(struct auction *a, struct errtext *why)
{
	struct privacy_input in = {
		.request = a->request,
		.channel = channel_of(a),
		.host = a->privacy_host,
		.account = a->privacy_account,
		.bidders = list_bidders(a),
		.n_bidders = a->n_candidates,
		.gpp = &a->gpp_reading,
		.publisher_id = a->account_id,
		.sec_gpc = str_eq(a->http.sec_gpc, STR("1")),
		.validated = true,
		.find_gvl = find_gvl,
		.ctx = a->x->vendor_lists,
		.latest_gvl = vendor_lists_latest(a->x->vendor_lists),
	};

	return privacy_judge(&in, a->arena, why, &a->privacy);
}

/* Source: Prebid Server warns of a malformed US privacy string twice, as validation and as the exchange. */
static void warn_of_us_privacy(struct auction *a)
{
	struct errtext why;
	struct usp usp;

	if (a->us_privacy.n && usp_parse(a->us_privacy, &why, &usp) < 0)
		messages_add(&a->messages, MESSAGE_WARNING, BUCKET_PREBID, WARN_CONSENT,
			     "request.regs.ext.us_privacy %s", why.text);
}

static void file_messages(struct auction *a)
{
	warn_of_us_privacy(a);
	for (const struct privacy_message *m = a->privacy->messages; m; m = m->next)
		messages_add(&a->messages, m->error ? MESSAGE_ERROR : MESSAGE_WARNING, str_of(m->bucket),
			     m->code, STR_FMT, STR_ARG(m->text));
}

static void block(struct auction *a, struct candidate *c, const struct privacy_verdict *v)
{
	struct str text = privacy_blocked_text(v, a->arena);

	c->blocked = true;
	messages_add(&a->messages, MESSAGE_WARNING, BUCKET_PREBID, WARN_PRIVACY_BLOCKED, STR_FMT,
		     STR_ARG(text));
	nonbid_add_bidder(&a->nonbids, c->name, NONBID_BLOCKED_PRIVACY);
}

static void count_rules(struct metrics *m, const struct privacy_verdict *v)
{
	for (unsigned rule = 0; rule < PRIVACY_RULE_COUNT; rule++)
		if (v->rules >> rule & 1)
			metrics_inc(m, M_PRIVACY_RULES, rule);
}

enum stage auction_privacy(struct auction *a)
{
	struct errtext why;

	if (judge(a, &why) < 0) {
		(void)refuse(&a->messages, "%s", why.text);
		metrics_inc(a->x->metrics, M_PRIVACY_REFUSED);
		return auction_refuse(a);
	}
	file_messages(a);
	if (a->privacy->consent_state == CONSENT_NO_LIST)
		metrics_inc(a->x->metrics, M_GVL_MISSING);
	for (size_t i = 0; i < a->n_candidates; i++) {
		count_rules(a->x->metrics, &a->privacy->bidders[i]);
		if (a->privacy->bidders[i].blocked)
			block(a, &a->candidates[i], &a->privacy->bidders[i]);
	}
	a->scrubbed = scrub_cache_new(a->arena);
	return STAGE_ROUTE;
}
