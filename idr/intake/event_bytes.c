#include "idr/intake/event_bytes.h"

#include <math.h>

#include "idr/store/context_bytes.h"

enum { VERSION = 1, CODE_MAX = ROUTER_CODE_BYTES - 1 };

static const int64_t max_ts_ms = 4102444800000; /* 2100 */
static const float max_cpm = 1e6f, max_latency_ms = 600000;

static void put(struct buf *b, uint64_t v, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		buf_add_c(b, (char)(v >> (8 * i)));
}

static void put_float(struct buf *b, float f)
{
	uint32_t bits;

	memcpy(&bits, &f, sizeof bits);
	put(b, bits, sizeof bits);
}

/* Codes that the index would not model are left out. */
static bool is_told(const struct event_bidder *x)
{
	return x->status != OUTCOME_NOT_CALLED && x->code.n > 0 && x->code.n <= CODE_MAX;
}

void event_bytes_write(const struct event *e, struct buf *b)
{
	unsigned char context[CONTEXT_BYTES];
	size_t context_n = context_write(&e->ctx, context), n = 0;

	for (size_t i = 0; i < e->n_bidders; i++)
		n += is_told(&e->bidders[i]);
	put(b, VERSION, 1);
	put(b, context_n, 1);
	buf_add(b, context, context_n);
	put(b, classify_name(e->auction_id), 8);
	put(b, (uint64_t)e->ts_ms, 8);
	put(b, n, 2);
	for (size_t i = 0; i < e->n_bidders; i++) {
		const struct event_bidder *x = &e->bidders[i];

		if (!is_told(x))
			continue;
		put(b, x->status, 1);
		put(b, x->wins > 0, 1);
		put_float(b, x->cpm_usd);
		put_float(b, x->latency_ms);
		put(b, x->code.n, 1);
		buf_add_str(b, x->code);
	}
}

/* Takes n bytes off *rest; "" and *ok false when there are fewer. */
static struct str take(struct str *rest, size_t n, bool *ok)
{
	struct str got = { rest->p, n };

	if (n > rest->n) {
		*ok = false;
		rest->n = 0;
		return STR("");
	}
	rest->p += n;
	rest->n -= n;
	return got;
}

static uint64_t take_number(struct str *rest, size_t bytes, bool *ok)
{
	struct str raw = take(rest, bytes, ok);
	uint64_t v = 0;

	for (size_t i = 0; i < raw.n; i++)
		v |= (uint64_t)(unsigned char)raw.p[i] << (8 * i);
	return v;
}

static float take_float(struct str *rest, bool *ok)
{
	uint32_t bits = (uint32_t)take_number(rest, 4, ok);
	float f;

	memcpy(&f, &bits, sizeof f);
	return f;
}

/* Small numbers are indexes into tables of the model. */
static bool context_is_sound(const struct context *c)
{
	return c->device < DEVICE_KINDS && c->format < FORMATS && c->position <= POSITION_OTHER &&
	       c->os <= OS_OTHER && c->browser <= BROWSER_OTHER && c->hour < 24 && c->ids_unknown <= 15 &&
	       c->floor_usd >= 0 && c->floor_usd <= max_cpm;
}

static bool take_outcome(struct str *rest, struct outcome *o)
{
	bool ok = true;

	o->status = (uint8_t)take_number(rest, 1, &ok);
	o->won = take_number(rest, 1, &ok) != 0;
	o->cpm_usd = take_float(rest, &ok);
	o->latency_ms = take_float(rest, &ok);
	o->code = take(rest, take_number(rest, 1, &ok), &ok);
	return ok && o->status < OUTCOME_NOT_CALLED && o->cpm_usd >= 0 && o->cpm_usd <= max_cpm &&
	       o->latency_ms >= -1 && o->latency_ms <= max_latency_ms && o->code.n > 0 &&
	       o->code.n <= CODE_MAX && !memchr(o->code.p, 0, o->code.n);
}

bool event_bytes_parse(struct str bytes, struct shared_event *ret_e)
{
	struct shared_event *e = ret_e;
	bool ok = true;
	struct str context;

	if (take_number(&bytes, 1, &ok) != VERSION)
		return false;
	context = take(&bytes, take_number(&bytes, 1, &ok), &ok);
	if (!ok || !context_parse((const unsigned char *)context.p, context.n, &e->ctx) ||
	    !context_is_sound(&e->ctx))
		return false;
	e->auction = take_number(&bytes, 8, &ok);
	e->ts_ms = (int64_t)take_number(&bytes, 8, &ok);
	e->n = take_number(&bytes, 2, &ok);
	if (!ok || e->ts_ms < 0 || e->ts_ms > max_ts_ms || e->n > EVENT_BIDDERS)
		return false;
	for (size_t i = 0; i < e->n; i++)
		if (!take_outcome(&bytes, &e->outcome[i]))
			return false;
	return true;
}
