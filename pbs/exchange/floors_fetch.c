/* One entry per URL, found by a json object that maps the URL to the entry's place. An entry's own timer is
 * its schedule; nothing walks them all. */
#include "pbs/exchange/floors_fetch.h"

#include <stdlib.h>
#include <strings.h>

#include "common/err.h"
#include "common/json.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/url.h"

enum { MAX_ENTRIES = 20000, MAX_URL_BYTES = 2048, MAX_ETAG_BYTES = 200 };

struct lent_data {
	struct floors_data *data;
	size_t refs;
};

/* What an account says about fetching. Source: Prebid Server, price_floors.fetch. */
struct fetch_rules {
	uint32_t timeout_ms, max_retries;
	size_t max_bytes, max_rules;
	uint64_t max_age_ms, period_ms;
};

struct entry {
	struct floors_fetch *owner;
	char *url, *etag;
	bool from_router;
	struct fetch_rules rules;
	struct http_call call;
	struct loop_timer timer;
	struct lent_data *data; /* NULL: nothing fetched yet */
	uint64_t good_until_ms, retry_at_ms;
	uint32_t failures; /* in a row */
	bool wanted;       /* asked for since the last fetch */
};

struct floors_fetch {
	struct loop *loop;
	struct http_client *http;
	struct floors_fetch_options opt;
	json_t *index; /* URL -> place in entries */
	struct entry **entries;
	size_t n, cap;
};

static void release(void *obj)
{
	struct lent_data *d = obj;

	if (--d->refs > 0)
		return;
	floors_data_free(d->data);
	free(d);
}

/* --- fetching --- */

static void fetch(struct loop_timer *t);

static void schedule(struct entry *e)
{
	loop_timer_start(e->owner->loop, &e->timer, e->rules.period_ms, fetch);
}

/* The digits that `s` starts with; false when there are none. */
static bool leading_seconds(struct str s, uint64_t *ret_seconds)
{
	enum { ENOUGH = 100000000 };
	uint64_t seconds = 0;
	size_t i = 0;

	for (; i < s.n && s.p[i] >= '0' && s.p[i] <= '9' && seconds < ENOUGH; i++)
		seconds = seconds * 10 + (uint64_t)(s.p[i] - '0');
	*ret_seconds = seconds;
	return i > 0;
}

/* The header `max-age` that the reference reads, `max-age` of Cache-Control, else the account's. */
static uint64_t age_ms(const struct entry *e, const struct http_call *call)
{
	struct str control = http_call_reply_header(call, "Cache-Control");
	const char *at = control.n ? memmem(control.p, control.n, "max-age=", 8) : NULL;
	uint64_t seconds;

	if (leading_seconds(http_call_reply_header(call, "max-age"), &seconds))
		return seconds * 1000;
	if (at && leading_seconds((struct str){ at + 8, (size_t)(control.p + control.n - at) - 8 }, &seconds))
		return seconds * 1000;
	return e->rules.max_age_ms;
}

static void keep(struct entry *e, struct floors_data *data, struct str etag)
{
	struct lent_data *d = xcalloc(1, sizeof *d);

	*d = (struct lent_data){ data, 1 };
	if (e->data)
		release(e->data);
	e->data = d;
	free(e->etag);
	e->etag = etag.n && etag.n <= MAX_ETAG_BYTES ? xstrndup(etag.p, etag.n) : NULL;
}

static void fail(struct entry *e, const char *why)
{
	log_event(LOG_WARN, "floors_not_fetched", LOG_Z("url", e->url), LOG_Z("reason", why));
	e->failures++;
	if (e->failures < e->rules.max_retries)
		schedule(e);
	else
		e->retry_at_ms = loop_now_ms(e->owner->loop) + e->rules.max_age_ms;
}

static void on_reply(struct http_call *call, const struct http_call_reply *reply)
{
	struct entry *e = container_of(call, struct entry, call);
	bool unchanged = !reply->err && reply->status == 304 && e->data;
	struct floors_data *data = NULL;
	struct errtext why = { "" };

	if (reply->err)
		errtext_set(&why, "%s", reply->error_text ? reply->error_text : err_name(reply->err));
	else if (reply->status != 200 && !unchanged)
		errtext_set(&why, "status %d", reply->status);
	else if (!unchanged)
		data = floors_data_parse(reply->body, e->rules.max_rules, &why);
	if (!data && !unchanged) {
		fail(e, why.text);
		return;
	}
	if (data)
		keep(e, data, http_call_reply_header(call, "ETag"));
	e->failures = 0;
	e->good_until_ms = loop_now_ms(e->owner->loop) + age_ms(e, call);
	schedule(e);
}

/* Due, or asked for the first time. What nobody asked for since the last time is left alone. */
static void fetch(struct loop_timer *t)
{
	struct entry *e = container_of(t, struct entry, timer);
	const struct floors_fetch *f = e->owner;
	struct http_header headers[2];
	struct http_call_request req = {
		.method = "GET",
		.url = e->url,
		.headers = headers,
		.follow_redirects = !e->from_router,
		.deny_private_addresses = !e->from_router && f->opt.hosts.n == 0,
		.max_reply_bytes = e->rules.max_bytes,
		.timeout_ms = e->rules.timeout_ms,
	};
	int err;

	if (!e->wanted)
		return;
	e->wanted = false;
	if (e->etag)
		headers[req.n_headers++] = (struct http_header){ STR("If-None-Match"), str_of(e->etag) };
	if (e->from_router && *f->opt.router_key)
		headers[req.n_headers++] =
			(struct http_header){ STR("X-API-Key"), str_of(f->opt.router_key) };
	e->call.done = on_reply;
	err = http_client_start(f->http, &e->call, &req);
	if (err)
		fail(e, err_name(err));
}

/* --- who wants what --- */

static uint64_t setting(const json_t *fetch, const char *key, uint64_t fallback, uint64_t max)
{
	int64_t v = json_int_at(fetch, key, 0);

	return v <= 0 ? fallback : (uint64_t)v < max ? (uint64_t)v : max;
}

static struct fetch_rules read_rules(const json_t *fetch)
{
	return (struct fetch_rules){
		.timeout_ms = (uint32_t)setting(fetch, "timeout_ms", 3000, 60000),
		.max_retries = (uint32_t)setting(fetch, "max_retries", 10, 1000),
		.max_bytes = setting(fetch, "max_file_size_kb", 100, 10240) * 1024,
		.max_rules = setting(fetch, "max_rules", 1000, 100000),
		.max_age_ms = setting(fetch, "max_age_sec", 86400, 31536000) * 1000,
		.period_ms = setting(fetch, "period_sec", 3600, 31536000) * 1000,
	};
}

static bool may_fetch(const struct floors_fetch *f, struct str text)
{
	struct url url;

	if (!url_is_http(text) || url_parse(text, &url, NULL) < 0)
		return false;
	for (size_t i = 0; i < f->opt.hosts.n; i++)
		if (str_eq_nocase(url.host, str_of(f->opt.hosts.v[i])))
			return true;
	return f->opt.hosts.n == 0;
}

/* Where the account's floors are; NULL when nowhere. The caller frees. */
static char *choose_url(const struct floors_fetch *f, struct str account, const json_t *fetch,
			bool *ret_from_router)
{
	struct str given = json_str_at(fetch, "url");
	struct buf b;

	*ret_from_router = given.n == 0;
	if (given.n)
		return may_fetch(f, given) && given.n < MAX_URL_BYTES ? xstrndup(given.p, given.n) : NULL;
	if (!*f->opt.router_url)
		return NULL;
	buf_init(&b, MAX_URL_BYTES);
	buf_add_z(&b, f->opt.router_url);
	buf_add_z(&b, "/floors/");
	url_encode(&b, account);
	if (!b.overflow)
		return buf_take(&b);
	buf_deinit(&b);
	return NULL;
}

static struct entry *add_entry(struct floors_fetch *f, char *url)
{
	struct entry *e;

	if (f->n == f->cap) {
		f->cap = f->cap ? 2 * f->cap : 16;
		f->entries = xrealloc(f->entries, f->cap * sizeof(struct entry *));
	}
	e = xcalloc(1, sizeof *e);
	e->owner = f;
	e->url = url;
	json_object_set_new_nocheck(f->index, url, json_integer((json_int_t)f->n));
	f->entries[f->n++] = e;
	return e;
}

/* The URL's entry, made when new; takes `url`. NULL when there are too many. */
static struct entry *find_entry(struct floors_fetch *f, char *url)
{
	const json_t *at = json_object_get(f->index, url);

	if (!at && f->n < MAX_ENTRIES)
		return add_entry(f, url);
	free(url);
	return at ? f->entries[json_integer_value(at)] : NULL;
}

const struct floors_data *floors_fetch_lend(struct floors_fetch *f, struct str account,
					    const json_t *fetch_rules, struct arena *a)
{
	uint64_t now = loop_now_ms(f->loop);
	bool from_router;
	struct entry *e;
	char *url;

	if (!json_bool_at(fetch_rules, "enabled", true))
		return NULL;
	url = choose_url(f, account, fetch_rules, &from_router);
	e = url ? find_entry(f, url) : NULL;
	if (!e)
		return NULL;
	e->from_router = from_router;
	e->rules = read_rules(fetch_rules);
	e->wanted = true;
	if (!e->timer.heap_at && !e->call.transfer && now >= e->retry_at_ms)
		loop_timer_start(f->loop, &e->timer, 0, fetch);
	if (!e->data || now >= e->good_until_ms)
		return NULL;
	e->data->refs++;
	arena_defer(a, release, e->data);
	return e->data->data;
}

struct floors_fetch *floors_fetch_new(struct loop *loop, struct http_client *http,
				      const struct floors_fetch_options *opt)
{
	struct floors_fetch *f = xcalloc(1, sizeof *f);

	f->loop = loop;
	f->http = http;
	f->opt = *opt;
	f->index = json_object();
	return f;
}

void floors_fetch_free(struct floors_fetch *f)
{
	if (!f)
		return;
	for (size_t i = 0; i < f->n; i++) {
		struct entry *e = f->entries[i];

		loop_timer_cancel(f->loop, &e->timer);
		http_client_cancel(f->http, &e->call);
		if (e->data)
			release(e->data);
		free(e->url);
		free(e->etag);
		free(e);
	}
	free(f->entries);
	json_decref(f->index);
	free(f);
}
