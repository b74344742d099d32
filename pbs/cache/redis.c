/* Happy path: everything that waits goes out in one pipeline, and the replies are read in the same order. When
 * Redis fails in the middle, what it has answered counts and the rest of the pipeline fails. */
#include "pbs/cache/redis.h"

#include <stdlib.h>

#include "common/clock.h"
#include "common/err.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/redis.h"

enum {
	WAITING_MAX = 4096,
	WAITING_MAX_BYTES = 64 << 20,
	PIPELINE_BYTES = 1 << 20, /* then the replies are read before more is sent */
	PIPELINE_COMMANDS = 256,
	VALUE_MAX = 64 << 20,
	PAUSE_MS = 250 /* after a failure */
};

struct cache_redis {
	struct redis_address address;
	char *prefix;
	uint32_t timeout_ms;
	struct redis *conn; /* NULL = not connected */
	uint64_t pause_until_us;
	struct errtext reason; /* for the pause */
	int err;
	struct buf scratch;
	struct helper *helper;
};

static const struct str type_names[] = { [CACHE_JSON] = { "json", 4 }, [CACHE_XML] = { "xml", 3 } };

/* --- jobs --- */

static void drop(struct helper_job *j)
{
	struct cache_redis_job *job = container_of(j, struct cache_redis_job, job);

	cache_batch_free(job->batch);
	buf_deinit(&job->value);
	free(job->key);
	free(job);
}

static struct cache_redis_job *job_new(size_t bytes)
{
	struct cache_redis_job *job = xcalloc(1, sizeof *job);

	job->job.drop = drop;
	job->job.bytes = bytes;
	buf_init(&job->value, VALUE_MAX);
	return job;
}

struct cache_redis_job *cache_redis_put(struct cache_batch *batch)
{
	struct cache_redis_job *job = job_new(batch->bytes + batch->n * sizeof *batch->puts);

	job->batch = batch;
	return job;
}

struct cache_redis_job *cache_redis_get(struct str key)
{
	struct cache_redis_job *job = job_new(key.n);

	job->key = xstrndup(key.p, key.n);
	return job;
}

/* --- on the helper's thread --- */

static void fail(struct cache_redis *r, int err)
{
	log_limited(LOG_WARN, "cache_redis_failed", LOG_Z("reason", r->reason.text));
	redis_free(r->conn);
	r->conn = NULL;
	r->err = err;
	r->pause_until_us = clock_mono_us() + PAUSE_MS * 1000;
}

static bool is_connected(struct cache_redis *r)
{
	if (r->conn && redis_is_closed(r->conn)) {
		redis_free(r->conn);
		r->conn = NULL;
	}
	if (r->conn)
		return true;
	if (clock_mono_us() < r->pause_until_us)
		return false;
	r->conn = redis_connect(&r->address, r->timeout_ms, &r->reason);
	if (!r->conn)
		fail(r, ERR_UNREACHABLE);
	return r->conn;
}

static struct str key_of(struct cache_redis *r, struct str key)
{
	buf_clear(&r->scratch);
	buf_add_z(&r->scratch, r->prefix);
	buf_add_str(&r->scratch, key);
	return buf_str(&r->scratch);
}

static size_t add_put(struct cache_redis *r, const struct cache_put *p)
{
	struct str type = type_names[p->type], key = key_of(r, cache_put_key(p));
	FREE_ON_EXIT char *value = xmalloc(type.n + p->bytes.n);
	char ttl[24];

	memcpy(value, type.p, type.n);
	memcpy(value + type.n, buf_str(&p->bytes).p, p->bytes.n);
	snprintf(ttl, sizeof ttl, "%llu", (unsigned long long)p->ttl_ms);
	redis_add(
		r->conn,
		(const struct str[]){
			STR("SET"), key, { value, type.n + p->bytes.n }, STR("NX"), STR("PX"), str_of(ttl) },
		6);
	return p->bytes.n;
}

static size_t commands_of(const struct cache_redis_job *job)
{
	return job->batch ? job->batch->n : 1;
}

static size_t send_job(struct cache_redis *r, const struct cache_redis_job *job)
{
	size_t bytes = 0;

	if (!job->batch)
		redis_add(r->conn, (const struct str[]){ STR("GET"), key_of(r, str_of(job->key)) }, 2);
	for (size_t i = 0; job->batch && i < job->batch->n; i++)
		bytes += add_put(r, &job->batch->puts[i]);
	return bytes;
}

static void take_value(struct cache_redis_job *job, const redisReply *reply)
{
	struct str v = { reply->str, reply->len };

	for (size_t t = 0; reply->type == REDIS_REPLY_STRING && t < ARRAY_LEN(type_names); t++)
		if (str_starts(v, type_names[t])) {
			job->type = (enum cache_type)t;
			job->found = buf_add(&job->value, v.p + type_names[t].n, v.n - type_names[t].n);
			return;
		}
}

/* An error reply, for example of a Redis that is full, costs that command alone. */
static void take_reply(struct cache_redis_job *job, size_t i, const redisReply *reply)
{
	if (reply->type == REDIS_REPLY_ERROR) {
		job->err = ERR_UPSTREAM;
		errtext_set(&job->why, "Redis: %.*s", (int)(reply->len < 200 ? reply->len : 200), reply->str);
	} else if (job->batch) {
		job->batch->puts[i].stored = reply->type == REDIS_REPLY_STATUS;
	} else {
		take_value(job, reply);
	}
}

static void receive_job(struct cache_redis *r, struct cache_redis_job *job)
{
	for (size_t i = 0; r->conn && i < commands_of(job); i++) {
		redisReply *reply;
		int err = redis_reply(r->conn, &reply, &r->reason);

		if (err) {
			fail(r, err);
			break;
		}
		take_reply(job, i, reply);
		freeReplyObject(reply);
	}
	if (!r->conn) {
		job->err = r->err;
		job->why = r->reason;
	}
}

static struct cache_redis_job *job_of(struct helper_job *j)
{
	return container_of(j, struct cache_redis_job, job);
}

/* Sends as much as one pipeline takes; returns the first job that is not part of it. */
static struct helper_job *send_some(struct cache_redis *r, struct helper_job *jobs)
{
	size_t bytes = 0, commands = 0;

	for (; jobs && bytes < PIPELINE_BYTES && commands < PIPELINE_COMMANDS; jobs = jobs->next) {
		job_of(jobs)->asked = true;
		commands += commands_of(job_of(jobs));
		bytes += is_connected(r) ? send_job(r, job_of(jobs)) : 0;
	}
	return jobs;
}

static void work(void *ctx, struct helper_job *jobs)
{
	struct cache_redis *r = ctx;

	while (jobs) {
		struct helper_job *end = send_some(r, jobs);

		for (; jobs != end; jobs = jobs->next)
			receive_job(r, job_of(jobs));
	}
}

/* --- from outside --- */

struct cache_redis *cache_redis_new(const char *url, const char *prefix, uint32_t timeout_ms,
				    struct errtext *why)
{
	static const struct helper_class cls = { .name = "pbs-cache",
						 .work = work,
						 .max_waiting = WAITING_MAX,
						 .max_waiting_bytes = WAITING_MAX_BYTES };
	struct cache_redis *r = xcalloc(1, sizeof *r);

	r->prefix = xstrdup(prefix);
	r->timeout_ms = timeout_ms;
	buf_init(&r->scratch, 4096);
	if (redis_address_parse(str_of(url), &r->address, why) == 0)
		r->helper = helper_new(&cls, r, why);
	if (r->helper)
		return r;
	cache_redis_free(r);
	return NULL;
}

void cache_redis_free(struct cache_redis *r)
{
	if (!r)
		return;
	helper_free(r->helper);
	redis_free(r->conn);
	redis_address_deinit(&r->address);
	buf_deinit(&r->scratch);
	free(r->prefix);
	free(r);
}

struct helper *cache_redis_helper(struct cache_redis *r)
{
	return r->helper;
}
