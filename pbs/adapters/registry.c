#include "pbs/adapters/registry.h"

#include <stdlib.h>

#include "common/err.h"
#include "common/mem.h"
#include "pbs/adapters/bidders.h"

/* clang-format off */
static const struct adapter *const adapters[] = {
	&adapter_33across,
	&adapter_adf,
	&adapter_appnexus,
	&adapter_criteo,
	&adapter_generic,
	&adapter_gumgum,
	&adapter_improvedigital,
	&adapter_ix,
	&adapter_openx,
	&adapter_pubmatic,
	&adapter_rubicon,
	&adapter_sharethrough,
	&adapter_smartadserver,
	&adapter_sovrn,
	&adapter_teads,
	&adapter_triplelift,
	&adapter_unruly,
	&adapter_yieldmo,
};
/* clang-format on */

const struct adapter *adapter_find(struct str name)
{
	for (size_t i = 0; i < ARRAY_LEN(adapters); i++)
		if (str_eq_nocase(name, str_of(adapters[i]->name)))
			return adapters[i];
	return NULL;
}

size_t adapter_count(void)
{
	return ARRAY_LEN(adapters);
}

const struct adapter *adapter_at(size_t i)
{
	return adapters[i];
}

struct registry {
	struct arena *arena;
	struct adapter_host host;
	struct registry_bidder **bidders; /* sorted by name */
	size_t n, cap;
};

struct registry *registry_new(const struct adapter_host *host)
{
	struct registry *r = xcalloc(1, sizeof *r);

	r->arena = arena_new();
	r->host = (struct adapter_host){
		.external_url = arena_strdup(r->arena, host->external_url ? host->external_url : ""),
		.datacenter = arena_strdup(r->arena, host->datacenter ? host->datacenter : ""),
		.version = arena_strdup(r->arena, host->version ? host->version : ""),
		.gvl_id = host->gvl_id,
	};
	return r;
}

struct registry *registry_free(struct registry *r)
{
	if (r) {
		arena_free(r->arena);
		free(r->bidders);
		free(r);
	}
	return NULL;
}

static int cmp_nocase(struct str a, struct str b)
{
	for (size_t i = 0; i < a.n && i < b.n; i++)
		if (str_lower_char(a.p[i]) != str_lower_char(b.p[i]))
			return str_lower_char(a.p[i]) < str_lower_char(b.p[i]) ? -1 : 1;
	return (a.n > b.n) - (a.n < b.n);
}

/* Where `name` is, or would be. */
static size_t place_of(const struct registry *r, struct str name)
{
	size_t low = 0, high = r->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (cmp_nocase(str_of(r->bidders[mid]->info.name), name) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

const struct registry_bidder *registry_find(const struct registry *r, struct str name)
{
	size_t i = place_of(r, name);

	return i < r->n && str_eq_nocase(str_of(r->bidders[i]->info.name), name) ? r->bidders[i] : NULL;
}

size_t registry_count(const struct registry *r)
{
	return r->n;
}

const struct registry_bidder *registry_at(const struct registry *r, size_t i)
{
	return r->bidders[i];
}

static void insert(struct registry *r, struct registry_bidder *b)
{
	size_t at = place_of(r, str_of(b->info.name));

	if (r->n == r->cap) {
		r->cap = r->cap ? 2 * r->cap : 32;
		r->bidders = xrealloc(r->bidders, r->cap * sizeof *r->bidders);
	}
	memmove(r->bidders + at + 1, r->bidders + at, (r->n - at) * sizeof *r->bidders);
	r->bidders[at] = b;
	r->n++;
}

void registry_remove(struct registry *r, const char *name)
{
	size_t at = place_of(r, str_of(name));

	if (!registry_find(r, str_of(name)))
		return;
	r->n--;
	memmove(r->bidders + at, r->bidders + at + 1, (r->n - at) * sizeof *r->bidders);
}

void registry_set_number(struct registry *r, size_t i, unsigned number)
{
	r->bidders[i]->number = number;
}

static void drop_schema(void *schema)
{
	schema_free(schema);
}

static int take_schema(struct registry *r, struct registry_bidder *b, const struct registry_bidder *parent,
		       const json_t *params, struct errtext *why)
{
	struct schema *schema;

	if (!params) {
		b->params = parent ? parent->params : NULL;
		b->params_json = parent ? parent->params_json : NULL;
		return 0;
	}
	schema = schema_new(params, why);
	if (!schema)
		return ERR_INPUT;
	arena_defer(r->arena, drop_schema, schema);
	b->params = schema;
	b->params_json = arena_own_json(r->arena, json_incref((json_t *)params));
	return 0;
}

/* The code of `adapter:` in the bidder's file, else that of its parent, else that of its name. */
static const struct adapter *choose_code(const struct registry_bidder *b,
					 const struct registry_bidder *parent, struct errtext *why)
{
	struct str named = json_str_at(b->info.root, "adapter");
	const struct adapter *code;

	if (parent && !named.n)
		return parent->bidder.adapter;
	code = adapter_find(named.n ? named : str_of(b->info.name));
	if (!code && named.n)
		errtext_set(why, "adapter: there is no code named " STR_FMT, STR_ARG(named));
	return code ? code : &adapter_generic;
}

/* A bidder that is not ready to run is disabled. */
static void build(struct registry *r, struct registry_bidder *b, const struct registry_bidder *parent)
{
	struct errtext why = { "" };

	b->bidder = (struct bidder){
		.name = b->info.name, .endpoint = b->info.endpoint, .info = &b->info, .host = &r->host
	};
	b->bidder.adapter = choose_code(b, parent, &why);
	b->disabled = b->info.disabled;
	if (b->disabled)
		return;
	if (!b->info.endpoint && !why.text[0])
		errtext_set(&why, "no endpoint is configured");
	else if (!why.text[0] &&
		 (!b->bidder.adapter->build || b->bidder.adapter->build(&b->bidder, r->arena, &why) == 0))
		return;
	b->disabled = true;
	b->why_disabled = arena_strdup(r->arena, why.text);
}

int registry_add(struct registry *r, const char *name, const json_t *file, const json_t *params,
		 const json_t *host, struct errtext *why)
{
	struct registry_bidder *b = ARENA_NEW(r->arena, struct registry_bidder);
	struct str alias_of = json_str_at(file, "aliasOf");
	const struct registry_bidder *parent = NULL;

	if (registry_find(r, str_of(name))) {
		errtext_set(why, "bidder %s is there twice", name);
		return ERR_INPUT;
	}
	if (alias_of.n > 0) {
		parent = registry_find(r, alias_of);
		if (!parent) {
			errtext_set(why, "aliasOf: there is no bidder " STR_FMT, STR_ARG(alias_of));
			return ERR_NOTFOUND;
		}
	}
	if (bidder_info_parse(r->arena, name, file, parent ? &parent->info : NULL, host, &b->info, why) < 0)
		return ERR_INPUT;
	b->file = arena_own_json(r->arena, json_deep_copy(file));
	b->params_file = params ? arena_own_json(r->arena, json_deep_copy(params)) : NULL;
	if (!params)
		params = json_at(b->info.root, "generic.schema"); /* a bidder may be all in one file */
	if (take_schema(r, b, parent, params, why) < 0)
		return ERR_INPUT;
	build(r, b, parent);
	insert(r, b);
	return 0;
}

bool registry_keep(struct registry *r, const struct registry *before, const char *name, const json_t *host)
{
	const struct registry_bidder *old = before ? registry_find(before, str_of(name)) : NULL, *now;
	struct errtext why;

	if (!old || old->disabled)
		return false;
	now = registry_find(r, str_of(name));
	if (now)
		registry_remove(r, name);
	if (registry_add(r, name, old->file, old->params_file, host, &why) == 0)
		return true;
	if (now)
		insert(r, (struct registry_bidder *)(uintptr_t)now);
	return false;
}
