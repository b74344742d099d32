#include "pbs/exchange/rates.h"

#include <stdlib.h>
#include <time.h>

#include "common/clock.h"
#include "common/err.h"
#include "common/json.h"
#include "common/log.h"
#include "common/mem.h"

enum { MAX_RATES_BYTES = 1 << 20, RETRY_MS = 30000 };

/* One fetched table; auctions that use it hold a reference. */
struct lent_table {
	struct currency_table *table;
	size_t refs;
};

struct rates {
	struct loop *loop;
	struct http_client *http;
	struct rates_options opt;
	struct loop_timer timer;
	struct http_call call;
	struct lent_table *fetched; /* NULL before the first success */
	uint64_t fresh_ms;          /* when the rates in use came */
};

static void release(void *obj)
{
	struct lent_table *t = obj;

	if (--t->refs > 0)
		return;
	currency_table_free(t->table);
	free(t);
}

static void replace(struct rates *r, struct currency_table *table)
{
	struct lent_table *t = xcalloc(1, sizeof *t);

	*t = (struct lent_table){ table, 1 };
	if (r->fetched)
		release(r->fetched);
	r->fetched = t;
	r->fresh_ms = loop_now_ms(r->loop);
}

static void fetch(struct loop_timer *t);

static void on_reply(struct http_call *call, const struct http_call_reply *reply)
{
	struct rates *r = container_of(call, struct rates, call);
	struct currency_table *table = NULL;
	struct errtext why = { "" };

	if (reply->err)
		errtext_set(&why, "%s", reply->error_text ? reply->error_text : err_name(reply->err));
	else if (reply->status != 200)
		errtext_set(&why, "status %d", reply->status);
	else
		table = currency_table_parse(reply->body, &why);
	if (table)
		replace(r, table);
	else
		log_event(LOG_WARN, "currency_rates_not_fetched", LOG_Z("url", r->opt.url),
			  LOG_Z("reason", why.text));
	loop_timer_start(r->loop, &r->timer,
			 table || r->opt.interval_ms < RETRY_MS ? r->opt.interval_ms : RETRY_MS, fetch);
}

static void fetch(struct loop_timer *t)
{
	struct rates *r = container_of(t, struct rates, timer);
	struct http_call_request req = {
		.method = "GET",
		.url = r->opt.url,
		.follow_redirects = true,
		.max_reply_bytes = MAX_RATES_BYTES,
		.timeout_ms = r->opt.timeout_ms,
	};
	int err;

	r->call.done = on_reply;
	err = http_client_start(r->http, &r->call, &req);
	if (err == 0)
		return;
	log_event(LOG_WARN, "currency_rates_not_fetched", LOG_Z("url", r->opt.url),
		  LOG_Z("reason", err_name(err)));
	loop_timer_start(r->loop, &r->timer, r->opt.interval_ms, fetch);
}

struct rates *rates_new(struct loop *loop, struct http_client *http, const struct rates_options *opt)
{
	struct rates *r = xcalloc(1, sizeof *r);

	r->loop = loop;
	r->http = http;
	r->opt = *opt;
	r->fresh_ms = loop_now_ms(loop);
	if (*opt->url)
		loop_timer_start(loop, &r->timer, 0, fetch);
	return r;
}

void rates_free(struct rates *r)
{
	if (!r)
		return;
	loop_timer_cancel(r->loop, &r->timer);
	http_client_cancel(r->http, &r->call);
	if (r->fetched)
		release(r->fetched);
	free(r);
}

const struct currency_table *rates_lend(struct rates *r, struct arena *a)
{
	if (r->opt.stale_ms && loop_now_ms(r->loop) - r->fresh_ms > r->opt.stale_ms)
		return NULL;
	if (!r->fetched)
		return r->opt.bundled;
	r->fetched->refs++;
	arena_defer(a, release, r->fetched);
	return r->fetched->table;
}

/* When the rates in use came, by the wall clock; Go's zero time before the first. */
static struct str last_updated(const struct rates *r, struct arena *a)
{
	int64_t at_ms = clock_wall_ms() - (int64_t)(loop_now_ms(r->loop) - r->fresh_ms);
	time_t at = (time_t)(at_ms / 1000);
	char text[32];
	struct tm tm;

	if (!r->fetched || !gmtime_r(&at, &tm))
		return STR("0001-01-01T00:00:00Z");
	strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &tm);
	return str_of(arena_printf(a, "%s.%03dZ", text, (int)(at_ms % 1000)));
}

json_t *rates_describe_new(struct rates *r, struct arena *a)
{
	json_t *j = json_object();

	json_set_bool(j, "active", *r->opt.url != '\0');
	json_set_str(j, "source", str_of(r->opt.url));
	json_set_int(j, "fetchingIntervalNs", (int64_t)r->opt.interval_ms * 1000000);
	json_set_str(j, "lastUpdated", last_updated(r, a));
	json_object_set_new_nocheck(j, "rates", currency_table_render_new(rates_lend(r, a)));
	return j;
}

struct currency_table *rates_read_file(const char *path, struct errtext *why)
{
	json_t *j = json_parse_file(path, MAX_RATES_BYTES, why);
	struct currency_table *table;
	char *text;

	if (!j)
		return NULL;
	text = json_text(j);
	table = currency_table_parse(str_of(text), why);
	if (!table)
		errtext_prefix(why, "%s: ", path);
	free(text);
	json_decref(j);
	return table;
}
