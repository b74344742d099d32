#include "pbs/analytics/spans.h"

#include "common/clock.h"
#include "common/mem.h"
#include "common/otlp.h"
#include "pbs/exchange/auction.h"

#define TEXT(k, v)   ((struct otlp_attribute){ .key = (k), .text = (v) })
#define NUMBER(k, v) ((struct otlp_attribute){ .key = (k), .number = (int64_t)(v) })

/* What the parts of one auction share. */
struct walk {
	const struct auction *a;
	struct otlp *to;
	uint64_t wall_us; /* to be added to the loop's clock for the time since 1970 */
	uint64_t end_us;
};

static void add(const struct walk *w, const struct otlp_span *part)
{
	struct otlp_span s = *part;

	s.trace = w->a->trace;
	s.end_us = (s.end_us > s.start_us ? s.end_us : s.start_us) + w->wall_us;
	s.start_us += w->wall_us;
	otlp_add(w->to, &s);
}

static void add_auction(const struct walk *w)
{
	const struct auction *a = w->a;
	const struct otlp_attribute attributes[] = {
		NUMBER("http.response.status_code", a->status),
		TEXT("nexus.account", a->account_id.p ? a->account_id : STR("")),
		NUMBER("nexus.imps", a->n_imps),
		NUMBER("nexus.bidders", a->n_candidates),
		NUMBER("nexus.bidders.called", a->n_runs),
		NUMBER("nexus.seats", a->seats.n),
	};

	add(w, &(struct otlp_span){
		       .id = a->trace->span,
		       .parent = a->trace->parent,
		       .name = str_of(a->front->name),
		       .kind = OTLP_SERVER,
		       .start_us = a->started_us,
		       .end_us = w->end_us,
		       .attributes = attributes,
		       .n_attributes = ARRAY_LEN(attributes),
		       .failed = a->status >= 500,
	       });
}

static void add_route_call(const struct walk *w, uint64_t parent)
{
	const struct auction *a = w->a;
	const struct otlp_attribute attributes[] = {
		TEXT("nexus.router.result", str_of(unrouted_names[a->unrouted])),
		TEXT("nexus.router.mode", a->routing ? a->routing->mode : STR("all")),
	};

	if (!a->route_span)
		return;
	add(w, &(struct otlp_span){
		       .id = a->route_span,
		       .parent = parent,
		       .name = STR("POST /route"),
		       .kind = OTLP_CLIENT,
		       .start_us = a->route_started_us,
		       .end_us = a->route_started_us + a->route_us,
		       .attributes = attributes,
		       .n_attributes = ARRAY_LEN(attributes),
		       .failed = a->unrouted != ROUTED,
	       });
}

static void add_bidder_call(const struct walk *w, uint64_t parent, const struct bidder_run *run,
			    const struct bidder_call *call)
{
	const struct otlp_attribute attributes[] = {
		TEXT("nexus.bidder", run->candidate->name),
		TEXT("nexus.outcome", str_of(bidder_outcomes[run->outcome])),
		NUMBER("http.response.status_code", call->status),
	};

	if (!call->ended_us)
		return; /* never sent */
	add(w, &(struct otlp_span){
		       .id = call->span,
		       .parent = parent,
		       .name = run->candidate->name,
		       .kind = OTLP_CLIENT,
		       .start_us = run->started_us,
		       .end_us = call->ended_us,
		       .attributes = attributes,
		       .n_attributes = ARRAY_LEN(attributes),
		       .failed = run->outcome == OUTCOME_TIMEOUT || run->outcome == OUTCOME_ERROR,
	       });
}

static void add_bidder_calls(const struct walk *w, uint64_t parent)
{
	for (size_t r = 0; r < w->a->n_runs; r++)
		for (size_t i = 0; i < w->a->runs[r].n_calls; i++)
			add_bidder_call(w, parent, &w->a->runs[r], &w->a->runs[r].calls[i]);
}

/* A stage lasts until the next one begins. */
static void add_stages(const struct walk *w)
{
	const uint64_t *entered = w->a->times->entered_us;

	for (enum stage s = STAGE_RESOLVE; s < STAGE_DONE; s++) {
		uint64_t id = trace_new_span(&w->a->x->rng), end = w->end_us;

		if (!entered[s])
			continue;
		for (enum stage next = s + 1; next <= STAGE_DONE && end == w->end_us; next++)
			if (entered[next])
				end = entered[next];
		add(w, &(struct otlp_span){
			       .id = id,
			       .parent = w->a->trace->span,
			       .name = str_of(auction_stage_name(s)),
			       .kind = OTLP_INTERNAL,
			       .start_us = entered[s],
			       .end_us = end,
		       });
		if (s == STAGE_ROUTE)
			add_route_call(w, id);
		if (s == STAGE_BID)
			add_bidder_calls(w, id);
	}
}

void spans_of_auction(const struct auction *a, struct otlp *to)
{
	struct walk w = { .a = a, .to = to, .end_us = clock_mono_us() };

	w.wall_us = (uint64_t)clock_wall_ms() * 1000 - w.end_us;
	add_auction(&w);
	add_stages(&w);
}
