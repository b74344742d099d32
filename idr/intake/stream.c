#include "idr/intake/stream.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/err.h"
#include "common/log.h"
#include "common/mem.h"
#include "idr/intake/event_bytes.h"

enum { PIPELINE = 500 };

#define MARK STR("#mark")

void stream_init(struct stream *s, const char *prefix, uint32_t max_entries)
{
	*s = (struct stream){ .name = xasprintf("{%s}:events", prefix),
			      .hash = xasprintf("{%s}:docs", prefix) };
	snprintf(s->max_text, sizeof s->max_text, "%u", max_entries);
}

void stream_deinit(struct stream *s)
{
	redis_free(s->redis);
	free(s->name);
	free(s->hash);
}

/* --- out --- */

static int read_ok(struct stream *s, struct errtext *why)
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

static void add_entry(struct stream *s, struct str name, struct str value, const char *weight)
{
	const struct str args[] = {
		STR("XADD"), str_of(s->name), STR("MAXLEN"), STR("~"), str_of(s->max_text),
		STR("*"),    STR("m"),        str_of(s->me), name,     value,
		STR("w"),    str_of(weight)
	};

	redis_add(s->redis, args, *weight ? 12 : 10);
}

int stream_send_events(struct stream *s, struct outgoing **list, uint64_t *ret_sent, struct errtext *why)
{
	int err = 0;

	while (*list && !err) {
		size_t n = 0;

		for (struct outgoing *o = *list; o && n < PIPELINE; o = o->next, n++) {
			char weight[12];

			snprintf(weight, sizeof weight, "%u", o->weight);
			add_entry(s, STR("e"), (struct str){ o->bytes, o->n }, weight);
		}
		for (; n > 0 && !(err = read_ok(s, why)); n--) {
			struct outgoing *o = *list;

			*list = o->next;
			free(o);
			++*ret_sent;
		}
	}
	return err;
}

int stream_send_docs(struct stream *s, struct shared_doc **list, uint64_t *ret_sent, struct errtext *why)
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
			break;
		*list = d->next;
		d->next = NULL;
		shared_docs_free(d);
		++*ret_sent;
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

/* What cannot be read is passed over: it is no worse than a document that nobody wrote. */
static void add_doc(struct shared_doc **docs, struct str field, struct str value)
{
	struct shared_doc *d = value.n ? shared_doc_parse(field, value) : NULL;

	if (!d)
		return;
	d->next = *docs;
	*docs = d;
}

static int fetch_doc(struct stream *s, struct str field, struct shared_doc **docs, struct errtext *why)
{
	redisReply *reply;
	int err = REDIS_ASK(s->redis, &reply, why, STR("HGET"), str_of(s->hash), field);

	if (err)
		return err;
	add_doc(docs, field, reply_str(reply));
	freeReplyObject(reply);
	return 0;
}

static int take_entry(struct stream *s, const redisReply *entry, struct shared_batch *b,
		      struct shared_doc **docs, uint64_t *ret_refused, struct errtext *why)
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
		return fetch_doc(s, e.doc, docs, why);
	if (str_parse_u32(e.weight, 1, SHARED_WEIGHT_MAX, &weight) &&
	    event_bytes_parse(e.event, &(struct shared_event){ 0 }))
		(void)shared_batch_add(b, e.event, weight);
	else
		++*ret_refused;
	return 0;
}

static const redisReply *entries_of(const redisReply *reply)
{
	const redisReply *stream =
		reply->type == REDIS_REPLY_ARRAY && reply->elements == 1 ? reply->element[0] : NULL;

	return stream && stream->type == REDIS_REPLY_ARRAY && stream->elements == 2 &&
			       stream->element[1]->type == REDIS_REPLY_ARRAY
		       ? stream->element[1]
		       : NULL;
}

int stream_read(struct stream *s, struct shared_batch *b, struct shared_doc **docs, uint64_t *ret_refused,
		struct errtext *why)
{
	char id[48], count[12];
	const redisReply *entries;
	redisReply *reply;
	int err;

	snprintf(id, sizeof id, "%" PRIu64 "-%" PRIu64, s->pos.ms, s->pos.n);
	snprintf(count, sizeof count, "%d", SHARED_BATCH_EVENTS);
	err = REDIS_ASK(s->redis, &reply, why, STR("XREAD"), STR("COUNT"), str_of(count), STR("STREAMS"),
			str_of(s->name), str_of(id));
	if (err)
		return err;
	entries = entries_of(reply);
	b->pos = s->pos;
	b->last = !entries || entries->elements < SHARED_BATCH_EVENTS;
	for (size_t i = 0; entries && i < entries->elements && !err; i++)
		err = take_entry(s, entries->element[i], b, docs, ret_refused, why);
	if (!err)
		s->pos = b->pos;
	freeReplyObject(reply);
	return err;
}

int stream_read_all_docs(struct stream *s, struct shared_doc **docs, struct errtext *why)
{
	redisReply *reply;
	int err = REDIS_ASK(s->redis, &reply, why, STR("HGETALL"), str_of(s->hash));

	if (err)
		return err;
	for (size_t i = 0; reply->type == REDIS_REPLY_ARRAY && i + 1 < reply->elements; i += 2) {
		struct str field = reply_str(reply->element[i]);

		if (!str_eq(field, MARK))
			add_doc(docs, field, reply_str(reply->element[i + 1]));
	}
	freeReplyObject(reply);
	return 0;
}

static int read_mark(struct stream *s, redisReply **ret_reply, struct errtext *why)
{
	return REDIS_ASK(s->redis, ret_reply, why, STR("HGET"), str_of(s->hash), MARK);
}

/* The mark is whoever's came first. */
int stream_check_mark(struct stream *s, bool *ret_changed, struct errtext *why)
{
	redisReply *reply;
	int err = read_mark(s, &reply, why);
	struct str mark;

	if (err)
		return err;
	if (!reply_str(reply).n) {
		char mine[40];

		freeReplyObject(reply);
		snprintf(mine, sizeof mine, "%s-%" PRId64, s->me, clock_wall_ms());
		if ((err = REDIS_ASK(s->redis, &reply, why, STR("HSETNX"), str_of(s->hash), MARK,
				     str_of(mine))))
			return err;
		freeReplyObject(reply);
		if ((err = read_mark(s, &reply, why)))
			return err;
	}
	mark = reply_str(reply);
	*ret_changed = mark.n && mark.n < sizeof s->mark && !str_eq(mark, str_of(s->mark));
	if (*ret_changed) {
		if (*s->mark) {
			log_event(LOG_WARN, "redis_forgot", LOG_Z("was", s->mark));
			s->pos = (struct shared_pos){ 0 };
		}
		memcpy(s->mark, mark.p, mark.n);
		s->mark[mark.n] = 0;
	}
	freeReplyObject(reply);
	return 0;
}
