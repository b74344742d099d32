/* The RESOLVE stage: from bytes to one JSON request with everything that is stored elsewhere merged in, and
 * the account it belongs to.
 *
 * Two look-ups, the second only because it needs the first: stored requests and imps, then the account, whose
 * id may stand in the stored request. Either waits only when the data is not in memory. */
#include <assert.h>

#include "common/err.h"
#include "common/json.h"
#include "common/mem.h"
#include "pbs/config.h"
#include "pbs/exchange/account.h"
#include "pbs/exchange/auction.h"
#include "pbs/openrtb/report.h"

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* A body that is no object at all is described as the reference does. */
static int parse_body(struct auction *a)
{
	struct errtext why;
	size_t at = 0;
	char first;

	a->incoming = arena_own_json(a->arena, json_parse(a->body, &why));
	if (json_is_object(a->incoming))
		return 0;
	if (a->incoming)
		errtext_set(&why, "the body must be a JSON object");
	while (at < a->body.n && is_space(a->body.p[at]))
		at++;
	first = at < a->body.n ? a->body.p[at] : ' ';
	if (first == '{')
		return refuse(&a->messages, "the body is not JSON: %s", why.text);
	return refuse(&a->messages, "expect { or n, but found %c (%s)",
		      first > ' ' && first <= '~' ? first : ' ', why.text);
}

/* Clients write the key in any case, so decoding may take the imps from several members. */
int auction_check_imp_count(struct auction *a, json_t *request)
{
	const char *key;
	size_t len;
	json_t *v;

	json_object_keylen_foreach(request, key, len, v)
	{
		if (str_eq_nocase((struct str){ key, len }, STR("imp")) &&
		    json_array_size(v) > a->config->max_imps)
			return refuse(&a->messages, "request.imp has %zu elements, at most %u are served",
				      json_array_size(v), a->config->max_imps);
	}
	return 0;
}

uint32_t auction_stored_timeout_ms(const struct auction *a)
{
	const struct pbs_config *c = a->config;
	int64_t tmax = json_int_at(a->incoming, "tmax", 0);
	uint32_t max = pbs_timeout_max_ms(c);

	if (tmax <= 0)
		return c->stored_timeout_ms;
	return tmax < max ? (uint32_t)tmax : max;
}

/* True when the answer is there already, else `done` will come. */
static bool look_up(struct auction *a, struct stored_item *items, size_t n,
		    void (*done)(struct stored_lookup *))
{
	a->lookup = (struct stored_lookup){ .arena = a->arena, .items = items, .n_items = n, .done = done };
	return stored_fetch(a->x->stored, &a->lookup, auction_stored_timeout_ms(a));
}

/* --- the account --- */

/* A key that was given to one publisher opens only that publisher's account. */
static bool key_fits(struct auction *a)
{
	if (a->bound_publisher.n == 0 || str_eq(a->bound_publisher, a->account_id))
		return true;
	a->status = 403;
	a->refusal = str_of(arena_printf(a->arena,
					 "this API key belongs to publisher \"" STR_FMT
					 "\", the request to \"" STR_FMT "\"\n",
					 STR_ARG(a->bound_publisher), STR_ARG(a->account_id)));
	return false;
}

static int merge(struct auction *a)
{
	const struct pbs_config *c = a->config;
	struct stored_merge sm = {
		.incoming = a->incoming,
		.ids = &a->stored_ids,
		.found = &a->stored_found,
		.default_request = a->x->default_request,
		.generate_request_id = c->generate_request_id,
		.stored_wins = c->stored_request_wins,
		.rng = &a->x->rng,
	};

	if (!sm.default_request && a->stored_ids.request.n == 0 && a->stored_ids.n_imps == 0) {
		a->request = a->incoming;
		return stored_check_imp_ids(a->incoming, &a->messages);
	}
	if (stored_merge(&sm, a->arena, &a->messages, &a->request, &a->stored_imps) < 0)
		return ERR_INPUT;
	arena_own_json(a->arena, a->request);
	return 0;
}

static enum stage with_account(struct auction *a)
{
	if (!key_fits(a))
		return STAGE_REPLY;
	a->account_is_known = a->lookup.items[0].value != NULL;
	if (account_settle(a, a->lookup.items[0].value) < 0 || merge(a) < 0)
		return auction_refuse(a);
	return STAGE_ENRICH;
}

static void on_account(struct stored_lookup *l)
{
	struct auction *a = container_of(l, struct auction, lookup);

	assert(a->stage == STAGE_RESOLVE);
	auction_enter(a, with_account(a));
}

static enum stage find_account(struct auction *a)
{
	struct stored_item *item = ARENA_NEW(a->arena, struct stored_item);

	if (stored_account_id(a->stored_found.request, a->incoming, &a->messages, &a->account_id) < 0)
		return auction_refuse(a);
	*item = (struct stored_item){ .kind = STORED_ACCOUNT, .id = a->account_id };
	return look_up(a, item, 1, on_account) ? with_account(a) : STAGE_WAIT;
}

/* --- stored requests and imps --- */

/* The look-up holds the request first, when one is named, then the imps. */
static enum stage with_stored(struct auction *a)
{
	const struct stored_ids *ids = &a->stored_ids;
	const struct stored_item *item = a->lookup.items;
	const json_t **imps = ARENA_ARRAY(a->arena, const json_t *, ids->n_imps + 1);

	if (ids->request.n)
		a->stored_found.request = item++->value;
	for (size_t i = 0; i < ids->n_imps; i++)
		imps[i] = item++->value;
	a->stored_found.imps = imps;
	if (stored_check(ids, &a->stored_found, &a->messages) < 0) {
		if (a->lookup.problem.text[0])
			(void)refuse(&a->messages, "%s", a->lookup.problem.text);
		return auction_refuse(a);
	}
	return find_account(a);
}

static void on_stored(struct stored_lookup *l)
{
	struct auction *a = container_of(l, struct auction, lookup);

	assert(a->stage == STAGE_RESOLVE);
	auction_enter(a, with_stored(a));
}

enum stage auction_resolve(struct auction *a)
{
	struct stored_item *items;
	size_t n = 0;

	if (parse_body(a) < 0 || auction_check_imp_count(a, a->incoming) < 0 ||
	    stored_collect(a->incoming, a->arena, &a->messages, &a->stored_ids) < 0)
		return auction_refuse(a);
	if (a->stored_ids.request.n == 0 && a->stored_ids.n_imps == 0)
		return find_account(a);
	items = ARENA_ARRAY(a->arena, struct stored_item, a->stored_ids.n_imps + 1);
	if (a->stored_ids.request.n)
		items[n++] = (struct stored_item){ .kind = STORED_REQUEST, .id = a->stored_ids.request };
	for (size_t i = 0; i < a->stored_ids.n_imps; i++)
		items[n++] = (struct stored_item){ .kind = STORED_IMP, .id = a->stored_ids.imps[i] };
	return look_up(a, items, n, on_stored) ? with_stored(a) : STAGE_WAIT;
}
