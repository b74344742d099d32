/* Health, readiness, metrics, version. */
#include "common/err.h"
#include "common/json.h"
#include "idr/endpoints/endpoints.h"

static json_t *postgres_json(struct idr *idr, const struct keeper_state *st, bool *ret_down)
{
	struct forwarder_state fs;
	json_t *j;

	if (!idr->forwarder)
		return json_string("not configured");
	forwarder_state(idr->forwarder, &fs);
	*ret_down = !fs.connected;
	j = json_pack("{s:s}", "status", fs.connected ? "ok" : "down");
	if (!fs.connected)
		json_set_str(j, "error", str_of(fs.why.text));
	json_set_int(j, "events_behind", st->totals.last_seq - fs.seq);
	return j;
}

/* Healthy means that everything works; degraded that routing goes on but something beside it does not. Both are
 * 200: restarting a router because its disk is full would only make it forget. */
void endpoint_health(struct http_request *req)
{
	struct idr *idr = idr_worker_of(req)->idr;
	struct keeper_state st;
	bool postgres_down = false;
	json_t *j, *store;

	keeper_state(idr->keeper, &st);
	store = json_pack("{s:s, s:s}", "type", "sqlite", "status", st.err ? "failing" : "ok");
	if (st.err)
		json_set_str(store, "error", str_of(st.why.text));
	json_set_int(store, "bytes", st.totals.bytes);
	json_set_int(store, "last_event", st.totals.last_seq);
	j = json_pack("{s:s, s:o, s:s, s:o}", "version", idr_version, "store", store, "redis",
		      "not configured", "postgres", postgres_json(idr, &st, &postgres_down));
	json_set_str(j, "status", st.err || postgres_down ? STR("degraded") : STR("healthy"));
	json_set_bool(j, "loaded", st.loaded);
	endpoint_reply_json(req, 200, j);
	json_decref(j);
}

void endpoint_ready(struct http_request *req)
{
	struct idr *idr = idr_worker_of(req)->idr;

	if (idr_is_ready(idr))
		http_reply(req, 200, "application/json", STR("{\"status\":\"ready\"}"));
	else
		http_reply(req, 503, "application/json",
			   atomic_load(&idr->draining) ? STR("{\"status\":\"draining\"}")
						       : STR("{\"status\":\"loading\"}"));
}

/* What belongs to no worker is written from where it is known, beside the workers' sums. */
static void write_gauges(struct idr *idr, struct buf *b)
{
	struct router_stats rs;
	struct keeper_state st;

	keeper_state(idr->keeper, &st);
	learner_stats(idr->learner, &rs);
	const struct {
		const char *name, *help;
		double v;
	} rows[] = {
		{ "ready", "1 while requests are welcome", idr_is_ready(idr) },
		{ "store_ok", "1 while the store can be written", st.err == 0 },
		{ "store_bytes", "Size of the store's file", (double)st.totals.bytes },
		{ "queued_rows", "Bidder rows not yet recorded and learned", (double)st.rows_queued },
		{ "index_events", "Events the index has learned from", (double)rs.events },
		{ "index_rows", "Rows of the index in use", (double)rs.rows },
		{ "index_bytes", "Memory of the index", (double)rs.bytes },
		{ "index_bidders", "Bidders the index knows", rs.bidders },
		{ "kept_estimate", "Share of revenue kept, from audits; -1 = unknown",
		  (double)rs.kept_estimate },
	}, counters[] = {
		{ "store_commits_total", "Transactions of events", (double)st.commits },
		{ "store_commit_seconds_total", "Time spent in them", (double)st.commit_us / 1e6 },
		{ "store_failures_total", "Transactions that failed", (double)st.failures },
		{ "store_events_total", "Events recorded", (double)st.events },
		{ "store_rows_total", "Bidder rows recorded", (double)st.rows },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		buf_addf(b, "# HELP nexus_idr_%s %s\n# TYPE nexus_idr_%s gauge\nnexus_idr_%s %.17g\n",
			 rows[i].name, rows[i].help, rows[i].name, rows[i].name, rows[i].v);
	for (size_t i = 0; i < ARRAY_LEN(counters); i++)
		buf_addf(b, "# HELP nexus_idr_%s %s\n# TYPE nexus_idr_%s counter\nnexus_idr_%s %.17g\n",
			 counters[i].name, counters[i].help, counters[i].name, counters[i].name,
			 counters[i].v);
}

void endpoint_metrics(struct http_request *req)
{
	struct idr *idr = idr_worker_of(req)->idr;
	struct buf b;

	buf_init(&b, 8u << 20);
	metrics_write(idr->metrics, &b);
	write_gauges(idr, &b);
	metrics_write_process("nexus_idr", idr_version, &b);
	http_reply_buf(req, 200, "text/plain; version=0.0.4; charset=utf-8", &b);
}

void endpoint_version(struct http_request *req)
{
	char *text = arena_printf(req->arena, "{\"service\":\"nexus-idr\",\"version\":\"%s\"}", idr_version);

	http_reply(req, 200, "application/json", str_of(text));
}
