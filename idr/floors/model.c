#include "idr/floors/model.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/json.h"
#include "common/mem.h"

enum { DIMS = 3, PARENTS = 1 << DIMS };

struct rule {
	char *key; /* "banner|gbr|phone", '*' for any */
	struct floor_cell c;
	double floor;
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

struct outcome_at {
	double revenue, lost;
};

static struct outcome_at outcome_of(const struct floor_cell *c, double floor, double shade)
{
	struct outcome_at o = { 0 };

	for (unsigned i = 0; i < PRICE_BUCKETS; i++) {
		double price = price_of(i), n = c->best[i];

		if (price >= floor)
			o.revenue += n * price;
		else if (price >= floor * shade)
			o.revenue += n * floor;
		else
			o.lost += n;
	}
	return o;
}

static double sold(const struct floor_cell *c)
{
	double n = 0;

	for (unsigned i = 0; i < PRICE_BUCKETS; i++)
		n += c->best[i];
	return n;
}

double floor_choose(const struct floor_cell *c, const struct floors_options *opt)
{
	double least = fmax(opt->floor_min_usd, (double)c->lowest_floor_usd), best = least;
	double n = sold(c), best_revenue = outcome_of(c, least, opt->shade).revenue;

	for (unsigned i = 0; i < PRICE_BUCKETS; i++) {
		double floor = price_bucket_low(i);
		struct outcome_at o = outcome_of(c, floor, opt->shade);

		if (floor <= least)
			continue;
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
	for (size_t i = 0; i < m->n; i++)
		*find_slot(m, str_of(m->rule[i].key)) = (uint32_t)i + 1;
}

static struct rule *rule_of(struct floors_model *m, struct str key)
{
	uint32_t *slot;

	if ((m->n + 1) * 2 > m->slots)
		grow(m);
	slot = find_slot(m, key);
	if (!*slot) {
		if (m->n == m->cap) {
			m->cap = m->cap ? m->cap * 2 : 64;
			m->rule = xrealloc(m->rule, m->cap * sizeof *m->rule);
		}
		m->rule[m->n] = (struct rule){ .key = xstrndup(key.p, key.n) };
		*slot = (uint32_t)++m->n;
	}
	return &m->rule[*slot - 1];
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

static void add_part(struct buf *b, struct str part, bool any)
{
	if (b->n)
		buf_add_c(b, '|');
	if (any || part.n == 0) {
		buf_add_c(b, '*');
		return;
	}
	for (size_t i = 0; i < part.n; i++)
		buf_add_c(b, (char)tolower((unsigned char)part.p[i]));
}

void floors_model_add(struct floors_model *m, const struct floor_key *k, const struct floor_cell *c)
{
	const struct str part[DIMS] = { k->format, k->country, device_word(k->device) };
	struct buf key;

	buf_init(&key, 512);
	for (unsigned any = 0; any < PARENTS; any++) {
		bool repeated = false;

		buf_clear(&key);
		for (unsigned d = 0; d < DIMS; d++) {
			bool unknown = part[d].n == 0 || str_eq(part[d], STR("*"));

			/* What is unknown already is its own parent: it is counted once. */
			repeated |= unknown && (any >> d & 1);
			add_part(&key, part[d], any >> d & 1);
		}
		if (!repeated && !key.overflow)
			floor_cell_add(&rule_of(m, buf_str(&key))->c, c);
	}
	buf_deinit(&key);
}

static int by_auctions(const void *a, const void *b)
{
	const struct rule *const *x = a, *const *y = b;

	if ((*x)->c.auctions != (*y)->c.auctions)
		return (*x)->c.auctions > (*y)->c.auctions ? -1 : 1;
	return strcmp((*x)->key, (*y)->key);
}

static json_t *values_of(const struct floors_model *m, const struct floors_options *opt)
{
	struct rule **chosen = xcalloc(m->n + 1, sizeof(struct rule *));
	json_t *values = json_object();
	size_t n = 0;

	for (size_t i = 0; i < m->n; i++)
		if (sold(&m->rule[i].c) >= (double)opt->min_sold) {
			m->rule[i].floor = floor_choose(&m->rule[i].c, opt);
			chosen[n++] = &m->rule[i];
		}
	qsort(chosen, n, sizeof *chosen, by_auctions);
	for (size_t i = 0; i < n && i < FLOOR_RULES_MAX; i++)
		json_set_real(values, chosen[i]->key, round(chosen[i]->floor * 1e4) / 1e4);
	free(chosen);
	return values;
}

json_t *floors_model_data(const struct floors_model *m, const struct floors_options *opt)
{
	json_t *values = values_of(m, opt), *group;
	char version[24];
	char *text;

	if (json_object_size(values) == 0) {
		json_decref(values);
		return NULL;
	}
	text = json_text(values);
	snprintf(version, sizeof version, "auto-%08x", (unsigned)str_hash(str_of(text)));
	free(text);
	group = json_pack("{s:s, s:{s:[s,s,s], s:s}, s:o}", "modelVersion", version, "schema", "fields",
			  "mediaType", "country", "deviceType", "delimiter", "|", "values", values);
	return json_pack("{s:s, s:i, s:i, s:[o]}", "currency", "USD", "floorsSchemaVersion", 2, "skipRate",
			 (int)opt->skip_rate, "modelGroups", group);
}
