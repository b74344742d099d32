#include "pbs/exchange/events.h"

#include <ctype.h>
#include <stdlib.h>

#include "common/json.h"

enum { VAST_MAX = 4 << 20, URL_MAX = 16384 };

static const struct str IMPRESSION_OPEN = { "<Impression>", 12 };
static const struct str IMPRESSION_CLOSE = { "</Impression>", 13 };

static void add_encoded(struct buf *b, struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c < 0x80 && (isalnum(c) || strchr("-_.~", c)))
			buf_add_c(b, (char)c);
		else if (c == ' ')
			buf_add_c(b, '+');
		else
			buf_addf(b, "%%%02X", c);
	}
}

static void add_param(struct buf *b, const char *name, struct str value)
{
	if (value.n == 0)
		return;
	buf_add_z(b, name);
	add_encoded(b, value);
}

static struct str event_url(const struct events *ev, const char *type, struct str bid_id, struct str bidder,
			    bool in_vast, struct arena *a)
{
	struct buf b;
	struct str url;

	buf_init(&b, URL_MAX);
	buf_add_str(&b, ev->external_url);
	buf_addf(&b, "/event?t=%s&b=", type);
	buf_add_str(&b, bid_id);
	buf_add_z(&b, "&a=");
	buf_add_str(&b, ev->account);
	add_param(&b, "&bidder=", bidder);
	if (in_vast)
		buf_add_z(&b, "&f=b");
	add_param(&b, "&int=", ev->integration);
	if (ev->auction_start_ms > 0)
		buf_addf(&b, "&ts=%lld", (long long)ev->auction_start_ms);
	url = b.overflow ? STR("") : arena_str(a, buf_str(&b));
	buf_deinit(&b);
	return url;
}

static struct str bid_url(const struct events *ev, const char *type, const struct bid *bid, bool in_vast,
			  struct arena *a)
{
	return event_url(ev, type, bid->generated_id.n ? bid->generated_id : bid->id, bid->seat, in_vast, a);
}

struct str events_imp_url(const struct events *ev, struct str bid_id, struct str bidder, struct arena *a)
{
	return event_url(ev, "imp", bid_id, bidder, true, a);
}

struct str events_win_url(const struct events *ev, const struct bid *b, struct arena *a)
{
	if (!ev->active || b->type == BID_VIDEO)
		return STR("");
	return bid_url(ev, "win", b, false, a);
}

json_t *events_render(const struct events *ev, const struct bid *b, struct arena *a)
{
	json_t *j;

	if (!ev->active || b->type == BID_VIDEO)
		return NULL;
	j = json_object();
	json_set_str(j, "win", bid_url(ev, "win", b, false, a));
	json_set_str(j, "imp", bid_url(ev, "imp", b, false, a));
	return j;
}

struct str events_vast(const struct bid *b, struct arena *a)
{
	struct str adm = b->vast_adm.n ? b->vast_adm : json_str_at(b->ortb, "adm");
	struct str nurl = json_str_at(b->ortb, "nurl");

	if (adm.n)
		return adm;
	return str_of(
		arena_printf(a,
			     "<VAST version=\"3.0\"><Ad><Wrapper><AdSystem>prebid.org wrapper</AdSystem>"
			     "<VASTAdTagURI><![CDATA[" STR_FMT "]]></VASTAdTagURI><Impression></Impression>"
			     "<Creatives></Creatives></Wrapper></Ad></VAST>",
			     STR_ARG(nurl)));
}

/* The offset of `needle`, or -1. */
static ptrdiff_t find(struct str s, struct str needle)
{
	const char *at = s.n ? memmem(s.p, s.n, needle.p, needle.n) : NULL;

	return at ? at - s.p : -1;
}

struct str events_mark_vast(struct str vast, struct str url, struct arena *a)
{
	ptrdiff_t close = find(vast, IMPRESSION_CLOSE), open = find(vast, IMPRESSION_OPEN);
	bool is_empty = open >= 0 && close - open == (ptrdiff_t)IMPRESSION_OPEN.n;
	struct str out = STR("");
	struct buf b;
	size_t at;

	if (close < 0 || url.n == 0)
		return out;
	at = (size_t)close + (is_empty ? 0 : IMPRESSION_CLOSE.n);
	buf_init(&b, VAST_MAX);
	buf_add(&b, vast.p, at);
	if (!is_empty)
		buf_add_str(&b, IMPRESSION_OPEN);
	buf_add_z(&b, "<![CDATA[");
	buf_add_str(&b, url);
	buf_add_z(&b, "]]>");
	if (!is_empty)
		buf_add_str(&b, IMPRESSION_CLOSE);
	buf_add(&b, vast.p + at, vast.n - at);
	if (!b.overflow)
		out = arena_str(a, buf_str(&b));
	buf_deinit(&b);
	return out;
}

void events_inject_vast(const struct events *ev, struct bid *bid, bool may_modify, struct arena *a)
{
	bool has_vast = json_str_at(bid->ortb, "adm").n || json_str_at(bid->ortb, "nurl").n;
	struct str marked;

	if (!ev->active || !may_modify || bid->type != BID_VIDEO || !has_vast)
		return;
	marked = events_mark_vast(events_vast(bid, a), bid_url(ev, "imp", bid, true, a), a);
	if (marked.n)
		bid->vast_adm = marked;
}
