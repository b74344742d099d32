#include "pbs/price/granularity.h"

#include <math.h>

#include "common/decimal.h"
#include "common/err.h"
#include "common/json.h"
#include "common/mem.h"

enum { DEFAULT_PRECISION = 2, MAX_PRECISION = 15 };

static const struct price_range low[] = { { 0, 5, 0.5 } };
static const struct price_range medium[] = { { 0, 20, 0.1 } };
static const struct price_range high[] = { { 0, 20, 0.01 } };
static const struct price_range automatic[] = { { 0, 5, 0.05 }, { 5, 10, 0.1 }, { 10, 20, 0.5 } };
static const struct price_range dense[] = { { 0, 3, 0.01 }, { 3, 8, 0.05 }, { 8, 20, 0.5 } };

#define LADDER(name, ranges)                                                                                 \
	{                                                                                                    \
		name,                                                                                        \
		{                                                                                            \
			DEFAULT_PRECISION, ranges, ARRAY_LEN(ranges)                                         \
		}                                                                                            \
	}
static const struct {
	const char *name;
	struct granularity g;
} ladders[] = {
	LADDER("medium", medium), LADDER("med", medium),     LADDER("low", low),
	LADDER("high", high),     LADDER("auto", automatic), LADDER("dense", dense),
};

const struct granularity *granularity_named(struct str name)
{
	for (size_t i = 0; i < ARRAY_LEN(ladders); i++)
		if (str_eq(name, str_of(ladders[i].name)))
			return &ladders[i].g;
	return NULL;
}

static int refuse(struct errtext *why, const char *what)
{
	errtext_set(why, "Price granularity error: %s", what);
	return ERR_INPUT;
}

static int parse_precision(const json_t *j, int *ret_precision, struct errtext *why)
{
	if (!j || json_is_null(j)) {
		*ret_precision = DEFAULT_PRECISION;
		return 0;
	}
	if (!json_is_integer(j))
		return refuse(why, "precision must be an integer");
	if (json_integer_value(j) < 0)
		return refuse(why, "precision must be non-negative");
	if (json_integer_value(j) > MAX_PRECISION)
		return refuse(why, "precision of more than 15 significant figures is not supported");
	*ret_precision = (int)json_integer_value(j);
	return 0;
}

/* A `min` in the request is ignored: each range starts where the one before ended. */
static int parse_ranges(const json_t *list, struct price_range *out, struct errtext *why)
{
	double end = 0;
	size_t i;
	json_t *r;

	json_array_foreach (list, i, r) {
		double max = json_num_at(r, "max", 0), increment = json_num_at(r, "increment", 0);

		if (max <= end)
			return refuse(why, "range list must be ordered with increasing \"max\"");
		if (increment <= 0)
			return refuse(why, "increment must be a nonzero positive number");
		out[i] = (struct price_range){ end, max, increment };
		end = max;
	}
	return 0;
}

static int parse_custom(const json_t *j, struct arena *a, struct granularity *ret_g, struct errtext *why)
{
	const json_t *list = json_object_get(j, "ranges");
	struct granularity g = ladders[0].g;
	struct price_range *ranges;

	if (list && !json_is_array(list) && !json_is_null(list))
		return refuse(why, "ranges must be an array");
	if (json_array_size(list) == 0) {
		*ret_g = g;
		return 0;
	}
	if (parse_precision(json_object_get(j, "precision"), &g.precision, why) < 0)
		return ERR_INPUT;
	ranges = ARENA_ARRAY(a, struct price_range, json_array_size(list));
	if (parse_ranges(list, ranges, why) < 0)
		return ERR_INPUT;
	g.ranges = ranges;
	g.n_ranges = json_array_size(list);
	*ret_g = g;
	return 0;
}

int granularity_parse(const json_t *j, struct arena *a, struct granularity *ret_g, struct errtext *why)
{
	const struct granularity *named;

	if (json_is_object(j))
		return parse_custom(j, a, ret_g, why);
	if (j && !json_is_null(j) && !json_is_string(j)) {
		errtext_set(why, "price granularity must be a name or an object");
		return ERR_INPUT;
	}
	named = json_is_string(j) ? granularity_named(json_str(j)) : &ladders[0].g;
	if (!named) {
		errtext_set(why, "unrecognized price granularity \"" STR_FMT "\"", STR_ARG(json_str(j)));
		return ERR_INPUT;
	}
	*ret_g = *named;
	return 0;
}

json_t *granularity_render(const struct granularity *g)
{
	json_t *j = json_object(), *ranges = json_array();

	json_set_int(j, "precision", g->precision);
	for (size_t i = 0; i < g->n_ranges; i++) {
		json_t *r = json_object();

		json_set_real(r, "min", g->ranges[i].min);
		json_set_real(r, "max", g->ranges[i].max);
		json_set_real(r, "increment", g->ranges[i].increment);
		json_array_append_new(ranges, r);
	}
	json_object_set_new_nocheck(j, "ranges", ranges);
	return j;
}

bool bid_rounding_parse(struct str name, enum bid_rounding *ret_r)
{
	static const char *const names[] = { "down", "true", "up", "timesplit" };

	int i = name.n ? str_index(name, names, ARRAY_LEN(names)) : ROUNDING_DOWN;

	if (i >= 0)
		*ret_r = (enum bid_rounding)i;
	return i >= 0;
}

static double round_steps(double steps, enum bid_rounding rounding, struct rng *rng)
{
	switch (rounding) {
	case ROUNDING_TRUE: return round(steps);
	case ROUNDING_UP: return ceil(steps);
	case ROUNDING_TIMESPLIT: return rng_below(rng, 2) ? ceil(steps) : floor(steps);
	case ROUNDING_DOWN: break;
	}
	return floor(steps);
}

/* 0.3 / 0.1 is 2.9999999999999996: a whole number of steps that lost its last bit to binary. */
static double decimal_steps(double steps)
{
	double whole = round(steps);

	return fabs(steps - whole) <= 1e-9 * fmax(1, fabs(steps)) ? whole : steps;
}

static struct str fixed_text(double v, int precision, struct arena *a)
{
	char text[DECIMAL_FIXED_MAX];

	return arena_str(a, (struct str){ text, decimal_fixed(text, v, precision) });
}

struct str price_bucket(double cpm, const struct granularity *g, enum bid_rounding rounding, bool exact,
			struct rng *rng, struct arena *a)
{
	const struct price_range *in = NULL;
	double top = 0, steps;

	for (size_t i = 0; i < g->n_ranges; i++) {
		if (g->ranges[i].max > top)
			top = g->ranges[i].max;
		if (cpm >= g->ranges[i].min && cpm <= g->ranges[i].max)
			in = &g->ranges[i];
	}
	if (cpm > top)
		return fixed_text(top, g->precision, a);
	if (!in)
		return STR("");
	steps = (cpm - in->min) / in->increment;
	if (exact)
		steps = decimal_steps(steps);
	steps = round_steps(steps, rounding, rng);
	return fixed_text(steps * in->increment + in->min, g->precision, a);
}
