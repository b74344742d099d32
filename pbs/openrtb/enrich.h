/* Completes a request with what it left out: from the HTTP headers, from the account, from defaults.
 *
 * Runs after up-conversion and before validation. The order inside is the reference's: bidder parameters,
 * implicit fields, defaults, interstitial sizes, the device's tracking limit.
 *
 * Shapes  header values are borrowed, absent ones are empty. `peer_ip` is the connection's own address.
 * Errors  ERR_INPUT, filed in `m`: only a full-screen banner without a usable size.
 * Source  Prebid Server's auction endpoint, "set fields implicitly".
 */
#ifndef PBS_OPENRTB_ENRICH_H
#define PBS_OPENRTB_ENRICH_H

#include <jansson.h>
#include <stdbool.h>

#include "common/clock.h"
#include "common/str.h"
#include "pbs/exchange/messages.h"
#include "pbs/openrtb/ipnet.h"

struct enrich_http {
	struct str user_agent, referer, dnt, sec_gpc, browsing_topics, cookie_deprecation;
	struct str true_client_ip, x_forwarded_for, x_real_ip, peer_ip;
};

struct enrich_rules {
	const struct ip_net *private_nets; /* NULL: ip_private_nets */
	size_t n_private_nets;
	struct str topics_domain;       /* account; empty turns topics off */
	struct str default_integration; /* account */
	int64_t tmax_default_ms;        /* 0 leaves tmax alone */
	bool auto_gen_source_tid;       /* also imp.ext.tid */
	bool generate_request_id;       /* replaces given transaction ids when a stored request is used … */
	bool used_stored_request;
	bool is_amp;
};

/* `req` must be the caller's own; it is changed in place. */
int enrich(json_t *req, const struct enrich_http *http, const struct enrich_rules *rules, struct rng *rng,
	   struct messages *m);

/* The first public address among the headers, in order of trust, else the peer's. False when there is none.
 */
bool enrich_client_ip(const struct enrich_http *http, const struct enrich_rules *rules,
		      struct ip_addr *ret_ip);

#endif
