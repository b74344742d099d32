/* A small bidder registry, and the building of requests from JSON, for the tests of pbs/openrtb. */
#ifndef TESTS_UNIT_PBS_REQUEST_FIXTURE_H
#define TESTS_UNIT_PBS_REQUEST_FIXTURE_H

#include <stdio.h>
#include <stdlib.h>

#include "common/json.h"
#include "common/mem.h"
#include "pbs/openrtb/bidders.h"
#include "pbs/openrtb/ext.h"
#include "pbs/openrtb/model.h"
#include "pbs/openrtb/report.h"
#include "tests/check.h"

static const struct {
	const char *name;
	enum bidder_status status;
} fake_registry[] = {
	{ "appnexus", BIDDER_ACTIVE }, { "rubicon", BIDDER_ACTIVE },        { "yahooAds", BIDDER_ACTIVE },
	{ "sleepy", BIDDER_DISABLED }, { "labelonly", BIDDER_WHITE_LABEL },
};

static inline enum bidder_status fake_find(const void *ctx, struct str name, struct str *ret_core)
{
	(void)ctx;
	for (size_t i = 0; i < ARRAY_LEN(fake_registry); i++) {
		if (!str_eq_nocase(str_of(fake_registry[i].name), name))
			continue;
		*ret_core = str_of(fake_registry[i].name);
		return fake_registry[i].status;
	}
	return BIDDER_UNKNOWN;
}

/* Single quotes stand for double ones, so that rows stay readable. */
static inline json_t *json_of(const char *why, const char *text)
{
	char *z = xstrdup(text);
	struct errtext err = { "" };
	json_t *j;

	for (char *p = z; *p; p++)
		if (*p == '\'')
			*p = '"';
	j = json_parse(str_of(z), &err);
	if (!j)
		fail_msg("%s: row is not JSON: %s: %s", why, err.text, text);
	free(z);
	return j;
}

/* base with `patch` laid over it, decoded as the server does. */
static inline json_t *request_of(const char *why, const char *base, const char *patch)
{
	json_t *a = json_of(why, base), *b = json_of(why, patch), *merged = json_merge_patch(a, b), *req;
	struct errtext err = { "" };

	req = ortb_decode(merged, ORTB_BID_REQUEST, &err, NULL);
	if (!req)
		fail_msg("%s: row does not decode: %s", why, err.text);
	json_decref(merged);
	json_decref(a);
	json_decref(b);
	/* The root is the caller's own. */
	a = json_copy(req);
	json_decref(req);
	return a;
}

static inline void check_body(const char *why, const struct messages *m, const char *want)
{
	struct buf b;

	buf_init(&b, 1 << 20);
	report_body(m, &b);
	CHECK_STR(why, buf_str(&b), want);
	buf_deinit(&b);
}

/* A value in the tree, written as JSON with single quotes; "-" when it is absent. */
static inline void check_json(const char *why, const json_t *root, const char *path, const char *want)
{
	const json_t *v = json_at(root, path);
	char *text = v ? json_text(v) : xstrdup("-");

	for (char *p = text; *p; p++)
		if (*p == '"')
			*p = '\'';
	if (strcmp(text, want) != 0)
		fail_msg("%s: %s is %s, want %s", why, path, text, want);
	free(text);
}

#endif
