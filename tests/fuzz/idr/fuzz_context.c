/* Requests, events and settings: whatever they say, a context stays in range and settings stay in theirs. */
#include <stdlib.h>

#include "common/json.h"
#include "idr/core/context.h"
#include "idr/core/settings.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct context *c)
{
	if (c->hour > 23 || c->device >= DEVICE_KINDS || c->format >= FORMATS || !(c->floor_usd >= 0) ||
	    !(c->floor_usd < 1e5f) || c->ids_unknown > 15)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct errtext why;
	json_t *j = json_parse((struct str){ (const char *)data, size }, &why);
	struct context ctx;
	struct settings s;

	if (!j)
		return 0;
	classify_request(j, 1767225600000, &ctx);
	check(&ctx);
	classify_event(j, 1767225600000, &ctx);
	check(&ctx);
	if (settings_parse(j, &s, &why) == 0 &&
	    (s.always.n > SETTINGS_CODES || s.n_categories > SETTINGS_CATEGORIES))
		abort();
	json_decref(j);
	return 0;
}
