/* Health, readiness, metrics, version, configuration. */
#include "common/err.h"
#include "common/http_conf.h"
#include "common/http_json.h"
#include "common/json.h"
#include "common/version.h"
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

static json_t *redis_json(struct idr *idr, bool *ret_down)
{
	struct sharer_state ss;
	json_t *j;

	if (!idr->sharer)
		return json_string("not configured");
	sharer_state(idr->sharer, &ss);
	*ret_down = !ss.connected;
	j = json_pack("{s:s}", "status", ss.connected ? "ok" : "down");
	if (!ss.connected)
		json_set_str(j, "error", str_of(ss.why.text));
	json_set_int(j, "events_received", (int64_t)ss.received);
	json_set_int(j, "events_published", (int64_t)ss.published);
	return j;
}

/* Healthy means that everything works; degraded that routing goes on but something beside it does not. Both are
 * 200: restarting a router because its disk is full would only make it forget. */
void endpoint_health(struct http_request *req)
{
	struct idr *idr = idr_worker_of(req)->idr;
	struct keeper_state st;
	bool postgres_down = false, redis_down = false;
	json_t *j, *store;

	keeper_state(idr->keeper, &st);
	store = json_pack("{s:s, s:s}", "type", "sqlite", "status", st.err ? "failing" : "ok");
	if (st.err)
		json_set_str(store, "error", str_of(st.why.text));
	json_set_int(store, "bytes", st.totals.bytes);
	json_set_int(store, "last_event", st.totals.last_seq);
	j = json_pack("{s:s, s:o, s:o, s:o}", "version", NEXUS_VERSION, "store", store, "redis",
		      redis_json(idr, &redis_down), "postgres", postgres_json(idr, &st, &postgres_down));
	json_set_str(j, "status", st.err || postgres_down || redis_down ? STR("degraded") : STR("healthy"));
	json_set_bool(j, "loaded", st.loaded);
	http_reply_json(req, 200, j);
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

struct figure {
	const char *name, *help;
	double v;
};

static void write_figures(struct buf *b, const char *type, const struct figure *f, size_t n)
{
	for (size_t i = 0; i < n; i++)
		buf_addf(b, "# HELP nexus_idr_%s %s\n# TYPE nexus_idr_%s %s\nnexus_idr_%s %.17g\n", f[i].name,
			 f[i].help, f[i].name, type, f[i].name, f[i].v);
}

static void write_redis(struct idr *idr, struct buf *b)
{
	struct sharer_state ss;

	if (!idr->sharer)
		return;
	sharer_state(idr->sharer, &ss);
	const struct figure gauges[] = {
		{ "redis_up", "1 while connected to Redis", ss.connected },
		{ "redis_waiting_bytes", "Events that wait to be sent to Redis", (double)ss.waiting_bytes },
	}, counters[] = {
		{ "redis_connections_total", "Connections made to Redis", (double)ss.connections },
		{ "redis_events_published_total", "Events told to other machines", (double)ss.published },
		{ "redis_events_dropped_total", "Events not told, because too many waited", (double)ss.dropped },
		{ "redis_events_received_total", "Events of other machines that were learned",
		  (double)ss.received },
		{ "redis_events_refused_total", "Events of other machines that could not be read",
		  (double)ss.refused },
		{ "redis_documents_published_total", "Changes of settings, floors and stored requests told",
		  (double)ss.docs_published },
		{ "redis_documents_taken_total", "Such changes taken over from other machines",
		  (double)ss.docs_taken },
	};

	write_figures(b, "gauge", gauges, ARRAY_LEN(gauges));
	write_figures(b, "counter", counters, ARRAY_LEN(counters));
}

/* What belongs to no worker is written from where it is known, beside the workers' sums. */
static void write_gauges(struct idr *idr, struct buf *b)
{
	struct router_stats rs;
	struct keeper_state st;

	keeper_state(idr->keeper, &st);
	learner_stats(idr->learner, &rs);
	const struct figure rows[] = {
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

	write_figures(b, "gauge", rows, ARRAY_LEN(rows));
	write_figures(b, "counter", counters, ARRAY_LEN(counters));
	write_redis(idr, b);
}

void endpoint_metrics(struct http_request *req)
{
	struct idr *idr = idr_worker_of(req)->idr;
	struct buf b;

	buf_init(&b, 8u << 20);
	metrics_write(idr->metrics, &b);
	write_gauges(idr, &b);
	metrics_write_process("nexus_idr", NEXUS_VERSION, &b);
	http_reply_buf(req, 200, "text/plain; version=0.0.4; charset=utf-8", &b);
}

void endpoint_version(struct http_request *req)
{
	http_reply(req, 200, "application/json",
		   STR("{\"service\":\"nexus-idr\",\"revision\":\"" NEXUS_REVISION
		       "\",\"version\":\"" NEXUS_VERSION "\"}"));
}

void endpoint_config(struct http_request *req)
{
	if (endpoint_may_see_all(req))
		http_reply_conf(req, idr_live_config(idr_worker_of(req))->conf);
}
