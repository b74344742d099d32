#include "idr/intake/batch.h"

#include <stdlib.h>

#include "common/err.h"
#include "common/json.h"
#include "common/mem.h"

static struct batch *batch_new(size_t max_events)
{
	struct batch *b = xcalloc(1, sizeof *b);

	b->arena = arena_new();
	b->events = ARENA_ARRAY(b->arena, struct event, max_events ? max_events : 1);
	return b;
}

struct batch *batch_free(struct batch *b)
{
	if (b) {
		if (b->under_way)
			atomic_fetch_sub(b->under_way, b->under_way_rows);
		arena_free(b->arena);
		free(b);
	}
	return NULL;
}

static void refuse(struct batch *b, size_t index, const struct errtext *why)
{
	if (b->n_bad++ == 0) {
		b->bad_index = index;
		b->bad = *why;
	}
}

static void add(struct batch *b, size_t index, const json_t *j, const struct event_limits *lim)
{
	struct errtext why = { "" };
	unsigned unpriced = 0;

	if (event_parse(j, lim, b->arena, &b->events[b->n], &unpriced, &why) < 0) {
		refuse(b, index, &why);
		return;
	}
	b->rows += b->events[b->n].n_bidders;
	b->unpriced += unpriced;
	b->n++;
}

static int too_many(struct errtext *why)
{
	errtext_set(why, "more than %d events in one request", BATCH_EVENTS);
	return ERR_LIMIT;
}

static int parse_lines(struct str body, const struct event_limits *lim, struct batch **ret_b,
		       struct errtext *why)
{
	size_t lines = 0, index = 0;
	struct batch *b;

	for (size_t i = 0; i < body.n; i++)
		lines += body.p[i] == '\n' || i + 1 == body.n;
	if (lines > BATCH_EVENTS)
		return too_many(why);
	b = batch_new(lines);
	while (body.p) {
		struct str line = str_trim(str_cut(&body, '\n'));
		struct errtext bad = { "" };
		json_t *j;

		if (line.n && line.p[line.n - 1] == '\r')
			line.n--;
		if (line.n == 0)
			continue;
		if ((j = json_parse(line, &bad)))
			add(b, index, j, lim);
		else
			refuse(b, index, &bad);
		json_decref(j);
		index++;
	}
	*ret_b = b;
	return 0;
}

int batch_parse(struct str body, bool lines, const struct event_limits *lim, struct batch **ret_b,
		struct errtext *why)
{
	json_t *j = lines ? NULL : json_parse(body, why);
	struct batch *b;

	if (!j && (lines || memchr(str_trim(body).p, '\n', str_trim(body).n)))
		return parse_lines(body, lim, ret_b, why);
	if (!j)
		return ERR_INPUT;
	if (json_array_size(j) > BATCH_EVENTS) {
		json_decref(j);
		return too_many(why);
	}
	b = batch_new(json_is_array(j) ? json_array_size(j) : 1);
	if (!json_is_array(j))
		add(b, 0, j, lim);
	for (size_t i = 0; i < json_array_size(j); i++)
		add(b, i, json_array_get(j, i), lim);
	json_decref(j);
	*ret_b = b;
	return 0;
}
