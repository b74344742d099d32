/* Which bidders a browser is asked to synchronise with now, and why the others are not.
 *
 * Shapes  the walk takes the request's bidders in random order, then, with co-operative sync, the priority
 *         groups in turn and everybody else; it ends when `limit` were chosen. Names compare without case and
 *         count once.
 * Owns    results live in the arena; names borrow from the request or from the configuration.
 * Threads pure.
 * Source  Prebid Server's usersync chooser. Repaired: names in odd case meet the same rules as the others.
 */
#ifndef PBS_USERSYNC_CHOOSE_H
#define PBS_USERSYNC_CHOOSE_H

#include <jansson.h>
#include <stdbool.h>

#include "common/arena.h"
#include "common/clock.h"
#include "pbs/usersync/syncer.h"
#include "pbs/usersync/uids.h"

struct registry;

/* Outcome of one candidate and the text that debug shows for it. */
#define SYNC_VERDICTS(X)                                                                                     \
	X(CHOSEN, "")                                                                                        \
	X(UNSUPPORTED, "Unsupported bidder")                                                                 \
	X(NO_CONFIG, "No sync config")                                                                       \
	X(DUPLICATE, "Duplicate bidder synced as ") /* and the key */                                        \
	X(FILTERED, "Rejected by request filter")                                                            \
	X(IN_SYNC, "Already in sync")                                                                        \
	X(PRIVACY, "Rejected by privacy")                                                                    \
	X(SWITCHED_OFF, "Sync disabled by config")                                                           \
	X(SKIPPED, "")

enum sync_verdict {
#define X(id, text) SYNC_##id,
	SYNC_VERDICTS(X)
#undef X
		SYNC_VERDICT_COUNT
};

const char *sync_verdict_text(enum sync_verdict v);

/* Who may be synchronised by one type. */
struct sync_filter {
	bool exclude;        /* the listed ones may not, else only they may */
	bool all;            /* "*" */
	const json_t *names; /* strings; used unless `all` */
};

struct choose_input {
	const struct registry *registry;
	const struct syncers *syncers;
	const json_t *bidders; /* array of strings, NULL or empty: all that can be synchronised */
	bool coop;
	const json_t *groups; /* array of arrays of names, may be NULL */
	bool groups_only;     /* co-operation ends with the groups */
	int64_t limit;        /* <= 0: none */
	struct sync_filter filter[SYNC_TYPES];
	const json_t *no_iframe[2]; /* names, of host and account, that get no iframe; "*" = nobody does */
	const struct uids *uids;
	int64_t now_us;
	bool gdpr_yes;                                       /* the request says so itself */
	struct str gpp_sid;                                  /* as it came */
	bool (*allowed)(const void *ctx, struct str bidder); /* privacy; in the registry's spelling */
	const void *ctx;
};

struct sync_choice {
	struct str name; /* as the request spells it */
	enum sync_verdict verdict;
	const struct syncer *syncer; /* NULL when there is none */
	enum sync_type type;         /* of those chosen */
};

struct sync_choices {
	struct sync_choice *list;
	size_t n;
};

void sync_choose(const struct choose_input *in, struct rng *rng, struct arena *a, struct sync_choices *ret);

#endif
