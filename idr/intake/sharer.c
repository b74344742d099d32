#include "idr/intake/sharer.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>

#include "common/clock.h"
#include "common/err.h"
#include "common/json.h"
#include "common/log.h"
#include "common/mem.h"
#include "idr/intake/event_bytes.h"
#include "idr/intake/shared_docs.h"

enum {
	TIMEOUT_MS = 2000,
	RETRY_FIRST_MS = 200,
	RETRY_MOST_MS = 10000,
	WAITING_MAX_BYTES = 16 << 20,
	PIPELINE = 500,
	UNDER_WAY_MAX = 4, /* batches that the learner has not learned */
};

#define MARK STR("#mark")

/* An event on its way out. */
struct outgoing {
	struct outgoing *next;
	uint32_t weight;
	size_t n;
	char bytes[];
};

struct sharer {
	struct sharer_options opt;
	struct workers *thread;
	struct loop *loop;
	struct loop_timer timer;
	struct mailbox_msg begin, stop;
	struct redis *redis; /* NULL = not connected */
	char *stream, *hash, max_text[12], me[24];
	char mark[40]; /* of the hash that we agree with; "" = none yet */
	struct shared_pos pos;
	uint32_t retry_ms;
	uint64_t sample_below; /* hashes under it are sent */
	struct outgoing *sending;
	struct shared_doc *doc_sending;
	atomic_size_t under_way;

	/* A comparison with the store, one at a time. */
	struct keeper_job job;
	bool working, stopping, begun, compare_all;
	struct shared_doc *theirs, *ours;
	size_t taken;

	pthread_mutex_t lock; /* of the rest */
	struct outgoing *first, **last;
	struct shared_doc *doc_first;
	bool closed;
	struct sharer_state state;
};

/* --- from the keeper's thread --- */

static uint64_t mix(uint64_t x)
{
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
	x = (x ^ x >> 27) * 0x94d049bb133111ebu;
	return x ^ x >> 31;
}

/* How many events this one stands for; 0 = it is not sent. The fraction is settled by lot, so that sums come out right. */
static uint32_t weight_of(const struct sharer *s, const struct event *e)
{
	uint64_t lot = mix(classify_name(e->auction_id) ^ s->opt.seed);
	double weight = s->opt.sample_rate > 0 ? 1 / s->opt.sample_rate : 0;
	uint32_t whole = (uint32_t)weight;

	if (weight < 1 || (s->opt.sample_rate < 1 && lot >= s->sample_below))
		return 0;
	return whole + ((double)(mix(lot) >> 11) * 0x1p-53 < weight - whole);
}

static void offer(struct sharer *s, const struct event *e, struct buf *b)
{
	uint32_t weight = weight_of(s, e);
	struct outgoing *o;

	if (!weight)
		return;
	buf_clear(b);
	event_bytes_write(e, b);
	pthread_mutex_lock(&s->lock);
	if (s->closed || s->state.waiting_bytes + b->n > WAITING_MAX_BYTES) {
		s->state.dropped++;
	} else {
		o = xmalloc(sizeof *o + b->n);
		*o = (struct outgoing){ .weight = weight, .n = b->n };
		memcpy(o->bytes, b->p, b->n);
		*s->last = o;
		s->last = &o->next;
		s->state.waiting_bytes += b->n;
	}
	pthread_mutex_unlock(&s->lock);
}

void sharer_events(struct sharer *s, const struct batch *batch)
{
	struct buf b;

	buf_init(&b, 1 << 20);
	for (size_t i = 0; i < batch->n; i++)
		if (!batch->events[i].duplicate)
			offer(s, &batch->events[i], &b);
	buf_deinit(&b);
}

/* While Redis is away documents are dropped here: the next connection compares them all. */
void sharer_doc(struct sharer *s, const struct store_doc *d)
{
	struct shared_doc *one = shared_doc_of(d);

	pthread_mutex_lock(&s->lock);
	if (s->state.connected && !s->closed) {
		one->next = s->doc_first;
		s->doc_first = one;
		one = NULL;
	}
	pthread_mutex_unlock(&s->lock);
	shared_docs_free(one);
}

void sharer_state(struct sharer *s, struct sharer_state *ret_s)
{
	pthread_mutex_lock(&s->lock);
	*ret_s = s->state;
	pthread_mutex_unlock(&s->lock);
}

/* --- out --- */

static void take_waiting(struct sharer *s)
{
	pthread_mutex_lock(&s->lock);
	if (!s->sending) {
		s->sending = s->first;
		s->first = NULL;
		s->last = &s->first;
		s->state.waiting_bytes = 0;
	}
	if (!s->doc_sending) {
		s->doc_sending = s->doc_first;
		s->doc_first = NULL;
	}
	pthread_mutex_unlock(&s->lock);
}

static int read_ok(struct sharer *s, struct errtext *why)
{
	redisReply *reply;
	int err = redis_reply(s->redis, &reply, why);

	if (err)
		return err;
	if (reply->type == REDIS_REPLY_ERROR) {
		errtext_set(why, "%.*s", (int)reply->len, reply->str);
		err = ERR_UPSTREAM;
	}
	freeReplyObject(reply);
	return err;
}

static void add_entry(struct sharer *s, struct str name, struct str value, const char *weight)
{
	const struct str args[] = {
		STR("XADD"), str_of(s->stream), STR("MAXLEN"), STR("~"), str_of(s->max_text),
		STR("*"),    STR("m"),          str_of(s->me), name,     value,
		STR("w"),    str_of(weight)
	};

	redis_add(s->redis, args, *weight ? 12 : 10);
}

/* What was not answered stays for the next connection; at worst one pipeline is learned twice. */
static int send_events(struct sharer *s, struct errtext *why)
{
	while (s->sending) {
		size_t n = 0, sent;
		int err = 0;

		for (struct outgoing *o = s->sending; o && n < PIPELINE; o = o->next, n++) {
			char weight[12];

			snprintf(weight, sizeof weight, "%u", o->weight);
			add_entry(s, STR("e"), (struct str){ o->bytes, o->n }, weight);
		}
		for (sent = 0; sent < n && !err; sent++) {
			struct outgoing *o = s->sending;

			if ((err = read_ok(s, why)))
				return err;
			s->sending = o->next;
			free(o);
		}
		pthread_mutex_lock(&s->lock);
		s->state.published += sent;
		pthread_mutex_unlock(&s->lock);
	}
	return 0;
}

static int send_docs(struct sharer *s, struct shared_doc **list, struct errtext *why)
{
	int err = 0;

	while (*list && !err) {
		struct shared_doc *d = *list;
		FREE_ON_EXIT char *value = shared_doc_write(d);
		const struct str args[] = { STR("HSET"), str_of(s->hash), str_of(d->field), str_of(value) };

		redis_add(s->redis, args, ARRAY_LEN(args));
		add_entry(s, STR("d"), str_of(d->field), "");
		err = read_ok(s, why); /* of the hash */
		if (!err)
			err = read_ok(s, why); /* of the stream */
		if (err)
			return err;
		*list = d->next;
		d->next = NULL;
		shared_docs_free(d);
		pthread_mutex_lock(&s->lock);
		s->state.docs_published++;
		pthread_mutex_unlock(&s->lock);
	}
	return err;
}

/* --- in --- */

static struct str reply_str(const redisReply *r)
{
	return r && (r->type == REDIS_REPLY_STRING || r->type == REDIS_REPLY_STATUS)
		       ? (struct str){ r->str, r->len }
		       : STR("");
}

static bool parse_pos(struct str id, struct shared_pos *ret_pos)
{
	struct str n = id, ms = str_cut(&n, '-');

	return n.p && str_parse_u64(ms, 0, UINT64_MAX, &ret_pos->ms) &&
	       str_parse_u64(n, 0, UINT64_MAX, &ret_pos->n);
}

struct entry {
	struct str machine, weight, event, doc;
};

static void read_entry(const redisReply *fields, struct entry *ret_e)
{
	*ret_e = (struct entry){ 0 };
	for (size_t i = 0; fields->type == REDIS_REPLY_ARRAY && i + 1 < fields->elements; i += 2) {
		struct str name = reply_str(fields->element[i]), value = reply_str(fields->element[i + 1]);

		if (name.n != 1)
			continue;
		switch (*name.p) {
		case 'm': ret_e->machine = value; break;
		case 'w': ret_e->weight = value; break;
		case 'e': ret_e->event = value; break;
		case 'd': ret_e->doc = value; break;
		default: break;
		}
	}
}

static int fetch_doc(struct sharer *s, struct str field, struct errtext *why)
{
	redisReply *reply;
	int err = REDIS_ASK(s->redis, &reply, why, STR("HGET"), str_of(s->hash), field);
	struct shared_doc *d;

	if (err)
		return err;
	if ((d = reply_str(reply).n ? shared_doc_parse(field, reply_str(reply)) : NULL)) {
		d->next = s->theirs;
		s->theirs = d;
	}
	freeReplyObject(reply);
	return 0;
}

static int take_entry(struct sharer *s, const redisReply *entry, struct shared_batch *b, struct errtext *why)
{
	struct entry e;
	uint32_t weight;

	if (entry->type != REDIS_REPLY_ARRAY || entry->elements != 2 ||
	    !parse_pos(reply_str(entry->element[0]), &b->pos)) {
		errtext_set(why, "XREAD: not an entry");
		return ERR_UPSTREAM;
	}
	read_entry(entry->element[1], &e);
	if (str_eq(e.machine, str_of(s->me)))
		return 0;
	if (e.doc.n)
		return fetch_doc(s, e.doc, why);
	if (!str_parse_u32(e.weight, 1, SHARED_WEIGHT_MAX, &weight) ||
	    !event_bytes_parse(e.event, &(struct shared_event){ 0 })) {
		pthread_mutex_lock(&s->lock);
		s->state.refused++;
		pthread_mutex_unlock(&s->lock);
	} else {
		(void)shared_batch_add(b, e.event, weight);
	}
	return 0;
}

static int take_entries(struct sharer *s, const redisReply *entries, struct errtext *why)
{
	struct shared_batch *b = shared_batch_new(&s->under_way);
	int err = 0;

	b->pos = s->pos;
	for (size_t i = 0; i < entries->elements && !err; i++)
		err = take_entry(s, entries->element[i], b, why);
	if (err) {
		shared_batch_free(b);
		return err;
	}
	b->last = entries->elements < SHARED_BATCH_EVENTS;
	s->pos = b->pos;
	pthread_mutex_lock(&s->lock);
	s->state.received += b->n;
	pthread_mutex_unlock(&s->lock);
	learner_take_shared(s->opt.learner, b);
	return 0;
}

/* *ret_more: there may be more to read at once. */
static int receive(struct sharer *s, bool *ret_more, struct errtext *why)
{
	char id[48], count[12];
	redisReply *reply, *stream;
	int err;

	if (atomic_load(&s->under_way) >= UNDER_WAY_MAX)
		return 0;
	snprintf(id, sizeof id, "%" PRIu64 "-%" PRIu64, s->pos.ms, s->pos.n);
	snprintf(count, sizeof count, "%d", SHARED_BATCH_EVENTS);
	err = REDIS_ASK(s->redis, &reply, why, STR("XREAD"), STR("COUNT"), str_of(count), STR("STREAMS"),
			str_of(s->stream), str_of(id));
	if (err)
		return err;
	if (reply->type == REDIS_REPLY_ARRAY && reply->elements == 1 &&
	    (stream = reply->element[0])->type == REDIS_REPLY_ARRAY && stream->elements == 2 &&
	    stream->element[1]->type == REDIS_REPLY_ARRAY) {
		*ret_more = stream->element[1]->elements == SHARED_BATCH_EVENTS;
		err = take_entries(s, stream->element[1], why);
	}
	freeReplyObject(reply);
	return err;
}

static int fetch_all_docs(struct sharer *s, struct errtext *why)
{
	redisReply *reply;
	int err = REDIS_ASK(s->redis, &reply, why, STR("HGETALL"), str_of(s->hash));

	if (err)
		return err;
	for (size_t i = 0; reply->type == REDIS_REPLY_ARRAY && i + 1 < reply->elements; i += 2) {
		struct str field = reply_str(reply->element[i]);
		struct shared_doc *d = str_eq(field, MARK)
					       ? NULL
					       : shared_doc_parse(field, reply_str(reply->element[i + 1]));

		if (d) {
			d->next = s->theirs;
			s->theirs = d;
		}
	}
	freeReplyObject(reply);
	s->compare_all = true;
	return 0;
}

/* The mark is whoever's came first. Another one than before means that Redis forgot: its stream may have begun anew. */
static int look_at_mark(struct sharer *s, struct errtext *why)
{
	redisReply *reply;
	int err = REDIS_ASK(s->redis, &reply, why, STR("HGET"), str_of(s->hash), MARK);
	struct str mark;
	char mine[40];

	if (err)
		return err;
	if (!reply_str(reply).n) {
		freeReplyObject(reply);
		snprintf(mine, sizeof mine, "%s-%" PRId64, s->me, clock_wall_ms());
		if ((err = REDIS_ASK(s->redis, &reply, why, STR("HSETNX"), str_of(s->hash), MARK,
				     str_of(mine))))
			return err;
		freeReplyObject(reply);
		if ((err = REDIS_ASK(s->redis, &reply, why, STR("HGET"), str_of(s->hash), MARK)))
			return err;
	}
	mark = reply_str(reply);
	if (mark.n && mark.n < sizeof s->mark && !str_eq(mark, str_of(s->mark))) {
		if (*s->mark) {
			log_event(LOG_WARN, "redis_forgot", LOG_Z("was", s->mark));
			s->pos = (struct shared_pos){ 0 };
		}
		memcpy(s->mark, mark.p, mark.n);
		s->mark[mark.n] = 0;
		err = fetch_all_docs(s, why);
	}
	freeReplyObject(reply);
	return err;
}

/* --- the thread --- */

static void on_timer(struct loop_timer *t);

static void note(struct sharer *s, int err, const struct errtext *why)
{
	pthread_mutex_lock(&s->lock);
	if (err && s->state.connected)
		log_event(LOG_WARN, "redis_down", LOG_Z("error", why->text));
	if (!err && !s->state.connected) {
		log_event(LOG_INFO, "redis_up", LOG_Z("host", s->opt.address.host));
		s->state.connections++;
	}
	s->state.connected = !err;
	if (err)
		s->state.why = *why;
	pthread_mutex_unlock(&s->lock);
}

static void rest(struct sharer *s, uint64_t ms)
{
	loop_timer_start(s->loop, &s->timer, ms, on_timer);
}

static void fail(struct sharer *s, int err, const struct errtext *why)
{
	note(s, err, why);
	redis_free(s->redis);
	s->redis = NULL;
	shared_docs_free(s->theirs);
	s->theirs = NULL;
	s->compare_all = false;
	s->retry_ms = s->retry_ms ? s->retry_ms * 2 : RETRY_FIRST_MS;
	if (s->retry_ms > RETRY_MOST_MS)
		s->retry_ms = RETRY_MOST_MS;
	rest(s, s->retry_ms);
}

/* On the keeper's thread; ours does not touch the lists meanwhile. */
static void merge(struct keeper_job *j, struct store *store)
{
	struct sharer *s = container_of(j, struct sharer, job);
	struct shared_doc *ours = NULL, **end;
	bool settings = false;

	j->err = shared_docs_merge(store, s->theirs, s->compare_all, &ours, &s->taken, &settings, &j->why);
	if (settings && !j->err)
		j->err = keeper_reload_settings(j->keeper, &j->why);
	for (end = &s->ours; *end; end = &(*end)->next)
		;
	*end = ours;
}

static void on_merged(struct keeper_job *j)
{
	struct sharer *s = container_of(j, struct sharer, job);

	s->working = false;
	if (s->stopping) {
		loop_stop(s->loop);
		return;
	}
	if (j->err) {
		/* Compared again as soon as the store can be read and written. */
		log_limited(LOG_WARN, "shared_documents_failed", LOG_Z("error", j->why.text));
		*s->mark = 0;
	}
	shared_docs_free(s->theirs);
	s->theirs = NULL;
	s->compare_all = false;
	pthread_mutex_lock(&s->lock);
	s->state.docs_taken += j->err ? 0 : s->taken;
	pthread_mutex_unlock(&s->lock);
	rest(s, j->err ? s->opt.interval_ms : 0);
}

static int connect_to(struct sharer *s, struct errtext *why)
{
	s->redis = redis_connect(&s->opt.address, TIMEOUT_MS, why);
	if (!s->redis)
		return ERR_UNREACHABLE;
	s->retry_ms = 0;
	/* Whatever was changed meanwhile, here or there; the first time, the unknown mark sees to that. */
	return *s->mark ? fetch_all_docs(s, why) : 0;
}

static int turn(struct sharer *s, bool *ret_more, struct errtext *why)
{
	int err;

	if (!s->redis && (err = connect_to(s, why)))
		return err;
	take_waiting(s);
	if ((err = look_at_mark(s, why)) || (err = send_docs(s, &s->ours, why)) ||
	    (err = send_docs(s, &s->doc_sending, why)) || (err = send_events(s, why)))
		return err;
	return receive(s, ret_more, why);
}

static void on_timer(struct loop_timer *t)
{
	struct sharer *s = container_of(t, struct sharer, timer);
	struct errtext why = { "" };
	bool more = false;
	int err = turn(s, &more, &why);

	if (err) {
		fail(s, err, &why);
		return;
	}
	note(s, 0, NULL);
	if (!s->theirs && !s->compare_all) {
		rest(s, more ? 0 : s->opt.interval_ms);
		return;
	}
	s->working = true;
	s->job = (struct keeper_job){ .work = merge, .done = on_merged, .answers_to = s->thread };
	keeper_submit(s->opt.keeper, &s->job);
}

static int on_init(struct worker *w, struct errtext *why)
{
	struct sharer *s = w->arg;

	(void)why;
	s->loop = w->loop;
	return 0;
}

struct sharer *sharer_start(const struct sharer_options *opt, struct errtext *why)
{
	static const struct worker_class cls = { .name = "sharer", .init = on_init };
	struct sharer *s = xcalloc(1, sizeof *s);

	s->opt = *opt;
	s->last = &s->first;
	s->stream = xasprintf("{%s}:events", opt->prefix);
	s->hash = xasprintf("{%s}:docs", opt->prefix);
	s->sample_below = (uint64_t)(opt->sample_rate * 0x1p63) * 2;
	snprintf(s->max_text, sizeof s->max_text, "%u", opt->max_events);
	pthread_mutex_init(&s->lock, NULL);
	errtext_set(&s->state.why, "not connected yet");
	s->thread = workers_start(1, &cls, s, why);
	if (s->thread)
		return s;
	sharer_free(s);
	return NULL;
}

static void on_begin(struct mailbox_msg *m)
{
	struct sharer *s = container_of(m, struct sharer, begin);

	s->begun = true;
	if (!s->stopping)
		on_timer(&s->timer);
}

void sharer_begin(struct sharer *s, int64_t store_id)
{
	snprintf(s->me, sizeof s->me, "%016" PRIx64, (uint64_t)store_id);
	s->pos = learner_shared_pos(s->opt.learner);
	if (!workers_post(s->thread, 0, &s->begin, on_begin))
		log_event(LOG_ERROR, "sharer_lost");
}

/* The keeper may be at work for us: its answer must find the thread. */
static void on_stop(struct mailbox_msg *m)
{
	struct sharer *s = container_of(m, struct sharer, stop);
	struct errtext why = { "" };

	s->stopping = true;
	loop_timer_cancel(s->loop, &s->timer);
	take_waiting(s);
	if (s->redis && !s->working && send_docs(s, &s->doc_sending, &why) == 0)
		(void)send_events(s, &why);
	if (!s->working)
		loop_stop(s->loop);
}

void sharer_stop(struct sharer *s)
{
	if (!s || !s->thread)
		return;
	if (!workers_post(s->thread, 0, &s->stop, on_stop))
		workers_stop(s->thread);
	workers_join(s->thread);
	s->thread = NULL;
	pthread_mutex_lock(&s->lock);
	s->closed = true;
	pthread_mutex_unlock(&s->lock);
}

static void free_events(struct outgoing *list)
{
	while (list) {
		struct outgoing *next = list->next;

		free(list);
		list = next;
	}
}

void sharer_free(struct sharer *s)
{
	if (!s)
		return;
	sharer_stop(s);
	redis_free(s->redis);
	free_events(s->sending);
	free_events(s->first);
	shared_docs_free(s->doc_sending);
	shared_docs_free(s->doc_first);
	shared_docs_free(s->theirs);
	shared_docs_free(s->ours);
	redis_address_deinit(&s->opt.address);
	pthread_mutex_destroy(&s->lock);
	free(s->stream);
	free(s->hash);
	free(s);
}
