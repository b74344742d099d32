/* Floors that are fetched instead of sent: from the router, or from the URL in an account.
 *
 * The first auction that wants a URL queues its fetch and does without. Afterwards the URL is fetched again
 * every period, with its ETag, as long as auctions keep asking; what was fetched is used until it is too old,
 * and a URL that keeps failing is given up until somebody asks again after its age has run out.
 *
 * Errors  none that an auction sees: problems are logged.
 * Owns    an auction holds what it was lent until its arena is freed.
 * Threads one per worker.
 * Source  Prebid's dynamic floors. A request cannot name a URL: any caller could make the server poll it.
 *         Hosts of accounts' URLs may be limited to a list; without one, addresses inside the network are
 *         refused.
 */
#ifndef PBS_EXCHANGE_FLOORS_FETCH_H
#define PBS_EXCHANGE_FLOORS_FETCH_H

#include <jansson.h>
#include <stdint.h>

#include "common/arena.h"
#include "common/conf.h"
#include "common/http_client.h"
#include "pbs/price/floors_data.h"

struct floors_fetch;

struct floors_fetch_options {
	const char *router_url, *router_key; /* of the router; "" = there is none */
	struct conf_list hosts;              /* that accounts may name; empty = any public one */
};

struct floors_fetch *floors_fetch_new(struct loop *loop, struct http_client *http,
				      const struct floors_fetch_options *opt);
void floors_fetch_free(struct floors_fetch *f); /* NULL is fine */

/* The data for an account; NULL when none is there (yet). `fetch` is the account's price_floors.fetch and may
 * be NULL. */
const struct floors_data *floors_fetch_lend(struct floors_fetch *f, struct str account, const json_t *fetch,
					    struct arena *a);

#endif
