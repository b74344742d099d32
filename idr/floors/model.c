#include "idr/floors/model.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/json.h"
#include "common/mem.h"
#include "idr/store/figures.h"

enum dim { DIM_FORMAT_OF, DIM_SIZE_OF, DIM_COUNTRY_OF, DIM_DEVICE_OF, DIMS };
enum { PARENTS = 1 << DIMS, RULES_KEPT = 20000 };

/* Prebid's names of what a rule may look at. */
static const char *const field_names[DIMS] = { "mediaType", "size", "country", "deviceType" };
/* Which of the four a schema does without, the usual one first. */
static const enum dim left_out[] = { DIM_SIZE_OF, DIM_DEVICE_OF, DIM_COUNTRY_OF, DIM_FORMAT_OF };

struct rule {
	char *key; /* "banner|300x250|gbr|phone", '*' for any */
	struct floor_cell c;
	double floor;
	bool leaf;   /* as specific as what was added */
	bool chosen; /* of the schema that is looked at */
};

struct floors_model {
	struct rule *rule;
	size_t n, cap;
	uint32_t *slot;
	size_t slots;
};

static double price_of(unsigned bucket)
{
	return price_bucket_low(bucket) * exp2(1 / 12.0); /* the middle of the step */
}

/* What the best bid is taken to be of what its buyer could have paid: the configured share, or how close the second is to
 * the best here, if that is closer. Who wins by a hair has bid about what the place is worth to him. */
static double total_of(const uint32_t *count, double *ret_n)
{
	double sum = 0;

	*ret_n = 0;
	for (unsigned i = 0; i < PRICE_BUCKETS; i++) {
		sum += count[i] * price_of(i);
		*ret_n += count[i];
	}
	return sum;
}

static double shade_of(const struct floor_cell *c, double configured)
{
	double unused, best = total_of(c->best, &unused), second = total_of(c->second, &unused);

	return best > 0 ? fmax(configured, fmin(second / best, 1)) : configured;
}

struct outcome_at {
	double revenue, lost;
};

static struct outcome_at outcome_of(const struct floor_cell *c, double floor, double shade)
{
	struct outcome_at o = { 0 };

	for (unsigned i = 0; i < PRICE_BUCKETS; i++) {
		double price = price_of(i), n = c->best[i];

		/* That of the lowest in the step, or some of them could not. */
		if (price_bucket_low(i) >= floor * shade * (1 - 1e-9) || price >= floor)
			o.revenue += n * fmax(price, floor);
		else
			o.lost += n;
	}
	return o;
}

static double sold(const struct floor_cell *c)
{
	double n;

	(void)total_of(c->best, &n);
	return n;
}

double floor_choose(const struct floor_cell *c, const struct floors_options *opt)
{
	double least = fmax(opt->floor_min_usd, (double)c->lowest_floor_usd), best = least;
	double shade = shade_of(c, opt->shade);
	double n = sold(c), best_revenue = outcome_of(c, least, shade).revenue;

	for (unsigned i = 0; i < PRICE_BUCKETS; i++) {
		/* The highest that this step and those above it can reach; between two of them nobody else is lost. */
		double floor = price_bucket_low(i) / shade;
		struct outcome_at o;

		if (floor <= least)
			continue;
		o = outcome_of(c, floor, shade);
		if (o.lost > opt->max_fill_loss * n)
			break; /* it only gets worse */
		if (o.revenue > best_revenue) {
			best_revenue = o.revenue;
			best = floor;
		}
	}
	return best;
}

struct floors_model *floors_model_new(void)
{
	struct floors_model *m = xcalloc(1, sizeof *m);

	m->slots = 1024;
	m->slot = xcalloc(m->slots, sizeof *m->slot);
	return m;
}

struct floors_model *floors_model_free(struct floors_model *m)
{
	if (!m)
		return NULL;
	for (size_t i = 0; i < m->n; i++)
		free(m->rule[i].key);
	free(m->rule);
	free(m->slot);
	free(m);
	return NULL;
}

static uint32_t *find_slot(const struct floors_model *m, struct str key)
{
	size_t i = (size_t)str_hash(key) & (m->slots - 1);

	while (m->slot[i] && !str_eq(str_of(m->rule[m->slot[i] - 1].key), key))
		i = (i + 1) & (m->slots - 1);
	return &m->slot[i];
}

static void grow(struct floors_model *m)
{
	free(m->slot);
	m->slots *= 2;
	m->slot = xcalloc(m->slots, sizeof *m->slot);
	for (size_t i = 0; m->rule && i < m->n; i++)
		*find_slot(m, str_of(m->rule[i].key)) = (uint32_t)i + 1;
}

static struct rule *find_rule(const struct floors_model *m, struct str key)
{
	uint32_t slot = *find_slot(m, key);

	return slot ? &m->rule[slot - 1] : NULL;
}

/* NULL when there is no room for another: what is rare is then counted by what lies above it only. */
static struct rule *rule_of(struct floors_model *m, struct str key)
{
	struct rule *found = find_rule(m, key);

	if (found || m->n == RULES_KEPT)
		return found;
	if ((m->n + 1) * 2 > m->slots)
		grow(m);
	if (!m->rule || m->n == m->cap) {
		m->cap = m->cap ? m->cap * 2 : 64;
		m->rule = xrealloc(m->rule, m->cap * sizeof *m->rule);
	}
	m->rule[m->n] = (struct rule){ .key = xstrndup(key.p, key.n) };
	*find_slot(m, key) = (uint32_t)m->n + 1;
	return &m->rule[m->n++];
}

/* Prebid Server's words for what our events say. It reads the device off the user agent, which shows a television as a
 * desktop. */
static struct str device_word(struct str device)
{
	if (str_eq(device, STR("mobile")))
		return STR("phone");
	if (str_eq(device, STR("tablet")))
		return device;
	return device.n ? STR("desktop") : STR("*");
}

/* Unknown, or nothing that can stand in a key. */
static bool is_any(struct str part)
{
	return part.n == 0 || str_eq(part, STR("*")) || memchr(part.p, '|', part.n);
}

static void add_part(struct buf *b, struct str part, bool any)
{
	if (b->n)
		buf_add_c(b, '|');
	if (any || is_any(part)) {
		buf_add_c(b, '*');
		return;
	}
	for (size_t i = 0; i < part.n; i++)
		buf_add_c(b, str_lower_char(part.p[i]));
}

static void add_key(struct buf *b, const struct str part[DIMS], unsigned any)
{
	buf_clear(b);
	for (unsigned d = 0; d < DIMS; d++)
		add_part(b, part[d], any >> d & 1);
}

void floors_model_add(struct floors_model *m, const struct floor_key *k, const struct floor_cell *c)
{
	const struct str part[DIMS] = { k->format, k->size, k->country, device_word(k->device) };
	unsigned unknown = 0;
	struct buf key;

	buf_init(&key, 512);
	for (unsigned d = 0; d < DIMS; d++)
		unknown |= (unsigned)is_any(part[d]) << d;
	/* From the widest on, so that those are there when room ends. What is unknown is its own parent: counted once. */
	for (unsigned any = PARENTS; any-- > 0;) {
		struct rule *r;

		add_key(&key, part, any);
		if ((any & unknown) || key.overflow || !(r = rule_of(m, buf_str(&key))))
			continue;
		floor_cell_add(&r->c, c);
		r->leaf |= any == 0;
	}
	buf_deinit(&key);
}

/* --- which three of the four --- */

static int by_auctions(const void *a, const void *b)
{
	const struct rule *const *x = a, *const *y = b;

	if ((*x)->c.auctions != (*y)->c.auctions)
		return (*x)->c.auctions > (*y)->c.auctions ? -1 : 1;
	return strcmp((*x)->key, (*y)->key);
}

static void split_key(const char *key, struct str part[DIMS])
{
	struct str rest = str_of(key);

	for (unsigned d = 0; d < DIMS; d++)
		part[d] = str_cut(&rest, '|');
}

/* Marks the rules of a schema: any in what it does without, and enough behind them. Gives them by weight. */
static size_t choose_rules(struct floors_model *m, enum dim without, const struct floors_options *opt,
			   struct rule **chosen)
{
	size_t n = 0;

	for (size_t i = 0; i < m->n; i++) {
		struct rule *r = &m->rule[i];
		struct str part[DIMS];

		r->chosen = false;
		split_key(r->key, part);
		if (is_any(part[without]) && sold(&r->c) >= (double)opt->min_sold)
			chosen[n++] = r;
	}
	qsort(chosen, n, sizeof(struct rule *), by_auctions);
	if (n > FLOOR_RULES_MAX)
		n = FLOOR_RULES_MAX;
	for (size_t i = 0; i < n; i++) {
		chosen[i]->floor = floor_choose(&chosen[i]->c, opt);
		chosen[i]->chosen = true;
	}
	return n;
}

/* Prebid Server's order: fewest wildcards first; among equals those with a wildcard further right. */
static const struct rule *match(const struct floors_model *m, const struct rule *leaf, enum dim without,
				struct buf *key)
{
	struct str part[DIMS];

	split_key(leaf->key, part);
	for (int wild = 0; wild <= DIMS; wild++)
		for (unsigned order = 0; order < PARENTS; order++) {
			unsigned any = 0;
			const struct rule *r;

			for (unsigned d = 0; d < DIMS; d++)
				any |= (order >> (DIMS - 1 - d) & 1) << d;
			if (!(any >> without & 1) || __builtin_popcount(any) != wild)
				continue;
			add_key(key, part, any);
			r = find_rule(m, buf_str(key));
			if (r && r->chosen)
				return r;
		}
	return NULL;
}

static double revenue_of(const struct floors_model *m, enum dim without, const struct floors_options *opt)
{
	double revenue = 0;
	struct buf key;

	buf_init(&key, 512);
	for (size_t i = 0; i < m->n; i++) {
		const struct rule *leaf = &m->rule[i], *r;

		if (!leaf->leaf)
			continue;
		r = match(m, leaf, without, &key);
		revenue += outcome_of(&leaf->c, r ? r->floor : 0, shade_of(&leaf->c, opt->shade)).revenue;
	}
	buf_deinit(&key);
	return revenue;
}

static enum dim choose_schema(struct floors_model *m, const struct floors_options *opt, struct rule **chosen)
{
	enum dim best = left_out[0];
	double most = -1;

	for (size_t i = 0; i < ARRAY_LEN(left_out); i++) {
		double revenue =
			choose_rules(m, left_out[i], opt, chosen) ? revenue_of(m, left_out[i], opt) : -1;

		if (revenue > most * (1 + 1e-9)) {
			most = revenue;
			best = left_out[i];
		}
	}
	return best;
}

/* --- as floors data --- */

static void set_value(json_t *values, const struct rule *r, enum dim without, struct str format)
{
	struct str part[DIMS];
	struct buf key;

	split_key(r->key, part);
	if (format.n)
		part[DIM_FORMAT_OF] = format;
	buf_init(&key, 512);
	for (unsigned d = 0; d < DIMS; d++)
		if (d != without)
			add_part(&key, part[d], false);
	json_object_setn_new(values, key.p, key.n, json_real(round(r->floor * 1e4) / 1e4));
	buf_deinit(&key);
}

/* Events do not tell video in the stream from video beside it; Prebid Server has a word for each. */
static json_t *values_of(struct rule *const *chosen, size_t n, enum dim without)
{
	json_t *values = json_object();

	for (size_t i = 0; i < n && json_object_size(values) < FLOOR_RULES_MAX; i++) {
		set_value(values, chosen[i], without, STR(""));
		if (str_starts(str_of(chosen[i]->key), STR("video|")) && without != DIM_FORMAT_OF &&
		    json_object_size(values) < FLOOR_RULES_MAX)
			set_value(values, chosen[i], without, STR("video-outstream"));
	}
	return values;
}

static json_t *group_of(json_t *values, enum dim without)
{
	json_t *fields = json_array();
	char version[24];
	FREE_ON_EXIT char *text = json_text(values);

	for (unsigned d = 0; d < DIMS; d++)
		if (d != without)
			json_array_append_new(fields, json_string(field_names[d]));
	snprintf(version, sizeof version, "auto-%08x", (unsigned)str_hash(str_of(text)));
	return json_pack("{s:s, s:{s:o, s:s}, s:o}", "modelVersion", version, "schema", "fields", fields,
			 "delimiter", "|", "values", values);
}

json_t *floors_model_data(struct floors_model *m, const struct floors_options *opt)
{
	struct rule **chosen = xcalloc(m->n + 1, sizeof *chosen);
	enum dim without = choose_schema(m, opt, chosen);
	size_t n = choose_rules(m, without, opt, chosen);
	json_t *values = values_of(chosen, n, without);

	free(chosen);
	if (n == 0) {
		json_decref(values);
		return NULL;
	}
	return json_pack("{s:s, s:i, s:i, s:[o]}", "currency", "USD", "floorsSchemaVersion", 2, "skipRate",
			 (int)opt->skip_rate, "modelGroups", group_of(values, without));
}

bool floors_do_harm(const struct cell *applied, const struct cell *skipped, double max_fill_loss)
{
	struct lift l;

	return lift_compute(applied, skipped, &l) &&
	       (l.revenue_cpm.high < 0 || l.sold.high < -max_fill_loss * l.sold.control);
}
