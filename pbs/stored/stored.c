/* The happy path is synchronous: the cache or the files know the id. Otherwise the database is asked, then up to three
 * GETs follow, one for requests and imps, one for accounts, each for all ids of its kinds that are still missing;
 * a category mapping is a file of its own at the end of its path.
 * Whatever they answer, the lookup ends, and all of them together get the time of one. A source that lets look-ups wait for
 * nothing is left alone for a while: an answer, whatever it says, costs no time, so only silence counts against it, and only
 * where the wait was worth the name. Callers with little time, or ids of theirs that a source chokes on, cannot have it
 * cut off for everybody else. */
#include "pbs/stored/stored.h"

#include <stdlib.h>

#include "common/breaker.h"
#include "common/clock.h"
#include "common/err.h"
#include "common/json.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/url.h"
#include "pbs/metrics.h"
#include "pbs/stored/cache.h"
#include "pbs/stored/database.h"
#include "pbs/stored/updates.h"

/* The HTTP endpoints in the order they are asked: which kinds each serves, and under which query key. Stored responses
 * are never fetched by HTTP, as in the reference. */
static const struct endpoint {
	const char *name;
	size_t url; /* offset in struct stored_options */
	struct {
		enum stored_kind kind;
		const char *arg; /* NULL: <url>/<id>.json, answered with the value itself or with 404 */
	} kinds[2];
	size_t n_kinds;
} endpoints[] = {
	{ "requests",
	  offsetof(struct stored_options, http_endpoint),
	  { { STORED_REQUEST, "request-id" }, { STORED_IMP, "imp-id" } },
	  2 },
	{ "accounts",
	  offsetof(struct stored_options, accounts_endpoint),
	  { { STORED_ACCOUNT, "account-id" } },
	  1 },
	{ "categories",
	  offsetof(struct stored_options, category_endpoint),
	  { { STORED_CATEGORY, NULL } },
	  1 },
};

enum { SOURCES = 1 + ARRAY_LEN(endpoints) }; /* the database first */

static const struct breaker_rule silence = {
	.failures = 10,
	.open_ms = 2000,
	.max_open_ms = 30000,
	.probes = 1,
};

struct stored {
	struct http_client *http;
	struct stored_options opt;
	struct helper_port *database; /* NULL = none */
	struct snapshot_view files;
	struct breaker breakers[SOURCES];
};

static struct str url_of(const struct stored *s, const struct endpoint *e)
{
	return *(const struct str *)(const void *)((const char *)&s->opt + e->url);
}

struct stored *stored_new(struct http_client *http, const struct stored_options *opt)
{
	struct stored *s = xcalloc(1, sizeof *s);

	s->http = http;
	s->opt = *opt;
	for (size_t i = 0; i < SOURCES; i++)
		breaker_init(&s->breakers[i], &silence);
	if (opt->files)
		snapshot_view_init(&s->files, opt->files);
	if (opt->database)
		s->database = helper_port_new(stored_database_helper(opt->database), opt->loop);
	return s;
}

void stored_free(struct stored *s)
{
	if (!s)
		return;
	if (s->opt.files)
		snapshot_view_deinit(&s->files);
	helper_port_free(s->database);
	free(s);
}

static void start_next_or_end(struct stored_lookup *l);

static bool is_by_path(const struct endpoint *e)
{
	return !e->kinds[0].arg;
}

static bool is_missing(const struct stored_item *item)
{
	return !item->value && !item->known_missing;
}

/* What a source said of an item; NULL: it has none. Takes the reference. */
static void settle(struct stored_lookup *l, struct stored_item *item, json_t *value)
{
	const struct stored_options *opt = &l->stored->opt;

	if (value)
		item->value = arena_own_json(l->arena, value);
	if (opt->cache && value)
		stored_cache_put(opt->cache, (int)item->kind, item->id, loop_now_ms(opt->loop), value);
}

static void fail(struct stored_lookup *l, unsigned error)
{
	l->failed = true;
	l->error = error;
}

/* --- silent sources --- */

/* The one that was asked last. */
static struct breaker *breaker_of(struct stored_lookup *l)
{
	return &l->stored->breakers[l->asked - 1];
}

static const char *source_name(const struct stored_lookup *l)
{
	return l->asked == 1 ? "database" : endpoints[l->asked - 2].name;
}

static uint32_t time_left_ms(const struct stored_lookup *l)
{
	uint64_t now = loop_now_ms(l->stored->opt.loop);

	return l->deadline_ms > now ? (uint32_t)(l->deadline_ms - now) : 1;
}

static bool may_ask(struct stored_lookup *l)
{
	l->wait_ms = time_left_ms(l);
	if (breaker_allow(breaker_of(l), loop_now_ms(l->stored->opt.loop), &l->ticket))
		return true;
	fail(l, STORED_ERROR_NETWORK);
	errtext_set(
		&l->problem,
		"Error fetching stored data: the source of %s does not answer and is left alone for a moment",
		source_name(l));
	return false;
}

/* After every may_ask() that was true. */
static void note_answer(struct stored_lookup *l, bool answered)
{
	struct breaker *b = breaker_of(l);
	enum breaker_state before = b->state;

	if (!answered && l->wait_ms < l->stored->opt.usual_wait_ms / 2)
		breaker_abandon(b, l->ticket);
	else
		breaker_report(b, l->ticket, answered, loop_now_ms(l->stored->opt.loop));
	if (b->state == before)
		return;
	if (b->state == BREAKER_OPEN)
		log_event(LOG_WARN, "stored_source_silent", LOG_Z("source", source_name(l)),
			  LOG_INT("left_alone_ms", b->open_ms));
	else
		log_event(LOG_INFO, "stored_source_answers", LOG_Z("source", source_name(l)));
}

/* --- HTTP --- */

static bool serves(const struct endpoint *e, enum stored_kind kind)
{
	for (size_t k = 0; k < e->n_kinds; k++)
		if (e->kinds[k].kind == kind)
			return true;
	return false;
}

static void take_values(struct stored_lookup *l, const struct endpoint *e, const json_t *reply)
{
	for (size_t i = 0; reply && i < l->n_items; i++) {
		struct stored_item *item = &l->items[i];
		const json_t *member = json_object_get(reply, stored_members[item->kind]);
		json_t *value = json_object_getn(member, item->id.p, item->id.n);

		if (serves(e, item->kind) && is_missing(item))
			settle(l, item, json_is_null(value) ? NULL : json_incref(value));
	}
}

/* The document at a path is the value of the one id that was asked for. NULL: there is none. */
static void take_value(struct stored_lookup *l, const struct endpoint *e, json_t *value)
{
	for (size_t i = 0; value && i < l->n_items; i++)
		if (serves(e, l->items[i].kind) && is_missing(&l->items[i])) {
			settle(l, &l->items[i], json_incref(value));
			return;
		}
}

/* NULL after a failure, whose text is in l->problem. */
static json_t *read_reply(struct stored_lookup *l, const struct http_call_reply *reply)
{
	json_t *j;

	if (reply->err || reply->status != 200) {
		fail(l, STORED_ERROR_NETWORK);
		if (reply->err)
			errtext_set(&l->problem, "Error fetching stored data via HTTP: %s",
				    reply->error_text ? reply->error_text : err_name(reply->err));
		else
			errtext_set(&l->problem,
				    "Error fetching Stored Requests via HTTP. Response code was %d",
				    reply->status);
		return NULL;
	}
	j = json_parse(reply->body, &l->problem);
	if (j && !json_is_object(j)) {
		errtext_set(&l->problem, "not an object");
		json_decref(j);
		j = NULL;
	}
	if (!j) {
		errtext_prefix(&l->problem, "Error fetching stored data via HTTP: ");
		fail(l, STORED_ERROR_UNDEFINED);
	}
	return j;
}

static void on_reply(struct http_call *call, const struct http_call_reply *reply)
{
	struct stored_lookup *l = container_of(call, struct stored_lookup, call);
	const struct endpoint *e = &endpoints[l->asked - 2];
	bool is_absent = is_by_path(e) && !reply->err && reply->status == 404;
	json_t *j = is_absent ? NULL : read_reply(l, reply);

	note_answer(l, !reply->err || reply->err == ERR_LIMIT);
	if (is_by_path(e)) {
		take_value(l, e, j);
		if (l->stored->opt.metrics)
			metrics_observe(l->stored->opt.metrics, M_STORED_CATEGORY_FETCH_TIME,
					(double)(clock_mono_us() - l->asked_us) / 1e6, FETCH_ALL);
	} else {
		take_values(l, e, j);
	}
	json_decref(j);
	start_next_or_end(l);
}

/* Appends `base` with the ids of what is missing in its query; false when nothing is. */
static bool add_query(struct buf *url, struct str base, const struct stored_lookup *l,
		      const struct endpoint *e)
{
	bool any = false;

	buf_add_str(url, base);
	for (size_t k = 0; k < e->n_kinds; k++)
		for (size_t i = 0; i < l->n_items; i++) {
			if (!is_missing(&l->items[i]) || l->items[i].kind != e->kinds[k].kind)
				continue;
			buf_add_c(url, any || memchr(base.p, '?', base.n) ? '&' : '?');
			buf_add_z(url, e->kinds[k].arg);
			buf_add_c(url, '=');
			url_encode(url, l->items[i].id);
			any = true;
		}
	return any;
}

/* Appends `base` with the document of the first that is missing at the end of its path: "dfp" or "dfp/publisher". */
static bool add_path(struct buf *url, struct str base, const struct stored_lookup *l,
		     const struct endpoint *e)
{
	struct str query = base, path = str_cut(&query, '?'), name, first;
	size_t i = 0;

	while (i < l->n_items && !(is_missing(&l->items[i]) && serves(e, l->items[i].kind)))
		i++;
	if (i == l->n_items)
		return false;
	while (path.n && path.p[path.n - 1] == '/')
		path.n--;
	name = l->items[i].id;
	first = str_cut(&name, '/');
	buf_add_str(url, path);
	buf_add_c(url, '/');
	url_encode(url, first);
	if (name.p) {
		buf_add_c(url, '/');
		url_encode(url, name);
	}
	buf_add_z(url, ".json");
	if (query.p) {
		buf_add_c(url, '?');
		buf_add_str(url, query);
	}
	return true;
}

/* The endpoint with the ids that are still missing; NULL when none is. */
static char *build_url(struct stored_lookup *l, const struct endpoint *e)
{
	struct str base = url_of(l->stored, e);
	struct buf url;
	bool any;

	buf_init(&url, 65536);
	any = is_by_path(e) ? add_path(&url, base, l, e) : add_query(&url, base, l, e);
	if (!any || url.overflow) {
		if (url.overflow)
			errtext_set(&l->problem, "too many stored ids in one request");
		buf_deinit(&url);
		return NULL;
	}
	return buf_take(&url);
}

static int start_call(struct stored_lookup *l, const struct endpoint *e, const char *url)
{
	struct http_header *key = ARENA_NEW(l->arena, struct http_header);
	const struct stored_options *opt = &l->stored->opt;
	struct http_call_request req = {
		.method = "GET",
		.url = url,
		.headers = key,
		.n_headers = opt->api_key.n && !is_by_path(e) ? 1 : 0,
		.max_reply_bytes = opt->max_reply_bytes,
		.timeout_ms = l->wait_ms,
	};

	*key = (struct http_header){ STR("X-API-Key"), opt->api_key };
	l->call.done = on_reply;
	l->asked_us = clock_mono_us();
	return http_client_start(l->stored->http, &l->call, &req);
}

static bool ask_endpoint(struct stored_lookup *l, const struct endpoint *e)
{
	char *url = url_of(l->stored, e).n ? build_url(l, e) : NULL;
	int err;

	if (!url)
		return false;
	arena_defer(l->arena, free, url);
	if (!may_ask(l))
		return false;
	err = start_call(l, e, url);
	if (err < 0) {
		breaker_abandon(breaker_of(l), l->ticket);
		fail(l, STORED_ERROR_NETWORK);
		errtext_set(&l->problem, "Error fetching stored data via HTTP: %s", err_name(err));
	}
	return err == 0;
}

/* --- the database --- */

static void take_rows(struct stored_lookup *l, struct stored_database_job *job)
{
	size_t at = 0;

	for (size_t i = 0; i < l->n_items; i++)
		if (is_missing(&l->items[i]) &&
		    stored_database_has(l->stored->opt.database, l->items[i].kind)) {
			settle(l, &l->items[i], job->items[at].value);
			job->items[at++].value = NULL;
		}
}

static void on_rows(struct helper_call *call, struct helper_job *j)
{
	struct stored_lookup *l = container_of(call, struct stored_lookup, database_call);
	struct stored_database_job *job = j ? container_of(j, struct stored_database_job, job) : NULL;

	note_answer(l, job && !job->away);
	if (job && job->asked) {
		take_rows(l, job);
	} else {
		fail(l, STORED_ERROR_NETWORK);
		errtext_set(&l->problem, "Error fetching stored data from the database: %s",
			    job ? job->problem.text : "timeout");
	}
	start_next_or_end(l);
}

static bool ask_database(struct stored_lookup *l)
{
	const struct stored_options *opt = &l->stored->opt;
	struct stored_database_job *job = NULL;

	for (size_t i = 0; l->stored->database && i < l->n_items; i++) {
		if (!is_missing(&l->items[i]) || !stored_database_has(opt->database, l->items[i].kind))
			continue;
		if (!job && !may_ask(l))
			return false;
		if (!job)
			job = stored_database_job_new(l->n_items);
		stored_database_job_add(job, l->items[i].kind, l->items[i].id);
	}
	if (!job)
		return false;
	l->database_call.done = on_rows;
	if (helper_ask(l->stored->database, &l->database_call, &job->job, l->wait_ms))
		return true;
	breaker_abandon(breaker_of(l), l->ticket);
	fail(l, STORED_ERROR_NETWORK);
	errtext_set(&l->problem, "Error fetching stored data from the database: too many look-ups wait");
	return false;
}

/* --- one source after the other --- */

/* That nobody has an id is remembered only when everybody was asked and answered. */
static void remember_missing(const struct stored_lookup *l)
{
	const struct stored_options *opt = &l->stored->opt;

	for (size_t i = 0; opt->cache && l->waited && !l->failed && i < l->n_items; i++)
		if (is_missing(&l->items[i]))
			stored_cache_put(opt->cache, (int)l->items[i].kind, l->items[i].id,
					 loop_now_ms(opt->loop), NULL);
}

/* What could not be asked for counts once for its kind. */
static void count_failures(const struct stored_lookup *l)
{
	static const unsigned metrics[STORED_KINDS] = {
		[STORED_REQUEST] = M_STORED_REQUEST_ERRORS,   [STORED_IMP] = M_STORED_REQUEST_ERRORS,
		[STORED_RESPONSE] = M_STORED_RESPONSE_ERRORS, [STORED_ACCOUNT] = M_STORED_ACCOUNT_ERRORS,
		[STORED_CATEGORY] = M_STORED_CATEGORY_ERRORS,
	};
	struct metrics *m = l->stored->opt.metrics;
	uint64_t counted = 0;

	for (size_t i = 0; m && l->failed && i < l->n_items; i++) {
		unsigned metric = metrics[l->items[i].kind];

		if (is_missing(&l->items[i]) && !(counted >> l->items[i].kind & 1))
			metrics_inc(m, metric, l->error);
		counted |= 1u << l->items[i].kind;
	}
}

/* True when there is nothing left to ask. */
static bool start_next(struct stored_lookup *l)
{
	while (l->asked < SOURCES) {
		unsigned source = l->asked++;

		if (source == 0 ? ask_database(l) : ask_endpoint(l, &endpoints[source - 1])) {
			l->waited = true;
			return false;
		}
	}
	remember_missing(l);
	count_failures(l);
	return true;
}

static void start_next_or_end(struct stored_lookup *l)
{
	if (start_next(l))
		l->done(l);
}

static void count(const struct stored *s, enum stored_kind kind, bool hit)
{
	static const int metrics[STORED_KINDS] = {
		[STORED_REQUEST] = M_STORED_REQUEST_CACHE,
		[STORED_IMP] = M_STORED_IMP_CACHE,
		[STORED_RESPONSE] = -1,
		[STORED_ACCOUNT] = M_ACCOUNT_CACHE,
		[STORED_CATEGORY] = -1,
	};

	if (s->opt.metrics && s->opt.cache && metrics[kind] >= 0)
		metrics_inc(s->opt.metrics, (unsigned)metrics[kind], hit ? CACHE_HIT : CACHE_MISS);
}

static void find_here(struct stored *s, const struct stored_files *files, struct stored_lookup *l,
		      struct stored_item *item)
{
	json_t *value = NULL;
	bool known = s->opt.cache && stored_cache_get(s->opt.cache, (int)item->kind, item->id,
						      loop_now_ms(s->opt.loop), &value);

	count(s, item->kind, known);
	if (!value)
		value = json_incref(stored_files_find(files, item->kind, item->id));
	item->known_missing = known && !value;
	item->value = value ? arena_own_json(l->arena, value) : NULL;
}

bool stored_fetch(struct stored *s, struct stored_lookup *l, uint32_t timeout_ms)
{
	const struct stored_files *files = s->opt.files ? stored_files_view(&s->files) : NULL;

	l->stored = s;
	l->deadline_ms = loop_now_ms(s->opt.loop) + timeout_ms;
	l->asked = 0;
	l->waited = l->failed = false;
	l->problem.text[0] = '\0';
	for (size_t i = 0; i < l->n_items; i++)
		find_here(s, files, l, &l->items[i]);
	return start_next(l);
}
