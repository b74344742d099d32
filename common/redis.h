/* A connection to Redis that blocks, for threads of their own. Plain TCP or TLS, with password or ACL user.
 *
 * Shapes  redis_add() queues a command, redis_reply() sends what is queued and reads one reply; so a pipeline is many
 *         adds and as many replies. redis_ask() is one of each.
 * Errors  after any failure but an error reply the connection is of no more use: free it.
 * Units   timeout_ms bounds the connecting, and every single read and write after it.
 * Owns    replies belong to the caller: freeReplyObject().
 */
#ifndef COMMON_REDIS_H
#define COMMON_REDIS_H

#include <hiredis/hiredis.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/errtext.h"
#include "common/str.h"

struct redis_address {
	char *host, *user, *password; /* "" for none */
	uint16_t port;
	uint32_t db;
	bool tls; /* certificates are checked against the system's, or those SSL_CERT_FILE names */
};

/* redis[s]://[[user]:password@]host[:port][/db], percent-encoded. ERR_INPUT with `why`, which never shows a password. */
int redis_address_parse(struct str url, struct redis_address *ret_a, struct errtext *why);
void redis_address_deinit(struct redis_address *a); /* zeroed ones too */

struct redis;

struct redis *redis_connect(const struct redis_address *a, uint32_t timeout_ms, struct errtext *why);
void redis_free(struct redis *r);            /* NULL is fine */
bool redis_is_closed(const struct redis *r); /* the other side hung up while nobody asked it anything */

void redis_add(struct redis *r, const struct str *args, size_t n);
/* 0 also for an error reply, which the caller looks at. */
int redis_reply(struct redis *r, redisReply **ret_reply, struct errtext *why);
/* An error reply is ERR_UPSTREAM here. */
int redis_ask(struct redis *r, const struct str *args, size_t n, redisReply **ret_reply, struct errtext *why);
#define REDIS_ASK(r, reply, why, ...)                                                                        \
	redis_ask((r), (const struct str[]){ __VA_ARGS__ },                                                  \
		  sizeof((const struct str[]){ __VA_ARGS__ }) / sizeof(struct str), (reply), (why))

#endif
