#include "common/breaker.h"

void breaker_init(struct breaker *b, const struct breaker_rule *rule)
{
	*b = (struct breaker){ .rule = rule, .open_ms = rule->open_ms };
}

/* The only way to change state. */
static void enter(struct breaker *b, enum breaker_state to, uint64_t now_ms)
{
	b->state = to;
	b->era++;
	b->failures_in_row = b->calls = b->failed = b->probes_out = b->probes_ok = 0;
	b->window_start_ms = now_ms;
	if (to == BREAKER_OPEN) {
		b->open_until_ms = now_ms + b->open_ms;
		b->opened++;
	}
}

bool breaker_allow(struct breaker *b, uint64_t now_ms, uint32_t *ret_ticket)
{
	if (b->state == BREAKER_OPEN && now_ms >= b->open_until_ms)
		enter(b, BREAKER_HALF_OPEN, now_ms);
	if (b->state == BREAKER_OPEN ||
	    (b->state == BREAKER_HALF_OPEN && b->probes_out + b->probes_ok >= b->rule->probes)) {
		b->refused++;
		return false;
	}
	if (b->state == BREAKER_HALF_OPEN)
		b->probes_out++;
	*ret_ticket = b->era;
	return true;
}

static void report_closed(struct breaker *b, bool ok, uint64_t now_ms)
{
	const struct breaker_rule *r = b->rule;

	if (now_ms - b->window_start_ms >= r->window_ms) {
		b->calls = b->failed = 0;
		b->window_start_ms = now_ms;
	}
	b->calls++;
	b->failed += !ok;
	b->failures_in_row = ok ? 0 : b->failures_in_row + 1;
	if ((r->failures && b->failures_in_row >= r->failures) ||
	    (r->failure_share > 0 && b->calls >= r->min_calls &&
	     b->failed >= r->failure_share * (double)b->calls)) {
		b->open_ms = r->open_ms;
		enter(b, BREAKER_OPEN, now_ms);
	}
}

static void report_probe(struct breaker *b, bool ok, uint64_t now_ms)
{
	b->probes_out--;
	if (!ok) {
		b->open_ms = b->open_ms * 2 > b->rule->max_open_ms ? b->rule->max_open_ms : b->open_ms * 2;
		enter(b, BREAKER_OPEN, now_ms);
	} else if (++b->probes_ok >= b->rule->probes) {
		enter(b, BREAKER_CLOSED, now_ms);
	}
}

void breaker_report(struct breaker *b, uint32_t ticket, bool ok, uint64_t now_ms)
{
	if (ticket != b->era)
		return;
	if (b->state == BREAKER_CLOSED)
		report_closed(b, ok, now_ms);
	else if (b->state == BREAKER_HALF_OPEN)
		report_probe(b, ok, now_ms);
}

void breaker_abandon(struct breaker *b, uint32_t ticket)
{
	if (ticket == b->era && b->state == BREAKER_HALF_OPEN)
		b->probes_out--;
}

const char *breaker_state_name(enum breaker_state s)
{
	static const char *const names[] = { "closed", "open", "half_open" };

	return names[s];
}
