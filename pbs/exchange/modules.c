#include "pbs/exchange/modules.h"

#include "common/json.h"
#include "pbs/exchange/auction.h"

#define MODULE "nexus.router"
#define HOOK   "select-bidders"

/* Anything but an answer is told as Prebid's status of a hook. */
static const char *const statuses[UNROUTED_VALUES] = {
	[ROUTED] = "success",
	[UNROUTED_DISABLED] = "success",
	[UNROUTED_NOBODY] = "success",
	[UNROUTED_BREAKER] = "failure",
	[UNROUTED_TIMEOUT] = "timeout",
	[UNROUTED_ERROR] = "execution_failure",
	[UNROUTED_INVALID] = "execution_failure",
};

static size_t count_left_out(const struct auction *a)
{
	size_t n = 0;

	for (size_t i = 0; i < a->n_candidates; i++)
		n += !a->candidates[i].blocked && !a->candidates[i].selected;
	return n;
}

static const char *describe(const struct auction *a)
{
	if (a->unrouted != ROUTED)
		return arena_printf(a->arena, "no routing (%s): every bidder is called",
				    unrouted_names[a->unrouted]);
	return arena_printf(a->arena, "%zu of %zu bidders left out", count_left_out(a), a->n_candidates);
}

/* An array of one; takes its reference. */
static json_t *only(json_t *j)
{
	json_t *list = json_array();

	json_array_append_new(list, j);
	return list;
}

static void set_text(json_t *obj, const char *key, const char *text)
{
	json_set_str(obj, key, str_of(text));
}

/* Time that was none is left out, as the reference does. */
static void set_time(json_t *obj, const struct auction *a)
{
	if (a->route_us >= 1000)
		json_set_int(obj, "execution_time_millis", a->route_us / 1000);
}

static json_t *render_invocation(const struct auction *a, bool verbose)
{
	json_t *result = json_object(), *hook = json_object();

	set_text(hook, "module_code", MODULE);
	set_text(hook, "hook_impl_code", HOOK);
	json_object_set_new_nocheck(result, "hook_id", hook);
	json_object_set_new_nocheck(result, "analytics_tags", json_object());
	set_time(result, a);
	set_text(result, "status", statuses[a->unrouted]);
	if (a->unrouted == ROUTED)
		set_text(result, "action", count_left_out(a) ? "update" : "no_action");
	set_text(result, "message", describe(a));
	if (verbose && a->unrouted != ROUTED)
		json_object_set_new_nocheck(result, "debug_messages",
					    only(json_string(unrouted_names[a->unrouted])));
	return result;
}

static json_t *with_time(const struct auction *a, const char *key, json_t *inner)
{
	json_t *j = json_object();

	set_time(j, a);
	json_object_set_new_nocheck(j, key, only(inner));
	return j;
}

static json_t *render_trace(const struct auction *a, bool verbose)
{
	json_t *group = with_time(a, "invocation_results", render_invocation(a, verbose));
	json_t *outcome = with_time(a, "groups", group), *stage;

	set_text(outcome, "entity", "auction-request");
	stage = with_time(a, "outcomes", outcome);
	set_text(stage, "stage", "processed_auction_request");
	return with_time(a, "stages", stage);
}

static json_t *render_errors(const struct auction *a)
{
	json_t *hooks = json_object(), *modules = json_object();

	json_object_set_new_nocheck(hooks, HOOK, only(json_string(describe(a))));
	json_object_set_new_nocheck(modules, MODULE, hooks);
	return modules;
}

json_t *modules_render(const struct auction *a)
{
	struct str level = json_str_at(a->request, "ext.prebid.trace");
	bool verbose = str_eq(level, STR("verbose")), failed = a->unrouted > UNROUTED_NOBODY;
	json_t *j;

	if (a->unrouted == UNROUTED_DISABLED || a->unrouted == UNROUTED_NOBODY)
		return NULL;
	j = json_object();
	if (a->debug && failed)
		json_object_set_new_nocheck(j, "errors", render_errors(a));
	if (verbose || str_eq(level, STR("basic")))
		json_object_set_new_nocheck(j, "trace", render_trace(a, verbose));
	if (json_object_size(j) == 0) {
		json_decref(j);
		return NULL;
	}
	return j;
}
