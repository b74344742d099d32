#include "pbs/exchange/floors.h"

#include <stdlib.h>
#include <strings.h>

#include "common/json.h"

/* Floors that were chosen for one request. */
struct chosen {
	json_t *ext;                     /* what is written to ext.prebid.floors; the arena owns it */
	const json_t *data;              /* NULL: no usable data */
	const struct floor_group *group; /* NULL likewise */
	const struct floors_data *fetched;
};

void floors_account_parse(const json_t *price_floors, struct floors_account *ret_account)
{
	int64_t rules = json_int_at(price_floors, "max_rules", 100);
	int64_t dims = json_int_at(price_floors, "max_schema_dims", 3);

	*ret_account = (struct floors_account){
		.enabled = json_bool_at(price_floors, "enabled", false),
		.use_dynamic_data = json_bool_at(price_floors, "use_dynamic_data", false),
		.enforce_deal_floors = json_bool_at(price_floors, "enforce_deal_floors", false),
		.adjust_for_bid_adjustment = json_bool_at(price_floors, "adjust_for_bid_adjustment", true),
		.enforce_rate = (int)json_int_at(price_floors, "enforce_floors_rate", 100),
		.limits = { rules > 0 ? (size_t)rules : 0, dims > 0 ? (size_t)dims : 0 },
	};
}

static void complain(const struct floors_input *in, enum message_kind kind, const char *text)
{
	bool is_error = kind == MESSAGE_ERROR || kind == MESSAGE_DEBUG_ERROR;

	messages_add(in->messages, kind, BUCKET_PREBID, is_error ? ERROR_PLAIN : WARN_PLAIN, "%s", text);
}

/* Sets a member under its plain name and removes other spellings of it. */
static void set_member(json_t *obj, const char *key, json_t *value)
{
	const char *name;
	json_t *old;
	void *next;

	json_object_foreach_safe (obj, next, name, old)
		if (strcasecmp(name, key) == 0 && strcmp(name, key) != 0)
			json_object_del(obj, name);
	json_object_set_new_nocheck(obj, key, value);
}

static void remove_member(json_t *obj, const char *key)
{
	set_member(obj, key, json_null());
	json_object_del(obj, key);
}

static struct str min_currency(const json_t *floors)
{
	struct str cur = json_str(floors_get(floors, "floormincur"));

	return cur.n ? cur : json_str(floors_get(floors_get(floors, "data"), "currency"));
}

/* The request's minimum, else the provider's in the request's currency. */
static void merge_min(const struct floors_input *in, const json_t *request, json_t *merged)
{
	double min = json_number_value(floors_get(request, "floormin")), rate = 1;
	struct str cur = min_currency(request), from = min_currency(merged);

	if (min <= 0) {
		min = json_number_value(floors_get(merged, "floormin"));
		if (min <= 0)
			return;
		if (cur.n && from.n && !str_eq_nocase(cur, from)) {
			if (currency_rate(in->rates, from, cur, &rate, NULL) < 0)
				return;
			min = floors_round(min * rate);
		}
	}
	set_member(merged, "floormin", json_real(min));
	if (cur.n || from.n)
		set_member(merged, "floormincur", json_new_str(cur.n ? cur : from));
}

/* The fetched document is the inner object; what stands beside it comes from the request. */
static json_t *merge_fetched(const struct floors_input *in, const json_t *request)
{
	static const char *const from_request[] = { "enforcement", "floorendpoint" };
	static const char *const from_data[] = { "floormin", "floormincur" };
	const json_t *data = in->fetched->json;
	json_t *merged = json_object();

	json_set_bool(merged, "enabled", true);
	json_object_set(merged, "data", in->fetched->json);
	for (size_t i = 0; i < 2; i++) {
		json_t *v = floors_get(request, from_request[i]);

		if (v)
			json_object_set(merged, from_request[i], v);
		v = floors_get(data, from_data[i]);
		if (v)
			json_object_set(merged, from_data[i], v);
	}
	merge_min(in, request, merged);
	return merged;
}

static const char *number_text(double v, struct arena *a)
{
	struct buf b;
	const char *text;

	buf_init(&b, 64);
	json_write_real(&b, v);
	text = arena_strdup(a, buf_cstr(&b));
	buf_deinit(&b);
	return text;
}

/* The text that refuses the whole object; NULL when it is sound. */
static const char *params_fault(const json_t *floors, struct arena *a)
{
	const json_t *data = floors_get(floors, "data");
	double version = json_number_value(floors_get(data, "floorsschemaversion"));
	double data_skip = json_number_value(floors_get(data, "skiprate"));
	double skip = json_number_value(floors_get(floors, "skiprate"));
	double min = json_number_value(floors_get(floors, "floormin"));

	if (version != 0 && version != 2)
		return arena_printf(a, "Invalid FloorsSchemaVersion = '%s', supported version 2",
				    number_text(version, a));
	if (data_skip < 0 || data_skip > 100)
		return arena_printf(a, "Invalid SkipRate = '%s' at ext.prebid.floors.data.skiprate",
				    number_text(data_skip, a));
	if (skip < 0 || skip > 100)
		return arena_printf(a, "Invalid SkipRate = '%s' at ext.prebid.floors.skiprate",
				    number_text(skip, a));
	if (min < 0)
		return arena_printf(a, "Invalid FloorMin = '%s', value should be >= 0", number_text(min, a));
	return NULL;
}

struct weighted {
	size_t index, weight;
};

static int compare_weight(const void *a, const void *b)
{
	const struct weighted *x = a, *y = b;

	if (x->weight != y->weight)
		return x->weight > y->weight ? 1 : -1;
	return (x->index > y->index) - (x->index < y->index);
}

/* Lightest first; a draw over the total, both ends included, decides. */
static size_t draw_group(struct weighted *groups, size_t n, struct rng *rng)
{
	int64_t total = 0, left;

	if (n == 1)
		return groups[0].index;
	for (size_t i = 0; i < n; i++)
		total += (int64_t)groups[i].weight;
	qsort(groups, n, sizeof *groups, compare_weight);
	left = (int64_t)rng_below(rng, (uint64_t)total + 1);
	for (size_t i = 0; i < n; i++) {
		left -= (int64_t)groups[i].weight;
		if (left <= 0)
			return groups[i].index;
	}
	return groups[n - 1].index;
}

/* The index of the group to use, or -1. */
static ptrdiff_t choose_group(const struct floors_input *in, const json_t *groups)
{
	size_t n = json_array_size(groups), n_valid = 0, n_bad = 0, i;
	struct weighted *valid = ARENA_ARRAY(in->arena, struct weighted, n + 1);
	const char **bad = ARENA_ARRAY(in->arena, const char *, n + 1);
	json_t *group;

	json_array_foreach (groups, i, group) {
		const json_t *weight = floors_get(group, "modelweight");
		struct errtext why;

		if (floors_check_group(group, &in->account->limits, &why) < 0)
			bad[n_bad++] = arena_strdup(in->arena, why.text);
		else
			valid[n_valid++] = (struct weighted){ i, json_is_number(weight)
									 ? (size_t)json_number_value(weight)
									 : 1 };
	}
	if (n == 0)
		complain(in, MESSAGE_ERROR, "No model group present in floors.data");
	for (i = 0; i < n_bad; i++)
		complain(in, n_valid ? MESSAGE_WARNING : MESSAGE_ERROR, bad[i]);
	return n_valid ? (ptrdiff_t)draw_group(valid, n_valid, in->rng) : -1;
}

static void use_group(const struct floors_input *in, struct chosen *c, const json_t *data, size_t index)
{
	const json_t *groups = floors_get(data, "modelgroups");
	json_t *shown = json_copy((json_t *)(uintptr_t)data), *only = json_array();

	json_array_append(only, json_array_get(groups, index));
	set_member(shown, "modelgroups", only);
	set_member(c->ext, "data", shown);
	c->data = data;
	c->group = c->fetched ? c->fetched->indexed[index]
			      : floors_index_group(json_array_get(groups, index), in->arena);
}

static bool uses_fetched(const struct floors_input *in)
{
	return in->account->use_dynamic_data && in->fetched &&
	       rng_below(in->rng, 100) < (uint64_t)in->fetched->use_rate;
}

static struct chosen choose(const struct floors_input *in, const json_t *request_floors)
{
	struct chosen c = { .fetched = uses_fetched(in) ? in->fetched : NULL };
	json_t *source = c.fetched ? merge_fetched(in, request_floors)
				   : json_incref((json_t *)(uintptr_t)request_floors);
	const json_t *data = floors_get(source, "data");
	const char *fault = source ? params_fault(source, in->arena) : NULL;
	ptrdiff_t group = -1;

	arena_own_json(in->arena, source);
	c.ext = arena_own_json(in->arena, source && !fault ? json_copy(source) : json_object());
	if (fault)
		complain(in, MESSAGE_ERROR, fault);
	else if (json_is_object(data))
		group = choose_group(in, floors_get(data, "modelgroups"));
	if (group >= 0)
		use_group(in, &c, data, (size_t)group);
	else
		remove_member(c.ext, "data");
	if (!fault && !json_is_object(floors_get(c.ext, "enforcement")))
		set_member(c.ext, "enforcement", json_object());
	json_set_str(c.ext, "fetchstatus", c.fetched ? STR("success") : STR("none"));
	json_set_str(c.ext, "location", c.fetched ? STR("fetch") : source ? STR("request") : STR("noData"));
	return c;
}

static void draw_skip(const struct floors_input *in, const struct chosen *c, struct floors_state *state)
{
	const json_t *levels[] = { c->group->json, c->data, c->ext };

	for (size_t i = 0; i < 3; i++) {
		double rate = json_number_value(floors_get(levels[i], "skiprate"));

		if (rate > 0) {
			state->skipped = rate >= (double)rng_below(in->rng, 101);
			state->fetched_lot = c->fetched;
			return;
		}
	}
}

static struct str floor_currency(const struct chosen *c)
{
	struct str cur = json_str(floors_get(c->group->json, "currency"));

	if (cur.n == 0)
		cur = json_str(floors_get(c->data, "currency"));
	return cur.n ? cur : STR("USD");
}

/* The lowest floor that may be written, in `cur`; false when it cannot be converted. */
static bool find_min(const struct floors_input *in, const struct chosen *c, const json_t *imp, struct str cur,
		     double *ret_min)
{
	const json_t *own = json_at(imp, "ext.prebid.floors");
	double min = json_number_value(floors_get(own, "floormin")), rate = 1;
	struct str min_cur = json_str(floors_get(own, "floormincur"));
	struct errtext why;

	if (min <= 0)
		min = floors_round(json_number_value(floors_get(c->ext, "floormin")));
	if (min_cur.n == 0)
		min_cur = json_str(floors_get(c->ext, "floormincur"));
	if (min > 0 && min_cur.n && currency_rate(in->rates, min_cur, cur, &rate, &why) < 0) {
		complain(in, MESSAGE_ERROR,
			 arena_printf(in->arena, "Error in getting FloorMin value : '%s'", why.text));
		return false;
	}
	*ret_min = floors_round(min * rate);
	return true;
}

static void write_imp(json_t *imp, double floor, struct str cur, const struct floor_rule *rule,
		      double rule_value)
{
	json_t *prebid, *note;

	json_set_real(imp, "bidfloor", floor);
	json_set_str(imp, "bidfloorcur", cur);
	if (!rule)
		return;
	prebid = json_own_object(json_own_object(imp, "ext"), "prebid");
	note = json_object();
	json_set_str(note, "floorrule", rule->key);
	json_set_real(note, "floorrulevalue", rule_value);
	json_set_real(note, "floorvalue", floor);
	json_object_set_new_nocheck(prebid, "floors", note);
}

static void signal_imp(const struct floors_input *in, const struct chosen *c, struct floor_facts *facts,
		       struct str cur, json_t *imps, size_t i)
{
	const json_t *imp = json_array_get(imps, i);
	const struct floor_rule *rule;
	double value, min;

	floors_imp_facts(imp, in->arena, facts);
	rule = floors_match(c->group, facts, in->arena);
	value = floors_round(rule ? rule->value : c->group->fallback);
	if (value <= 0 || !find_min(in, c, imp, cur, &min))
		return;
	write_imp(json_own_element(imps, i), value > min ? value : min, cur, rule, value);
}

static void signal_imps(const struct floors_input *in, const struct chosen *c, json_t *request)
{
	json_t *imps = json_own(request, "imp");
	struct str cur = floor_currency(c);
	struct floor_facts facts;

	for (size_t i = 0; i < c->group->n_bad_keys; i++)
		complain(in, MESSAGE_ERROR, floors_bad_key_text(c->group, c->group->bad_keys[i], in->arena));
	floors_request_facts(request, in->arena, &facts);
	for (size_t i = 0; i < json_array_size(imps); i++)
		signal_imp(in, c, &facts, cur, imps, i);
}

void floors_signal(const struct floors_input *in, json_t *request, struct floors_state *ret_state)
{
	const json_t *own = json_at(request, "ext.prebid.floors");
	const json_t *enabled = floors_get(own, "enabled");
	json_t *prebid;
	struct chosen c;

	*ret_state = (struct floors_state){ 0 };
	if (!in->host_enabled)
		return;
	if (!in->account->enabled || json_is_false(enabled)) {
		complain(in, MESSAGE_DEBUG_ERROR, "Floors feature is disabled at account or in the request");
		return;
	}
	ret_state->active = true;
	c = choose(in, json_is_object(own) ? own : NULL);
	if (c.group) {
		draw_skip(in, &c, ret_state);
		json_set_bool(c.ext, "skipped", ret_state->skipped);
		if (!ret_state->skipped)
			signal_imps(in, &c, request);
	}
	prebid = json_own_object(json_own_object(request, "ext"), "prebid");
	json_object_set_nocheck(prebid, "floors", c.ext);
}

void floors_adjust_for_bidder(json_t *request, double factor)
{
	json_t *imps;

	if (factor == 1 || factor <= 0)
		return;
	imps = json_own(request, "imp");
	for (size_t i = 0; i < json_array_size(imps); i++) {
		double floor = json_num_at(json_array_get(imps, i), "bidfloor", 0);

		if (floor > 0)
			json_set_real(json_own_element(imps, i), "bidfloor", floor / factor);
	}
}

static void note_floor(struct bid *b, const json_t *imp)
{
	const json_t *note = json_at(imp, "ext.prebid.floors");
	struct str cur = json_str_at(imp, "bidfloorcur");
	double floor = json_num_at(imp, "bidfloor", 0);

	if (floor <= 0)
		return;
	b->floor = (struct bid_floor){
		.present = true,
		.rule = json_str_at(note, "floorrule"),
		.rule_value = json_num_at(note, "floorrulevalue", 0),
		.value = json_num_at(note, "floorvalue", floor),
		.cur = cur.n ? cur : STR("USD"),
	};
}

static bool any_floor(const json_t *imps)
{
	size_t i;
	json_t *imp;

	json_array_foreach (imps, i, imp)
		if (json_num_at(imp, "bidfloor", 0) > 0)
			return true;
	return false;
}

/* One draw for both rates; 0 means always. The request may say no, never yes. */
static bool draw_enforcement(const struct floors_input *in, json_t *request)
{
	json_t *floors =
		json_own_object(json_own_object(json_own_object(request, "ext"), "prebid"), "floors");
	json_t *enforcement = json_own_object(floors, "enforcement");
	double of_request = json_number_value(floors_get(enforcement, "enforcerate"));
	double r = (double)rng_below(in->rng, 100);
	bool enforce = (of_request == 0 || r < of_request) &&
		       (in->account->enforce_rate == 0 || r < in->account->enforce_rate);

	if (json_is_false(floors_get(enforcement, "enforcepbs")))
		enforce = false;
	set_member(enforcement, "enforcepbs", json_boolean(enforce));
	return enforce;
}

static bool enforces_deals(const struct floors_input *in, const json_t *request)
{
	const json_t *enforcement = floors_get(json_at(request, "ext.prebid.floors"), "enforcement");

	return in->account->enforce_deal_floors && json_is_true(floors_get(enforcement, "floordeals"));
}

static void reject(struct bid *b, struct nonbids *nb, enum nonbid code)
{
	bid_drop(b, code);
	nonbid_add_bid(nb, b, code);
}

/* Tolerance: a bid one cent below its floor is not worth losing. */
static void enforce_bid(const struct floors_input *in, struct bid *b, const json_t *imp, struct nonbids *nb)
{
	double floor = json_num_at(imp, "bidfloor", 0), rate, price;
	struct str from = b->cur.n ? b->cur : STR("USD"), cur = b->floor.cur;
	struct errtext why;

	if (currency_rate(in->rates, from, cur, &rate, &why) < 0) {
		messages_add(in->messages, MESSAGE_ERROR, BUCKET_PREBID, ERROR_PLAIN,
			     "error in rate conversion from = " STR_FMT " to " STR_FMT " with bidder " STR_FMT
			     " for impression id " STR_FMT " and bid id " STR_FMT " error = %s",
			     STR_ARG(from), STR_ARG(cur), STR_ARG(b->seat), STR_ARG(b->impid), STR_ARG(b->id),
			     why.text);
		reject(b, nb, NONBID_REJECTED);
		return;
	}
	price = b->price * rate;
	if (!(price + 0.01 < floor))
		return;
	messages_add(in->messages, MESSAGE_WARNING, BUCKET_PREBID, WARN_FLOOR_REJECTION,
		     STR_FMT " bid id " STR_FMT " rejected - bid price %.4f " STR_FMT
			     " is less than bid floor %.4f " STR_FMT " for imp " STR_FMT,
		     STR_ARG(b->seat), STR_ARG(b->id), price, STR_ARG(cur), floor, STR_ARG(cur),
		     STR_ARG(b->impid));
	reject(b, nb, b->dealid.n ? NONBID_BELOW_FLOOR_DEAL : NONBID_BELOW_FLOOR);
}

void floors_enforce(const struct floors_input *in, const struct floors_state *state, json_t *request,
		    struct seats *seats, struct nonbids *nb)
{
	const json_t *imps = json_object_get(request, "imp");
	bool enforce, deals;

	if (!state->active || state->skipped || !any_floor(imps))
		return;
	enforce = draw_enforcement(in, request);
	deals = enforces_deals(in, request);
	for (size_t s = 0; s < seats->n; s++) {
		struct seat *seat = seats->seats[s];

		for (size_t i = 0; i < seat->n_bids; i++) {
			struct bid *b = seat->bids[i];
			const json_t *imp = b->imp >= 0 ? json_array_get(imps, (size_t)b->imp) : NULL;

			note_floor(b, imp);
			if (enforce && !imp)
				reject(b, nb, NONBID_REJECTED);
			else if (enforce && b->floor.present && (deals || b->dealid.n == 0))
				enforce_bid(in, b, imp, nb);
		}
		seat_sweep(seat);
	}
}

json_t *floors_render(const struct bid_floor *floor)
{
	json_t *j;

	if (!floor->present)
		return NULL;
	j = json_object();
	if (floor->rule.n) {
		json_set_str(j, "floorRule", floor->rule);
		json_set_real(j, "floorRuleValue", floor->rule_value);
	}
	json_set_real(j, "floorValue", floor->value);
	json_set_str(j, "floorCurrency", floor->cur);
	return j;
}
