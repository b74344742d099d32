#include "pbs/analytics/file_sink.h"

#include <stdlib.h>
#include <time.h>

#include "common/json.h"
#include "common/mem.h"
#include "pbs/exchange/amp_request.h"
#include "pbs/exchange/auction.h"
#include "pbs/exchange/privacy_stage.h"
#include "pbs/metrics.h"
#include "pbs/privacy/config.h"
#include "pbs/privacy/scrub.h"

#define COMPONENT "filelogger"

enum { LINE_MAX = 8 << 20, IPV4_BITS = 24, IPV6_BITS = 56 };

struct file_sink {
	struct analytics_sink sink;
	struct helper_port *port;
	struct metrics *metrics;
};

static void add_line(struct file_sink *f, const json_t *j)
{
	struct buf line;

	buf_init(&line, LINE_MAX);
	json_write(&line, j);
	buf_add_c(&line, '\n');
	if (line.overflow || !file_log_add(f->port, &line))
		metrics_inc(f->metrics, M_FILE_LINES, FILE_LINE_DROPPED);
	buf_deinit(&line);
}

/* --- auctions --- */

static json_t *errors_of(const struct auction *a)
{
	json_t *list = json_array();

	for (const struct message_bucket *b = a->messages.buckets; b; b = b->next)
		for (const struct message *m = b->first; m; m = m->next)
			if (m->kind == MESSAGE_ERROR)
				json_array_append_new(list, json_new_str(m->text));
	if (a->refusal.p && json_array_size(list) == 0)
		json_array_append_new(list, json_new_str(a->refusal));
	return list;
}

/* Others' analytics options are not this sink's to keep. */
static void reduce_options(json_t *request)
{
	json_t *own, *options;

	if (!json_at(request, "ext.prebid.analytics"))
		return;
	own = json_own_object(json_own_object(json_own_object(request, "ext"), "prebid"), "analytics");
	options = json_incref(json_object_get(own, COMPONENT));
	json_object_clear(own);
	if (options)
		json_object_set_new_nocheck(own, COMPONENT, options);
}

static json_t *request_of(const struct auction *a)
{
	const struct privacy_account *account = a->privacy_account;
	json_t *request = json_copy(a->request);
	unsigned scrub = 0;

	if (!request)
		return json_null();
	if (!privacy_stage_allows_sink(a, ACTIVITY_TRANSMIT_UFPD, STR(COMPONENT)))
		scrub |= SCRUB_SET_UFPD;
	if (!privacy_stage_allows_sink(a, ACTIVITY_TRANSMIT_PRECISE_GEO, STR(COMPONENT)))
		scrub |= SCRUB_SET_GEO;
	scrub_request(request, scrub, account ? account->ipv4_keep_bits : IPV4_BITS,
		      account ? account->ipv6_keep_bits : IPV6_BITS, NULL);
	reduce_options(request);
	return request;
}

static json_t *time_of(const struct auction *a)
{
	time_t at = (time_t)(a->started_ms / 1000);
	char text[32];
	struct tm tm;
	size_t n;

	gmtime_r(&at, &tm);
	n = strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(text + n, sizeof text - n, ".%03dZ", (int)(a->started_ms % 1000));
	return json_string(text);
}

static void set_amp(json_t *line, const struct auction *a)
{
	json_object_set_nocheck(line, "AuctionResponse", a->answer ? a->answer : json_null());
	json_object_set_new_nocheck(line, "AmpTargetingValues", amp_targeting(a->answer));
	json_set_str(line, "Origin", json_str(json_object_get(a->query, "__amp_source_origin")));
}

static struct str type_of(const struct auction *a)
{
	switch (a->front->entry) {
	case ADAPTER_AMP: return STR("/openrtb2/amp");
	case ADAPTER_VIDEO: return STR("/openrtb2/video");
	default: return STR("/openrtb2/auction");
	}
}

static void tell_auction(struct analytics_sink *s, const struct auction *a)
{
	json_t *line = json_object(), *account = json_object();

	json_set_str(line, "type", type_of(a));
	json_set_int(line, "Status", a->status ? a->status : 200);
	json_object_set_new_nocheck(line, "Errors", errors_of(a));
	json_object_set_new_nocheck(line, "Request", request_of(a));
	if (a->front->entry == ADAPTER_AMP)
		set_amp(line, a);
	else
		json_object_set_nocheck(line, "Response", a->answer ? a->answer : json_null());
	json_set_str(account, "id", a->account_id);
	json_object_set_new_nocheck(line, "Account", account);
	json_object_set_new_nocheck(line, "StartTime", time_of(a));
	add_line(container_of(s, struct file_sink, sink), line);
	json_decref(line);
}

static void tell_note(struct analytics_sink *s, const json_t *note)
{
	add_line(container_of(s, struct file_sink, sink), note);
}

/* The file's thread writes what waits when it ends. */
static void flush(struct analytics_sink *s)
{
	(void)s;
}

static bool is_idle(const struct analytics_sink *s)
{
	(void)s;
	return true;
}

static void free_sink(struct analytics_sink *s)
{
	struct file_sink *f = container_of(s, struct file_sink, sink);

	helper_port_free(f->port);
	free(f);
}

struct analytics_sink *file_sink_new(struct file_log *log, struct loop *loop, struct metrics *metrics)
{
	static const struct analytics_sink_class cls = { COMPONENT, tell_auction, tell_note,
							 flush,     is_idle,      free_sink };
	struct file_sink *f = xcalloc(1, sizeof *f);

	f->sink.cls = &cls;
	f->metrics = metrics;
	f->port = file_log_port(log, loop);
	if (f->port)
		return &f->sink;
	free(f);
	return NULL;
}
