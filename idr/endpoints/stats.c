/* GET /stats and GET /stats/{publisher}: figures from the roll-ups, as JSON or CSV.
 *
 *   ?days=7            1..400, today included; UTC days
 *   &granularity=day   or hour: the step of `series`
 *   &by=bidder         or country, device, format: the key of `breakdown`
 *   `lift` and `floor_lift` compare the sides of the two experiments, by days
 *   CSV (Accept: text/csv, or format=csv): one row per step and key. */
#include <math.h>
#include <time.h>

#include "common/err.h"
#include "common/http_json.h"
#include "common/json.h"
#include "idr/endpoints/endpoints.h"
#include "idr/store/figures.h"

enum { MAX_DAYS = 400, MAX_PUBLISHERS = 1000, DAY_MS = 86400000 };

struct stats_row {
	int64_t at_ms;
	struct str key;
	struct cell c;
};

struct rows {
	struct arena *arena;
	struct stats_row *v;
	size_t n, cap;
	bool keyed, timed; /* what makes a row: key, time, both */
};

struct stats {
	struct str publisher;
	uint32_t days;
	enum rollup_step step;
	enum rollup_dim by;
	bool csv, all;
	int64_t from_ms, to_ms;
	struct rows totals, series, breakdown, detail, publishers;
	size_t publishers_known; /* of whom the first MAX_PUBLISHERS are told */
	struct cell group[EVENT_GROUPS], floors[EVENT_FLOORS];
};

/* --- on the keeper's thread --- */

static struct cell *row_of(struct rows *r, int64_t at_ms, struct str key)
{
	if (!r->timed)
		at_ms = 0;
	if (!r->keyed)
		key = STR("");
	/* Rows come in order of time; keys of one time are few enough to walk. */
	for (size_t i = r->n; i-- > 0 && (!r->timed || r->v[i].at_ms == at_ms);)
		if (str_eq(r->v[i].key, key))
			return &r->v[i].c;
	if (r->n == r->cap) {
		struct stats_row *bigger = ARENA_ARRAY(r->arena, struct stats_row, r->cap ? r->cap * 2 : 64);

		if (r->n)
			memcpy(bigger, r->v, r->n * sizeof *bigger);
		r->v = bigger;
		r->cap = r->cap ? r->cap * 2 : 64;
	}
	r->v[r->n] = (struct stats_row){ .at_ms = at_ms, .key = arena_str(r->arena, key) };
	return &r->v[r->n++].c;
}

struct walk {
	struct rows *to[2];
	/* Cells by the name of their key, beside or instead of rows. */
	struct cell *by_name;
	const char *(*name)(int i);
	int n_names;
	struct str publisher;
};

static const char *group_name(int i)
{
	return event_group_name((enum event_group)i);
}

static const char *floors_name(int i)
{
	return event_floors_name((enum event_floors)i);
}

static void take(void *arg, int64_t at_ms, struct str key, const struct cell *c)
{
	struct walk *w = arg;

	for (size_t i = 0; i < 2; i++)
		if (w->to[i])
			cell_add(row_of(w->to[i], at_ms, w->publisher.n ? w->publisher : key), c);
	for (int i = 0; i < w->n_names; i++)
		if (str_eq(key, str_of(w->name(i))))
			cell_add(&w->by_name[i], c);
}

static void query(struct store_call *c, struct store *s, enum rollup_dim dim, enum rollup_step step,
		  struct walk w)
{
	const struct stats *st = c->in;
	struct stats_query q = { .publisher = w.publisher.n ? w.publisher : st->publisher,
				 .dim = dim,
				 .step = step,
				 .from_ms = st->from_ms,
				 .to_ms = st->to_ms };

	if (!c->job.err)
		c->job.err = s->ops->stats(s, &q, take, &w, &c->job.why);
}

struct names_list {
	struct arena *arena;
	struct str *v;
	size_t n, known;
};

static void list_name(void *arg, struct str name, int64_t first_ms, int64_t last_ms)
{
	struct names_list *l = arg;

	(void)first_ms;
	(void)last_ms;
	l->known++;
	if (l->n < MAX_PUBLISHERS)
		l->v[l->n++] = arena_str(l->arena, name);
}

static void query_publishers(struct store_call *c, struct store *s)
{
	struct stats *st = c->in;
	struct names_list l = { .arena = c->req->arena };

	l.v = ARENA_ARRAY(l.arena, struct str, MAX_PUBLISHERS);
	if (!c->job.err)
		c->job.err = s->ops->publishers(s, list_name, &l, &c->job.why);
	st->publishers_known = l.known;
	for (size_t i = 0; i < l.n; i++)
		query(c, s, DIM_TOTAL, STEP_DAY,
		      (struct walk){ .to = { &st->publishers }, .publisher = l.v[i] });
}

static void work(struct store_call *c, struct store *s)
{
	struct stats *st = c->in;

	st->to_ms = c->now_ms + 1;
	st->from_ms = (c->now_ms / DAY_MS - (int64_t)st->days + 1) * DAY_MS;
	if (st->csv) {
		query(c, s, st->by, st->step, (struct walk){ .to = { &st->detail } });
		return;
	}
	query(c, s, DIM_TOTAL, st->step, (struct walk){ .to = { &st->totals, &st->series } });
	query(c, s, st->by, STEP_DAY, (struct walk){ .to = { &st->breakdown } });
	query(c, s, DIM_GROUP, STEP_DAY,
	      (struct walk){ .by_name = st->group, .name = group_name, .n_names = EVENT_GROUPS });
	query(c, s, DIM_FLOORS, STEP_DAY,
	      (struct walk){ .by_name = st->floors, .name = floors_name, .n_names = EVENT_FLOORS });
	if (st->all)
		query_publishers(c, s);
}

/* --- back on the worker --- */

static void add_time(char text[32], int64_t at_ms)
{
	time_t at = (time_t)(at_ms / 1000);
	struct tm tm;

	gmtime_r(&at, &tm);
	strftime(text, 32, "%Y-%m-%dT%H:%M:%SZ", &tm);
}

static void set_figures(json_t *j, const struct cell *c)
{
	for (int f = 0; f < FIGURE_COUNT; f++) {
		double v = figure_of(c, (enum figure)f);

		json_object_set_new(j, figure_name((enum figure)f),
				    v < 0 ? json_null() : json_real(round(v * 1e6) / 1e6));
	}
}

static json_t *row_json(const struct stats_row *row, const struct rows *r, const char *key_name)
{
	json_t *j = json_object();
	char at[32];

	if (r->timed) {
		add_time(at, row->at_ms);
		json_set_str(j, "at", str_of(at));
	}
	if (r->keyed)
		json_set_str(j, key_name, row->key.n ? row->key : STR("unknown"));
	set_figures(j, &row->c);
	return j;
}

static json_t *rows_json(const struct rows *r, const char *key_name)
{
	json_t *arr = json_array();

	for (size_t i = 0; i < r->n; i++)
		json_array_append_new(arr, row_json(&r->v[i], r, key_name));
	return arr;
}

/* `interval` false: only what is known without one. */
static void set_measure(json_t *j, struct str name, const struct lift_measure *m, const char *treated,
			const char *control, bool interval)
{
	const struct {
		const char *suffix;
		double v;
		bool told;
	} members[] = {
		{ treated, m->treated, true },
		{ control, m->control, true },
		{ "difference", m->difference, true },
		{ "difference_low", m->low, interval },
		{ "difference_high", m->high, interval },
	};

	for (size_t i = 0; i < ARRAY_LEN(members); i++) {
		FREE_ON_EXIT char *key = xasprintf(STR_FMT "_%s", STR_ARG(name), members[i].suffix);

		if (members[i].told)
			json_set_real(j, key, round(members[i].v * 1e6) / 1e6);
	}
}

static json_t *lift_json(const struct stats *st)
{
	const struct cell *routed = &st->group[GROUP_ROUTED], *control = &st->group[GROUP_CONTROL];
	struct lift l;
	json_t *j = json_object();

	json_set_int(j, "routed_auctions", routed->auctions);
	json_set_int(j, "control_auctions", control->auctions);
	if (!lift_compute(routed, control, &l))
		return j;
	set_measure(j, STR("revenue_per_1000_auctions"), &l.revenue_cpm, "routed", "control", true);
	set_measure(j, STR("calls_per_auction"), &l.calls, "routed", "control", l.has_intervals);
	set_measure(j, STR("latency_ms"), &l.latency_ms, "routed", "control", l.has_intervals);
	json_set_real(j, "calls_saved_rate", 1 - cell_ratio(l.calls.treated, l.calls.control));
	return j;
}

static json_t *floor_lift_json(const struct stats *st)
{
	const struct cell *applied = &st->floors[FLOORS_APPLIED], *skipped = &st->floors[FLOORS_SKIPPED];
	struct lift l;
	json_t *j = json_object();

	json_set_int(j, "applied_auctions", applied->auctions);
	json_set_int(j, "skipped_auctions", skipped->auctions);
	if (!lift_compute(applied, skipped, &l))
		return j;
	set_measure(j, STR("revenue_per_1000_auctions"), &l.revenue_cpm, "applied", "skipped", true);
	set_measure(j, STR("sold_per_auction"), &l.sold, "applied", "skipped", true);
	return j;
}

static void reply_json(struct store_call *c)
{
	struct stats *st = c->in;
	json_t *j = arena_own_json(c->req->arena, json_object()), *totals = json_object();
	char at[32];

	if (!st->all)
		json_set_str(j, "publisher_id", st->publisher);
	json_set_int(j, "days", st->days);
	add_time(at, st->from_ms);
	json_set_str(j, "from", str_of(at));
	add_time(at, st->to_ms);
	json_set_str(j, "to", str_of(at));
	json_set_str(j, "granularity", st->step == STEP_HOUR ? STR("hour") : STR("day"));
	json_set_str(j, "by", str_of(rollup_dim_name(st->by)));
	json_set_str(j, "currency", STR("USD"));
	set_figures(totals, st->totals.n ? &st->totals.v[0].c : &(struct cell){ 0 });
	json_object_set_new(j, "totals", totals);
	json_object_set_new(j, "series", rows_json(&st->series, ""));
	json_object_set_new(j, "breakdown", rows_json(&st->breakdown, rollup_dim_name(st->by)));
	json_object_set_new(j, "lift", lift_json(st));
	json_object_set_new(j, "floor_lift", floor_lift_json(st));
	if (st->all) {
		json_object_set_new(j, "publishers", rows_json(&st->publishers, "publisher_id"));
		json_set_int(j, "publishers_known", (int64_t)st->publishers_known);
	}
	http_reply_json(c->req, 200, j);
}

/* RFC 4180; a text that a spreadsheet would take for a formula is disarmed with a quote. */
static void csv_text(struct buf *b, struct str s)
{
	buf_add_c(b, '"');
	if (s.n && strchr("=+-@", s.p[0]))
		buf_add_c(b, '\'');
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '"')
			buf_add_c(b, '"');
		buf_add_c(b, s.p[i]);
	}
	buf_add_c(b, '"');
}

static void reply_csv(struct store_call *c)
{
	struct stats *st = c->in;
	struct buf b;
	char at[32];

	buf_init(&b, 64u << 20);
	buf_addf(&b, "at,%s", rollup_dim_name(st->by));
	for (int f = 0; f < FIGURE_COUNT; f++)
		buf_addf(&b, ",%s", figure_name((enum figure)f));
	buf_add_z(&b, "\r\n");
	for (size_t i = 0; i < st->detail.n; i++) {
		add_time(at, st->detail.v[i].at_ms);
		buf_addf(&b, "%s,", at);
		csv_text(&b, st->detail.v[i].key);
		for (int f = 0; f < FIGURE_COUNT; f++) {
			double v = figure_of(&st->detail.v[i].c, (enum figure)f);

			buf_add_c(&b, ',');
			if (v >= 0)
				json_write_real(&b, round(v * 1e6) / 1e6);
		}
		buf_add_z(&b, "\r\n");
	}
	http_reply_buf(c->req, 200, "text/csv; charset=utf-8", &b);
}

/* --- asking --- */

static bool read_by(struct http_request *req, struct stats *st)
{
	struct str by = http_request_arg(req, "by", NULL);
	int dim = by.n ? rollup_dim_find(by) : DIM_BIDDER;

	if (dim < DIM_BIDDER || dim > DIM_FORMAT) {
		http_reply_error(req, 400, "by must be bidder, country, device or format");
		return false;
	}
	st->by = (enum rollup_dim)dim;
	return true;
}

static struct stats *read_query(struct http_request *req)
{
	struct stats *st = ARENA_NEW(req->arena, struct stats);
	struct str days = http_request_arg(req, "days", NULL),
		   step = http_request_arg(req, "granularity", NULL);

	st->days = 7;
	if (days.n && !str_parse_u32(days, 1, MAX_DAYS, &st->days)) {
		http_reply_error(req, 400, "days must be a number from 1 to %d", MAX_DAYS);
		return NULL;
	}
	if (step.n && !str_eq(step, STR("day")) && !str_eq(step, STR("hour"))) {
		http_reply_error(req, 400, "granularity must be day or hour");
		return NULL;
	}
	if (!read_by(req, st))
		return NULL;
	st->step = str_eq(step, STR("hour")) ? STEP_HOUR : STEP_DAY;
	st->csv = str_contains(http_request_header(req, "Accept"), STR("text/csv")) ||
		  str_eq(http_request_arg(req, "format", NULL), STR("csv"));
	st->totals = (struct rows){ .arena = req->arena };
	st->series = (struct rows){ .arena = req->arena, .timed = true };
	st->breakdown = (struct rows){ .arena = req->arena, .keyed = true };
	st->detail = (struct rows){ .arena = req->arena, .timed = true, .keyed = true };
	st->publishers = (struct rows){ .arena = req->arena, .keyed = true };
	return st;
}

void endpoint_stats(struct http_request *req)
{
	struct stats *st;
	struct str publisher;

	if (!endpoint_rest(req, &publisher) || !endpoint_may_see(req, publisher) || !(st = read_query(req)))
		return;
	st->publisher = publisher;
	endpoint_store_call(req, work, st->csv ? reply_csv : reply_json, st);
}

void endpoint_stats_all(struct http_request *req)
{
	struct stats *st;

	if (!endpoint_may_see_all(req) || !(st = read_query(req)))
		return;
	st->all = true;
	endpoint_store_call(req, work, st->csv ? reply_csv : reply_json, st);
}
