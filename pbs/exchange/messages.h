/* What went wrong, or nearly, during one auction, filed by who is concerned: `ext.errors`, `ext.warnings`.
 *
 * Shapes  a bucket is a bidder or seat name, "prebid" (our own stages) or "general" (the request).
 * Errors  none: beyond MESSAGES_MAX the rest is dropped, since bidders decide how many there could be.
 * Owns    texts are copied to the arena.
 * Source  Prebid Server's errortypes; an error without a code of its own counts as 999, a warning as 0.
 */
#ifndef PBS_EXCHANGE_MESSAGES_H
#define PBS_EXCHANGE_MESSAGES_H

#include <jansson.h>
#include <stdbool.h>

#include "common/arena.h"
#include "common/str.h"

enum { MESSAGES_MAX = 1000 };

#define BUCKET_PREBID  STR("prebid")
#define BUCKET_GENERAL STR("general")

enum message_kind {
	MESSAGE_ERROR,
	MESSAGE_WARNING,
	MESSAGE_DEBUG_ERROR, /* shown only when debug is active */
	MESSAGE_DEBUG_WARNING,
};

enum message_code {
	ERROR_TIMEOUT = 1,
	ERROR_BAD_INPUT = 2,
	ERROR_BLOCKED_APP = 3,
	ERROR_BAD_SERVER_RESPONSE = 4,
	ERROR_NO_REQUESTS = 5,
	ERROR_BIDDER_DISABLED = 6,
	ERROR_ACCOUNT_DISABLED = 7,
	ERROR_ACCOUNT_REQUIRED = 8,
	ERROR_NO_RATE = 9,
	ERROR_MALFORMED_ACCOUNT = 10,
	ERROR_MODULE_REJECTION = 11,
	ERROR_TMAX_TOO_SHORT = 12,
	ERROR_MARSHAL = 13,
	ERROR_UNMARSHAL = 14,
	ERROR_IMP_FPD = 15,
	ERROR_THROTTLED = 16,
	ERROR_PLAIN = 999,

	WARN_PLAIN = 0,
	WARN_CONSENT = 10001,
	WARN_ACCOUNT_DEBUG_OFF = 10002,
	WARN_BIDDER_DEBUG_OFF = 10003,
	WARN_ALTERNATE_CODE = 10005,
	WARN_MULTIBID = 10006,
	WARN_ADSERVER_TARGETING = 10007,
	WARN_BID_ADJUSTMENT = 10008,
	WARN_FLOOR_REJECTION = 10009,
	WARN_DSA = 10010,
	WARN_COOKIE_DEPRECATION = 10011,
	WARN_TOPICS = 10012,
	WARN_EIDS_REMOVED = 10013,
	WARN_UIDS_REMOVED = 10014,
	WARN_PREFIX_TOO_LONG = 10015,
	WARN_LIMIT_TOO_SHORT = 10016,
	WARN_PRIVACY_BLOCKED = 10017,
	WARN_LIMITED = 10018,
};

struct message {
	struct message *next;
	enum message_kind kind;
	int code;
	struct str text;
};

struct message_bucket {
	struct message_bucket *next;
	struct str name;
	struct message *first, **tail;
};

struct messages {
	struct arena *arena;
	struct message_bucket *buckets, **tail;
	size_t n;
};

void messages_init(struct messages *m, struct arena *a);

/* Files one message. A NULL `m` is accepted and means that nobody wants it. */
void messages_add(struct messages *m, enum message_kind kind, struct str bucket, int code, const char *fmt,
		  ...) __attribute__((format(printf, 5, 6)));

/* {"bucket":[{"code":…,"message":…}]}, buckets in the order of their first message; NULL when there is none.
 * `kind` is MESSAGE_ERROR or MESSAGE_WARNING. The caller takes the reference. */
json_t *messages_render(const struct messages *m, enum message_kind kind, bool debug);

#endif
