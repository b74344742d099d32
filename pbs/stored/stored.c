/* The happy path is synchronous: files know the id. Otherwise up to two GETs follow, one for requests and
 * imps, one for accounts, each asking for all ids of its kinds that are still missing. Whatever they answer,
 * the lookup ends. */
#include "pbs/stored/stored.h"

#include <stdlib.h>

#include "common/err.h"
#include "common/json.h"
#include "common/mem.h"
#include "common/url.h"
#include "pbs/stored/cache.h"

struct stored {
	struct http_client *http;
	struct stored_cache *cache; /* NULL = none */
	struct stored_options opt;
	struct snapshot_view files;
};

/* The HTTP endpoints in the order they are asked: which kinds each serves, under which query key, and where
 * its reply has them. Stored responses are never fetched by HTTP, as in the reference. */
static const struct {
	size_t endpoint; /* offset in struct stored_options */
	struct {
		enum stored_kind kind;
		const char *arg, *member;
	} kinds[2];
	size_t n_kinds;
} sources[] = {
	{ offsetof(struct stored_options, http_endpoint),
	  { { STORED_REQUEST, "request-id", "requests" }, { STORED_IMP, "imp-id", "imps" } },
	  2 },
	{ offsetof(struct stored_options, accounts_endpoint),
	  { { STORED_ACCOUNT, "account-id", "accounts" } },
	  1 },
};

static struct str endpoint_of(const struct stored *s, size_t source)
{
	return *(const struct str *)(const void *)((const char *)&s->opt + sources[source].endpoint);
}

struct stored *stored_new(struct http_client *http, const struct stored_options *opt)
{
	struct stored *s = xcalloc(1, sizeof *s);

	s->http = http;
	s->opt = *opt;
	if (opt->files)
		snapshot_view_init(&s->files, opt->files);
	if (opt->cache_ttl_ms && opt->cache_entries)
		s->cache = stored_cache_new(opt->cache_entries, opt->cache_ttl_ms);
	return s;
}

void stored_free(struct stored *s)
{
	if (!s)
		return;
	if (s->opt.files)
		snapshot_view_deinit(&s->files);
	stored_cache_free(s->cache);
	free(s);
}

static bool start_next(struct stored_lookup *l);

static void take_values(struct stored_lookup *l, size_t source, const json_t *reply)
{
	for (size_t i = 0; i < l->n_items; i++) {
		struct stored_item *item = &l->items[i];

		for (size_t k = 0; k < sources[source].n_kinds && !item->value; k++) {
			const json_t *member = json_object_get(reply, sources[source].kinds[k].member);
			json_t *value = json_object_getn(member, item->id.p, item->id.n);

			if (item->kind != sources[source].kinds[k].kind)
				continue;
			if (value && !json_is_null(value))
				item->value = arena_own_json(l->arena, json_incref(value));
			if (l->stored->cache && reply)
				stored_cache_put(l->stored->cache, (int)item->kind, item->id,
						 loop_now_ms(l->stored->opt.loop), item->value);
		}
	}
}

static void on_reply(struct http_call *call, const struct http_call_reply *reply)
{
	struct stored_lookup *l = container_of(call, struct stored_lookup, call);
	size_t source = l->asked - 1;
	json_t *j = NULL;

	if (reply->err)
		errtext_set(&l->problem, "Error fetching stored data via HTTP: %s",
			    reply->error_text ? reply->error_text : err_name(reply->err));
	else if (reply->status != 200)
		errtext_set(&l->problem, "Error fetching Stored Requests via HTTP. Response code was %d",
			    reply->status);
	else if (!(j = json_parse(reply->body, &l->problem)))
		errtext_prefix(&l->problem, "Error fetching stored data via HTTP: ");
	take_values(l, source, j);
	json_decref(j);
	if (start_next(l))
		l->done(l);
}

/* The endpoint with the ids that are still missing; NULL when none is. */
static char *build_url(struct stored_lookup *l, size_t source)
{
	struct str endpoint = endpoint_of(l->stored, source);
	struct buf url;
	bool any = false;

	buf_init(&url, 65536);
	buf_add_str(&url, endpoint);
	for (size_t k = 0; k < sources[source].n_kinds; k++)
		for (size_t i = 0; i < l->n_items; i++) {
			if (l->items[i].value || l->items[i].known_missing ||
			    l->items[i].kind != sources[source].kinds[k].kind)
				continue;
			buf_add_c(&url, any || memchr(endpoint.p, '?', endpoint.n) ? '&' : '?');
			buf_add_z(&url, sources[source].kinds[k].arg);
			buf_add_c(&url, '=');
			url_encode(&url, l->items[i].id);
			any = true;
		}
	if (!any || url.overflow) {
		if (url.overflow)
			errtext_set(&l->problem, "too many stored ids in one request");
		buf_deinit(&url);
		return NULL;
	}
	return buf_take(&url);
}

static int start_call(struct stored_lookup *l, const char *url)
{
	struct http_header *key = ARENA_NEW(l->arena, struct http_header);
	const struct stored_options *opt = &l->stored->opt;
	struct http_call_request req = {
		.method = "GET",
		.url = url,
		.headers = key,
		.n_headers = opt->api_key.n ? 1 : 0,
		.max_reply_bytes = opt->max_reply_bytes,
		.timeout_ms = l->timeout_ms,
	};

	*key = (struct http_header){ STR("X-API-Key"), opt->api_key };
	l->call.done = on_reply;
	return http_client_start(l->stored->http, &l->call, &req);
}

/* True when there is nothing left to ask. */
static bool start_next(struct stored_lookup *l)
{
	while (l->asked < ARRAY_LEN(sources)) {
		size_t source = l->asked++;
		char *url = endpoint_of(l->stored, source).n ? build_url(l, source) : NULL;
		int err;

		if (!url)
			continue;
		arena_defer(l->arena, free, url);
		err = start_call(l, url);
		if (err == 0)
			return false;
		errtext_set(&l->problem, "Error fetching stored data via HTTP: %s", err_name(err));
	}
	return true;
}

bool stored_fetch(struct stored *s, struct stored_lookup *l, uint32_t timeout_ms)
{
	const struct stored_files *files = s->opt.files ? stored_files_view(&s->files) : NULL;

	l->stored = s;
	l->timeout_ms = timeout_ms;
	l->asked = 0;
	l->problem.text[0] = '\0';
	for (size_t i = 0; i < l->n_items; i++) {
		struct stored_item *item = &l->items[i];
		json_t *value = stored_files_find(files, item->kind, item->id);

		if (!value && s->cache)
			item->known_missing = stored_cache_get(s->cache, (int)item->kind, item->id,
							       loop_now_ms(s->opt.loop), &value) &&
					      !value;
		item->value = value ? arena_own_json(l->arena, json_incref(value)) : NULL;
	}
	return start_next(l);
}

void stored_cancel(struct stored_lookup *l)
{
	if (l->stored)
		http_client_cancel(l->stored->http, &l->call);
}
