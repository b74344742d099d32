/* The browser behind a request: its ids and its consent, as cookies and parameters tell them.
 *
 * Shapes  visitor_uids() also applies the host's own cookies: one that opts out, one that holds the host's id.
 * Owns    everything lives in the request's arena.
 * Source  Prebid Server's uids cookie and the order in which it looks for consent.
 */
#ifndef PBS_ENDPOINTS_VISITOR_H
#define PBS_ENDPOINTS_VISITOR_H

#include "common/errtext.h"
#include "pbs/privacy/activity.h"
#include "pbs/privacy/sync.h"
#include "pbs/usersync/uids.h"

struct http_request;
struct gpp;

int64_t visitor_now_us(void);

void visitor_uids(const struct http_request *req, struct uids *ret_u);

/* Sets the cookie; `cross_site` marks it so for browsers that ask for that. */
void visitor_set_uids(struct http_request *req, const struct uids *u, bool cross_site);

/* The signals of a sync request, in the client's words and decoded. */
struct visitor_consent {
	struct str gdpr; /* "", "0" or "1": what the client said */
	struct str consent, us_privacy, gpp, gpp_sid;
	int8_t signal;              /* enum tri, gpp_sid before gdpr */
	const json_t *sids;         /* gpp_sid as an array of integers; NULL when it was not given */
	const struct gpp *sections; /* NULL when there is no GPP string */
};

/* ERR_INPUT for a gpp_sid that is no list of small integers; `why` in Go's words. */
int visitor_read_sids(const struct http_request *req, struct visitor_consent *c, struct errtext *why);
/* ERR_INPUT when the string cannot be read; takes consent and US privacy out of it otherwise. */
int visitor_read_gpp(const struct http_request *req, struct visitor_consent *c, struct errtext *why);
bool visitor_has_sid(const struct visitor_consent *c, int64_t sid);

/* What privacy rules are asked with. */
void visitor_scope(const struct http_request *req, const struct visitor_consent *c,
		   struct activity_scope *ret_scope);
void visitor_sync_rules(const struct http_request *req, const struct visitor_consent *c,
			const struct privacy_account *account, struct privacy_sync *ret_rules);

#endif
