#include "pbs/exchange/messages.h"

#include <stdarg.h>
#include <stdio.h>

#include "common/json.h"

void messages_init(struct messages *m, struct arena *a)
{
	*m = (struct messages){ .arena = a };
	m->tail = &m->buckets;
}

static struct message_bucket *bucket_get(struct messages *m, struct str name)
{
	struct message_bucket *b;

	for (b = m->buckets; b; b = b->next)
		if (str_eq(b->name, name))
			return b;
	b = ARENA_NEW(m->arena, struct message_bucket);
	b->name = arena_str(m->arena, name);
	b->tail = &b->first;
	*m->tail = b;
	m->tail = &b->next;
	return b;
}

__attribute__((format(printf, 2, 0))) static struct str format(struct arena *a, const char *fmt, va_list ap)
{
	va_list measure;
	char *p;
	int n;

	va_copy(measure, ap);
	n = vsnprintf(NULL, 0, fmt, measure);
	va_end(measure);
	if (n < 0)
		return STR("");
	p = arena_alloc(a, (size_t)n + 1);
	vsnprintf(p, (size_t)n + 1, fmt, ap);
	return (struct str){ p, (size_t)n };
}

void messages_add(struct messages *m, enum message_kind kind, struct str bucket, int code, const char *fmt,
		  ...)
{
	struct message_bucket *b;
	struct message *msg;
	va_list ap;

	if (!m || m->n >= MESSAGES_MAX)
		return;
	m->n++;
	b = bucket_get(m, bucket);
	msg = ARENA_NEW(m->arena, struct message);
	msg->kind = kind;
	msg->code = code;
	va_start(ap, fmt);
	msg->text = format(m->arena, fmt, ap);
	va_end(ap);
	*b->tail = msg;
	b->tail = &msg->next;
}

static bool is_shown(const struct message *msg, enum message_kind kind, bool debug)
{
	enum message_kind if_debug = kind == MESSAGE_ERROR ? MESSAGE_DEBUG_ERROR : MESSAGE_DEBUG_WARNING;

	return msg->kind == kind || (debug && msg->kind == if_debug);
}

static json_t *render_message(const struct message *msg)
{
	json_t *j = json_object();

	json_set_int(j, "code", msg->code);
	json_set_str(j, "message", msg->text);
	return j;
}

json_t *messages_render(const struct messages *m, enum message_kind kind, bool debug)
{
	json_t *all = NULL;

	for (const struct message_bucket *b = m->buckets; b; b = b->next) {
		json_t *list = NULL;

		for (const struct message *msg = b->first; msg; msg = msg->next) {
			if (!is_shown(msg, kind, debug))
				continue;
			if (!list)
				list = json_array();
			json_array_append_new(list, render_message(msg));
		}
		if (!list)
			continue;
		if (!all)
			all = json_object();
		json_object_setn_new_nocheck(all, b->name.p, b->name.n, list);
	}
	return all;
}
