/* Plays any number of bidders on one port, by path: POST /bid/<name> takes an OpenRTB request and answers
 * like that bidder would. A bare epoll server that scans the request instead of parsing it, so that it never
 * becomes the bottleneck of a measurement.
 *
 *   mockbidder --port 9000 [--host 127.0.0.1] [--seed 1] [--profiles FILE] [--creatives FILE] [--keep]
 *
 * Profiles (JSON): {"alpha":{"bid":0.7,"price":1.2,"spread":0.4,"latency_ms":40,"jitter":0.3,"error":0.01,
 *   "countries":{"GBR":1.5,"*":1},"formats":{"video":4},"sizes":{"300x600":1.4},"mode":"normal","cur":"USD"}}
 * A bidder without a profile bids always, 1.00 USD at once. `price` is the median of a log-normal with sigma
 * `spread`, `latency_ms` likewise with `jitter`; `countries`, `formats` and `sizes` multiply the chance of a
 * bid and the price. Any profile key but the maps may be given in the query string too:
 * /bid/x?mode=reset&latency_ms=20.
 *
 * Modes: normal, nobid (200, no seats), empty (204), error (500), garbage (not JSON), half (promises more
 * bytes than it sends, then closes), reset (RST), hang (never answers), huge (100 MB), unknownimp, negative,
 * hugeprice, wrongtype.
 *
 * Creatives (JSON): {"banner":"<b>{bidder}</b>","video":"<VAST…","native":"{…"}, what is sent instead of the
 * plain ones; {bidder}, {price}, {w} and {h} are filled in.
 *
 * What a bidder does depends only on seed, bidder name, request id and imp id, so a run can be repeated.
 * POST /best with a request: {"revenue":2.3}, what calling every profiled bidder would have earned.
 * GET /stats: {"alpha":{"requests":3,"bids":2}}. With --keep, GET /last/<name> returns the last request body
 * and its headers as {"headers":[...],"body":...}. POST /profile/<name> with a profile replaces it. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <math.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { MAX_IMPS = 200, MAX_BIDDERS = 512, IN_MAX = 4 << 20, HUGE_BODY = 100 << 20 };

enum mode {
	NORMAL,
	NOBID,
	EMPTY,
	ERROR,
	GARBAGE,
	HALF,
	RESET,
	HANG,
	HUGE_REPLY,
	UNKNOWN_IMP,
	NEGATIVE,
	HUGE_PRICE,
	WRONG_TYPE,
	MODES
};
static const char *const mode_names[MODES] = { "normal",   "nobid",     "empty",    "error", "garbage",
					       "half",     "reset",     "hang",     "huge",  "unknownimp",
					       "negative", "hugeprice", "wrongtype" };

struct profile {
	double bid, price, spread, latency_ms, jitter, error;
	enum mode mode;
	char cur[4];
	json_t *countries, *formats, *sizes;
};

struct bidder {
	char name[64];
	struct profile profile;
	uint64_t requests, bids;
	char *last; /* JSON text of the last request, with --keep */
};

struct text {
	const char *p;
	size_t n;
};

struct imp {
	struct text id;
	const char *format;
	int64_t w, h;
	double floor;
};

struct scan {
	struct text id, country;
	struct imp imps[MAX_IMPS];
	size_t n_imps;
};

struct conn {
	int fd;
	char *in;
	size_t in_n, in_cap;
	char *out;
	size_t out_n, out_at, out_cap;
	size_t zeros_left; /* of a huge reply, sent without storing it */
	bool close_after, waiting;
	uint64_t due_us;
	size_t heap_at; /* place in the heap + 1 */
	struct conn *next_free;
};

static struct bidder bidders[MAX_BIDDERS];
static size_t n_bidders;
static uint64_t seed = 1;
static bool keep;
static json_t *creatives; /* format -> the markup as JSON text without its quotes */
static int epoll_fd;
static struct conn *free_conns;
static struct conn **heap;
static size_t heap_n, heap_cap;

static uint64_t now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000u + (uint64_t)ts.tv_nsec / 1000u;
}

/* --- chance --- */

static uint64_t hash_text(uint64_t h, struct text t)
{
	for (size_t i = 0; i < t.n; i++)
		h = (h ^ (unsigned char)t.p[i]) * 0x100000001b3u;
	return h;
}

static double draw(uint64_t *state) /* SplitMix64, [0, 1) */
{
	uint64_t z = (*state += 0x9e3779b97f4a7c15u);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return (double)((z ^ (z >> 31)) >> 11) * 0x1p-53;
}

static double draw_lognormal(uint64_t *state, double median, double sigma)
{
	double u = draw(state), v = draw(state);

	return median * exp(sigma * sqrt(-2 * log(1 - u)) * cos(6.283185307179586 * v));
}

/* --- scanning the request --- */

/* A pull scanner over JSON text: p moves behind what was read. It trusts that the text is well formed as far
 * as it looks, and stops at the end of the bytes. */
struct cursor {
	const char *p, *end;
};

static char peek(struct cursor *c)
{
	while (c->p < c->end && strchr(" \t\r\n,:", *c->p))
		c->p++;
	return c->p < c->end ? *c->p : '\0';
}

static struct text scan_string(struct cursor *c)
{
	const char *begin;

	if (peek(c) != '"')
		return (struct text){ "", 0 };
	begin = ++c->p;
	while (c->p < c->end && *c->p != '"')
		c->p += *c->p == '\\' && c->p + 1 < c->end ? 2 : 1;
	if (c->p >= c->end)
		return (struct text){ "", 0 };
	return (struct text){ begin, (size_t)(c->p++ - begin) };
}

static double scan_number(struct cursor *c)
{
	char text[32];
	size_t n = 0;

	peek(c);
	while (c->p < c->end && n < sizeof text - 1 && strchr("0123456789+-.eE", *c->p))
		text[n++] = *c->p++;
	text[n] = '\0';
	return atof(text);
}

static void skip_value(struct cursor *c)
{
	unsigned depth = 0;

	do {
		char ch = peek(c);

		if (ch == '\0')
			return;
		if (ch == '"') {
			scan_string(c);
		} else if (ch == '{' || ch == '[') {
			depth++;
			c->p++;
		} else if (ch == '}' || ch == ']') {
			if (depth == 0)
				return;
			depth--;
			c->p++;
		} else {
			while (c->p < c->end && !strchr(" \t\r\n,:]}", *c->p))
				c->p++;
		}
	} while (depth);
}

static bool is(struct text t, const char *z)
{
	return t.n == strlen(z) && memcmp(t.p, z, t.n) == 0;
}

/* Calls `member` for each member of the object at the cursor; it must consume the value. */
static void scan_object(struct cursor *c, void (*member)(struct cursor *, struct text, void *), void *ctx)
{
	if (peek(c) != '{') {
		skip_value(c);
		return;
	}
	c->p++;
	while (peek(c) == '"') {
		struct text key = scan_string(c);

		member(c, key, ctx);
	}
	if (c->p < c->end)
		c->p++;
}

static void media_member(struct cursor *c, struct text key, void *ctx)
{
	struct imp *imp = ctx;

	if (is(key, "w") && imp->w == 0)
		imp->w = (int64_t)scan_number(c);
	else if (is(key, "h") && imp->h == 0)
		imp->h = (int64_t)scan_number(c);
	else if (is(key, "format") && peek(c) == '[') {
		c->p++;
		imp->w = imp->h = 0; /* the first format names the size */
		while (peek(c) == '{')
			scan_object(c, media_member, imp);
		if (c->p < c->end)
			c->p++;
	} else
		skip_value(c);
}

static void imp_member(struct cursor *c, struct text key, void *ctx)
{
	static const char *const formats[] = { "banner", "video", "native", "audio" };
	struct imp *imp = ctx;

	for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
		if (is(key, formats[i])) {
			imp->format = imp->format ? imp->format : formats[i];
			scan_object(c, media_member, imp);
			return;
		}
	if (is(key, "id"))
		imp->id = scan_string(c);
	else if (is(key, "bidfloor"))
		imp->floor = scan_number(c);
	else
		skip_value(c);
}

static void geo_member(struct cursor *c, struct text key, void *ctx)
{
	struct scan *s = ctx;

	if (is(key, "country"))
		s->country = scan_string(c);
	else
		skip_value(c);
}

static void device_member(struct cursor *c, struct text key, void *ctx)
{
	if (is(key, "geo"))
		scan_object(c, geo_member, ctx);
	else
		skip_value(c);
}

static void request_member(struct cursor *c, struct text key, void *ctx)
{
	struct scan *s = ctx;

	if (is(key, "id")) {
		s->id = scan_string(c);
	} else if (is(key, "device")) {
		scan_object(c, device_member, s);
	} else if (is(key, "imp") && peek(c) == '[') {
		c->p++;
		while (peek(c) == '{' && s->n_imps < MAX_IMPS) {
			struct imp *imp = &s->imps[s->n_imps++];

			*imp = (struct imp){ .id = { "", 0 } };
			scan_object(c, imp_member, imp);
		}
		while (peek(c) && peek(c) != ']')
			skip_value(c);
		if (c->p < c->end)
			c->p++;
	} else {
		skip_value(c);
	}
}

static void scan_request(struct scan *s, struct text body)
{
	struct cursor cursor = { body.p, body.p + body.n };

	s->id = s->country = (struct text){ "", 0 };
	s->n_imps = 0;
	scan_object(&cursor, request_member, s);
}

/* --- profiles --- */

static const struct profile plain = { .bid = 1, .price = 1, .cur = "USD" };

static bool profile_set(struct profile *p, const char *key, const char *text)
{
	static const struct {
		const char *key;
		size_t offset;
	} numbers[] = {
		{ "bid", offsetof(struct profile, bid) },
		{ "price", offsetof(struct profile, price) },
		{ "spread", offsetof(struct profile, spread) },
		{ "latency_ms", offsetof(struct profile, latency_ms) },
		{ "jitter", offsetof(struct profile, jitter) },
		{ "error", offsetof(struct profile, error) },
	};

	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
		if (strcmp(key, numbers[i].key) == 0) {
			*(double *)(void *)((char *)p + numbers[i].offset) = atof(text);
			return true;
		}
	if (strcmp(key, "cur") == 0) {
		snprintf(p->cur, sizeof p->cur, "%s", text);
		return true;
	}
	for (enum mode m = 0; strcmp(key, "mode") == 0 && m < MODES; m++)
		if (strcmp(text, mode_names[m]) == 0) {
			p->mode = m;
			return true;
		}
	return false;
}

static void profile_load(struct profile *p, json_t *j)
{
	const char *key;
	json_t *v;

	*p = plain;
	json_object_foreach (j, key, v) {
		char text[32];

		if (strcmp(key, "countries") == 0)
			p->countries = json_incref(v);
		else if (strcmp(key, "formats") == 0)
			p->formats = json_incref(v);
		else if (strcmp(key, "sizes") == 0)
			p->sizes = json_incref(v);
		else if (json_is_string(v))
			profile_set(p, key, json_string_value(v));
		else if (json_is_number(v)) {
			snprintf(text, sizeof text, "%.17g", json_number_value(v));
			profile_set(p, key, text);
		}
	}
}

static struct bidder *bidder_get(struct text name)
{
	struct bidder *b;

	for (size_t i = 0; i < n_bidders; i++)
		if (is(name, bidders[i].name))
			return &bidders[i];
	if (n_bidders == MAX_BIDDERS || name.n >= sizeof b->name)
		return NULL;
	b = &bidders[n_bidders++];
	memcpy(b->name, name.p, name.n);
	b->profile = plain;
	return b;
}

/* The factor for `key`, else for "*", else 1. */
static double factor(const json_t *map, const char *key)
{
	const json_t *v = map ? json_object_get(map, key) : NULL;

	if (!v && map)
		v = json_object_get(map, "*");
	return json_is_number(v) ? json_number_value(v) : 1;
}

/* --- replies --- */

static void out_room(struct conn *c, size_t n)
{
	if (c->out_n + n + 1 <= c->out_cap)
		return;
	c->out_cap = (c->out_n + n + 1) * 2;
	c->out = realloc(c->out, c->out_cap);
	if (!c->out)
		abort();
}

static void out_addf(struct conn *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void out_addf(struct conn *c, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	out_room(c, (size_t)n);
	va_start(ap, fmt);
	vsnprintf(c->out + c->out_n, (size_t)n + 1, fmt, ap);
	va_end(ap);
	c->out_n += (size_t)n;
}

/* The length is patched in once the body is written: ten digits are kept for it. */
static size_t out_begin(struct conn *c, const char *type)
{
	out_addf(c, "HTTP/1.1 200 OK\r\nContent-Type: %s\r\nContent-Length:           \r\n\r\n", type);
	return c->out_n;
}

static void out_end(struct conn *c, size_t body_at)
{
	char digits[11];

	snprintf(digits, sizeof digits, "%10zu", c->out_n - body_at);
	memcpy(c->out + body_at - 4 - 10, digits, 10);
}

static void reply_text(struct conn *c, const char *status, const char *body)
{
	out_addf(c, "HTTP/1.1 %s\r\nContent-Type: text/plain\r\nContent-Length: %zu\r\n\r\n%s", status,
		 strlen(body), body);
}

/* The markup with its placeholders filled in; `text` is escaped for JSON already. */
static void write_creative(struct conn *c, const char *text, const struct bidder *b, const struct imp *imp,
			   double price)
{
	while (*text) {
		size_t n = strcspn(text, "{");

		out_addf(c, "%.*s", (int)n, text);
		text += n;
		if (strncmp(text, "{bidder}", 8) == 0)
			out_addf(c, "%s", b->name);
		else if (strncmp(text, "{price}", 7) == 0)
			out_addf(c, "%.2f", price);
		else if (strncmp(text, "{w}", 3) == 0)
			out_addf(c, "%lld", (long long)imp->w);
		else if (strncmp(text, "{h}", 3) == 0)
			out_addf(c, "%lld", (long long)imp->h);
		else if (*text) {
			out_addf(c, "{");
			text++;
			continue;
		}
		text += strcspn(text, "}") + (*text != '\0');
	}
}

static void write_bid(struct conn *c, const struct bidder *b, const struct imp *imp, double price,
		      enum mode mode)
{
	const char *adm = "<div style='width:100%;height:100%;background:#def'>ad</div>";
	const json_t *own = json_object_get(creatives, imp->format ? imp->format : "banner");
	int mtype = 1;

	if (imp->format && strcmp(imp->format, "video") == 0) {
		mtype = 2;
		adm = "<VAST "
		      "version='3.0'><Ad><Wrapper><AdSystem>mock</AdSystem><VASTAdTagURI><![CDATA[https://"
		      "mock.example/v]]>"
		      "</VASTAdTagURI><Impression></Impression></Wrapper></Ad></VAST>";
	} else if (imp->format && strcmp(imp->format, "native") == 0) {
		mtype = 4;
		adm = "{\\\"assets\\\":[{\\\"id\\\":0,\\\"title\\\":{\\\"text\\\":\\\"mock\\\"}}]}";
	} else if (imp->format && strcmp(imp->format, "audio") == 0) {
		mtype = 3;
	}
	if (mode == NEGATIVE)
		price = -price;
	if (mode == HUGE_PRICE)
		price = 1e12;
	out_addf(c, "{\"id\":\"%s-%.*s\",\"impid\":\"%.*s\",\"price\":%.4f,\"adm\":\"", b->name,
		 (int)imp->id.n, imp->id.p, mode == UNKNOWN_IMP ? 7 : (int)imp->id.n,
		 mode == UNKNOWN_IMP ? "unknown" : imp->id.p, price);
	if (own)
		write_creative(c, json_string_value(own), b, imp, price);
	else
		out_addf(c, "%s", adm);
	out_addf(c, "\",\"crid\":\"cr-%s\",", b->name);
	if (mode == WRONG_TYPE)
		out_addf(c, "\"adomain\":7,");
	else
		out_addf(c, "\"adomain\":[\"%s.example\"],", b->name);
	out_addf(c, "\"w\":%lld,\"h\":%lld,\"mtype\":%d}", (long long)imp->w, (long long)imp->h, mtype);
}

/* What the bidder offers for the imp; negative when it does not bid. */
static double offer(const struct bidder *b, const struct profile *p, const struct scan *s,
		    const struct imp *imp)
{
	struct text name = { b->name, strlen(b->name) };
	uint64_t state = hash_text(hash_text(hash_text(0xcbf29ce484222325u ^ seed, name), s->id), imp->id);
	char country[8] = "", size[32];
	double lift, price;

	if (s->country.n < sizeof country)
		memcpy(country, s->country.p, s->country.n);
	snprintf(size, sizeof size, "%lldx%lld", (long long)imp->w, (long long)imp->h);
	lift = factor(p->countries, country) * factor(p->formats, imp->format ? imp->format : "banner") *
	       factor(p->sizes, size);
	if (p->mode == NOBID || draw(&state) >= p->bid * (lift < 1 ? lift : 1))
		return -1;
	price = draw_lognormal(&state, p->price * lift, p->spread);
	return price < imp->floor ? -1 : price;
}

static void reply_bids(struct conn *c, struct bidder *b, const struct profile *p, const struct scan *s)
{
	size_t body = out_begin(c, "application/json");
	bool any = false;

	out_addf(c, "{\"id\":\"%.*s\",\"cur\":\"%s\",\"seatbid\":[", (int)s->id.n, s->id.p, p->cur);
	for (size_t i = 0; i < s->n_imps; i++) {
		double price = offer(b, p, s, &s->imps[i]);

		if (price < 0)
			continue;
		out_addf(c, any ? "," : "{\"bid\":[");
		write_bid(c, b, &s->imps[i], price, p->mode);
		any = true;
		b->bids++;
	}
	out_addf(c, any ? "]}]}" : "]}");
	out_end(c, body);
}

/* What calling every bidder with a profile would have earned: the sum over imps of the highest offer. */
static void reply_best(struct conn *c, const struct scan *s)
{
	size_t body = out_begin(c, "application/json");
	double sum = 0;

	for (size_t i = 0; i < s->n_imps; i++) {
		double best = 0;

		for (size_t k = 0; k < n_bidders; k++) {
			double price = offer(&bidders[k], &bidders[k].profile, s, &s->imps[i]);

			best = price > best ? price : best;
		}
		sum += best;
	}
	out_addf(c, "{\"revenue\":%.6f}", sum);
	out_end(c, body);
}

static void remember(struct bidder *b, const char *head, size_t head_n, struct text body)
{
	json_t *headers = json_array(), *j;
	const char *line = memchr(head, '\n', head_n), *end = head + head_n;

	while (line && ++line < end) {
		const char *eol = memchr(line, '\r', (size_t)(end - line));

		if (!eol || eol == line)
			break;
		json_array_append_new(headers, json_stringn(line, (size_t)(eol - line)));
		line = memchr(eol, '\n', (size_t)(end - eol));
	}
	j = json_loadb(body.p, body.n, 0, NULL);
	if (!j)
		j = json_stringn(body.p, body.n); /* NULL for compressed bytes, shown as null */
	j = json_pack("{s:o,s:o}", "headers", headers, "body", j ? j : json_null());
	free(b->last);
	b->last = json_dumps(j, JSON_COMPACT);
	json_decref(j);
}

/* Settings in the query string go over the profile. */
static struct profile profile_of(const struct bidder *b, struct text query)
{
	struct profile p = b->profile;
	char copy[512], *save = NULL;

	if (query.n == 0 || query.n >= sizeof copy)
		return p;
	memcpy(copy, query.p, query.n);
	copy[query.n] = '\0';
	for (char *arg = strtok_r(copy, "&", &save); arg; arg = strtok_r(NULL, "&", &save)) {
		char *eq = strchr(arg, '=');

		if (eq) {
			*eq = '\0';
			profile_set(&p, arg, eq + 1);
		}
	}
	return p;
}

/* Writes the reply into c->out; returns after how many microseconds it is to be sent, UINT64_MAX for never.
 */
static uint64_t reply_as_bidder(struct conn *c, struct bidder *b, struct text query, struct text body)
{
	static struct scan s;
	struct profile p = profile_of(b, query);
	uint64_t state;

	scan_request(&s, body);
	b->requests++;
	state = hash_text(hash_text(0x9ae16a3b2f90404fu ^ seed, (struct text){ b->name, strlen(b->name) }),
			  s.id);
	if (p.error > 0 && draw(&state) < p.error)
		p.mode = ERROR;
	switch (p.mode) {
	case EMPTY: out_addf(c, "HTTP/1.1 204 No Content\r\n\r\n"); break;
	case ERROR: reply_text(c, "500 Internal Server Error", "broken"); break;
	case GARBAGE: reply_text(c, "200 OK", "{\"id\":\"x\",\"seatbid\":[{"); break;
	case HALF:
		out_addf(c, "HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n{\"id\":\"half");
		c->close_after = true;
		break;
	case HUGE_REPLY:
		out_addf(c, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", HUGE_BODY);
		c->zeros_left = HUGE_BODY;
		break;
	case RESET: break;
	case HANG: return UINT64_MAX;
	default: reply_bids(c, b, &p, &s); break;
	}
	return p.latency_ms > 0 ? (uint64_t)(1000 * draw_lognormal(&state, p.latency_ms, p.jitter)) : 0;
}

static void reply_stats(struct conn *c)
{
	size_t body = out_begin(c, "application/json");

	out_addf(c, "{");
	for (size_t i = 0; i < n_bidders; i++)
		out_addf(c, "%s\"%s\":{\"requests\":%llu,\"bids\":%llu}", i ? "," : "", bidders[i].name,
			 (unsigned long long)bidders[i].requests, (unsigned long long)bidders[i].bids);
	out_addf(c, "}");
	out_end(c, body);
}

static void reply_last(struct conn *c, const struct bidder *b)
{
	size_t body = out_begin(c, "application/json");

	out_addf(c, "%s", b && b->last ? b->last : "null");
	out_end(c, body);
}

static void replace_profile(struct conn *c, struct bidder *b, struct text body)
{
	json_t *j = json_loadb(body.p, body.n, 0, NULL);

	if (!b || !json_is_object(j)) {
		reply_text(c, "400 Bad Request", "a profile is a JSON object");
	} else {
		profile_load(&b->profile, j);
		reply_text(c, "200 OK", "ok");
	}
	json_decref(j);
}

/* --- connections --- */

static void heap_swap(size_t i, size_t j)
{
	struct conn *c = heap[i];

	heap[i] = heap[j];
	heap[j] = c;
	heap[i]->heap_at = i + 1;
	heap[j]->heap_at = j + 1;
}

static void heap_fix(size_t i)
{
	while (i && heap[i]->due_us < heap[(i - 1) / 2]->due_us) {
		heap_swap(i, (i - 1) / 2);
		i = (i - 1) / 2;
	}
	for (;;) {
		size_t least = i;

		for (size_t k = 2 * i + 1; k <= 2 * i + 2 && k < heap_n; k++)
			if (heap[k]->due_us < heap[least]->due_us)
				least = k;
		if (least == i)
			return;
		heap_swap(i, least);
		i = least;
	}
}

static void heap_push(struct conn *c)
{
	if (heap_n == heap_cap) {
		heap_cap = heap_cap ? 2 * heap_cap : 1024;
		heap = realloc(heap, heap_cap * sizeof *heap);
		if (!heap)
			abort();
	}
	heap[heap_n] = c;
	c->heap_at = ++heap_n;
	heap_fix(heap_n - 1);
}

static void heap_remove(struct conn *c)
{
	size_t i = c->heap_at - 1;

	c->heap_at = 0;
	if (i != --heap_n) {
		heap[i] = heap[heap_n];
		heap[i]->heap_at = i + 1;
		heap_fix(i);
	}
}

static void conn_close(struct conn *c)
{
	if (c->heap_at)
		heap_remove(c);
	close(c->fd);
	c->fd = -1;
	c->in_n = c->out_n = c->out_at = c->zeros_left = 0;
	c->waiting = c->close_after = false;
	c->next_free = free_conns;
	free_conns = c;
}

static void conn_reset(struct conn *c)
{
	struct linger rst = { 1, 0 };

	setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &rst, sizeof rst);
	conn_close(c);
}

static void watch(struct conn *c, uint32_t events)
{
	struct epoll_event ev = { .events = events, .data.ptr = c };

	epoll_ctl(epoll_fd, EPOLL_CTL_MOD, c->fd, &ev);
}

static void conn_process(struct conn *c);

static void conn_flush(struct conn *c)
{
	static const char zeros[65536];

	while (c->out_at < c->out_n || c->zeros_left) {
		bool stored = c->out_at < c->out_n;
		size_t n = stored                         ? c->out_n - c->out_at
			   : c->zeros_left < sizeof zeros ? c->zeros_left
							  : sizeof zeros;
		ssize_t sent = send(c->fd, stored ? c->out + c->out_at : zeros, n, MSG_NOSIGNAL);

		if (sent < 0 && errno == EAGAIN) {
			watch(c, EPOLLIN | EPOLLOUT);
			return;
		}
		if (sent < 0) {
			conn_close(c);
			return;
		}
		if (stored)
			c->out_at += (size_t)sent;
		else
			c->zeros_left -= (size_t)sent;
	}
	c->out_n = c->out_at = 0;
	if (c->close_after)
		conn_close(c);
	else if (c->in_n)
		conn_process(c);
}

static struct text header_value(struct text head, const char *name)
{
	size_t n = strlen(name);

	for (const char *p = head.p; p && p + n < head.p + head.n;
	     p = memchr(p, '\n', (size_t)(head.p + head.n - p))) {
		if (*p == '\n')
			p++;
		if (strncasecmp(p, name, n) == 0 && p[n] == ':') {
			const char *v = p + n + 1, *eol = memchr(v, '\r', (size_t)(head.p + head.n - v));

			while (*v == ' ')
				v++;
			return (struct text){ v, eol ? (size_t)(eol - v) : 0 };
		}
	}
	return (struct text){ "", 0 };
}

static struct text path_tail(struct text path, const char *prefix)
{
	size_t n = strlen(prefix);

	if (path.n > n && memcmp(path.p, prefix, n) == 0)
		return (struct text){ path.p + n, path.n - n };
	return (struct text){ NULL, 0 };
}

static uint64_t dispatch(struct conn *c, struct text path, struct text query, struct text head,
			 struct text body)
{
	struct text name;
	struct bidder *b;

	if ((name = path_tail(path, "/bid/")).p) {
		b = bidder_get(name);
		if (!b) {
			reply_text(c, "500 Too Many", "too many bidders");
			return 0;
		}
		if (keep)
			remember(b, head.p, head.n, body);
		return reply_as_bidder(c, b, query, body);
	}
	if (is(path, "/stats")) {
		reply_stats(c);
	} else if (is(path, "/best")) {
		static struct scan s;

		scan_request(&s, body);
		reply_best(c, &s);
	} else if ((name = path_tail(path, "/last/")).p)
		reply_last(c, bidder_get(name));
	else if ((name = path_tail(path, "/profile/")).p)
		replace_profile(c, bidder_get(name), body);
	else
		reply_text(c, "404 Not Found", "not found");
	return 0;
}

static void consume(struct conn *c, size_t n)
{
	memmove(c->in, c->in + n, c->in_n - n);
	c->in_n -= n;
}

/* One request, when it is complete. Pipelined ones wait in c->in until this reply is out. */
static void conn_process(struct conn *c)
{
	const char *blank = memmem(c->in, c->in_n, "\r\n\r\n", 4);
	struct text head, path, query = { "", 0 }, length, expect;
	const char *space, *mark;
	size_t body_n, total;
	uint64_t delay;

	if (!blank || c->waiting || c->out_n)
		return;
	head = (struct text){ c->in, (size_t)(blank + 2 - c->in) };
	length = header_value(head, "content-length");
	body_n = length.n ? (size_t)strtoull(length.p, NULL, 10) : 0;
	total = head.n + 2 + body_n;
	if (body_n > IN_MAX) {
		conn_close(c);
		return;
	}
	expect = header_value(head, "expect");
	if (c->in_n < total) {
		if (expect.n && c->in_n == head.n + 2)
			(void)!send(c->fd, "HTTP/1.1 100 Continue\r\n\r\n", 25, MSG_NOSIGNAL);
		return;
	}
	space = memchr(head.p, ' ', head.n);
	path.p = space ? space + 1 : head.p;
	space = memchr(path.p, ' ', head.n - (size_t)(path.p - head.p));
	path.n = space ? (size_t)(space - path.p) : 0;
	mark = memchr(path.p, '?', path.n);
	if (mark) {
		query = (struct text){ mark + 1, path.n - (size_t)(mark + 1 - path.p) };
		path.n = (size_t)(mark - path.p);
	}
	delay = dispatch(c, path, query, head, (struct text){ c->in + head.n + 2, body_n });
	consume(c, total);
	if (delay) {
		c->waiting = true;
		if (delay != UINT64_MAX) {
			c->due_us = now_us() + delay;
			heap_push(c);
		}
	} else if (c->out_n == 0) {
		conn_reset(c);
	} else {
		conn_flush(c);
	}
}

static void conn_read(struct conn *c)
{
	for (;;) {
		ssize_t n;

		if (c->in_cap - c->in_n < 4096) {
			c->in_cap = c->in_cap ? c->in_cap * 2 : 8192;
			c->in = realloc(c->in, c->in_cap);
			if (!c->in)
				abort();
		}
		n = recv(c->fd, c->in + c->in_n, c->in_cap - c->in_n, 0);
		if (n < 0 && errno == EAGAIN)
			break;
		if (n <= 0 || c->in_n + (size_t)n > IN_MAX + 65536) {
			conn_close(c);
			return;
		}
		c->in_n += (size_t)n;
		if (c->in_n < c->in_cap)
			break;
	}
	conn_process(c);
}

static void accept_all(int listener)
{
	for (;;) {
		int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC), one = 1;
		struct epoll_event ev = { .events = EPOLLIN };
		struct conn *c = free_conns;

		if (fd < 0)
			return;
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
		if (c)
			free_conns = c->next_free;
		else if (!(c = calloc(1, sizeof *c)))
			abort();
		c->fd = fd;
		ev.data.ptr = c;
		epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &ev);
	}
}

static void send_due(void)
{
	uint64_t now = now_us();

	while (heap_n && heap[0]->due_us <= now) {
		struct conn *c = heap[0];

		heap_remove(c);
		c->waiting = false;
		if (c->out_n == 0)
			conn_reset(c);
		else
			conn_flush(c);
	}
}

static int listen_on(const char *host, uint16_t port)
{
	struct sockaddr_in addr = { .sin_family = AF_INET, .sin_port = htons(port) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), one = 1;
	struct epoll_event ev = { .events = EPOLLIN };

	if (inet_pton(AF_INET, host, &addr.sin_addr) != 1) {
		fprintf(stderr, "mockbidder: %s is no IPv4 address\n", host);
		exit(2);
	}
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
	if (bind(fd, (struct sockaddr *)&addr, sizeof addr) < 0 || listen(fd, 4096) < 0) {
		fprintf(stderr, "mockbidder: port %u: %s\n", port, strerror(errno));
		exit(1);
	}
	epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &ev); /* data.ptr NULL = the listener */
	return fd;
}

static json_t *load_object(const char *path)
{
	json_error_t error;
	json_t *j = json_load_file(path, 0, &error);

	if (!json_is_object(j)) {
		fprintf(stderr, "mockbidder: %s: %s\n", path, j ? "not an object" : error.text);
		exit(1);
	}
	return j;
}

static void load_creatives(const char *path)
{
	json_t *j = load_object(path), *v;
	const char *format;

	creatives = json_object();
	json_object_foreach (j, format, v) {
		char *text = json_dumps(v, JSON_ENCODE_ANY);

		if (text && json_is_string(v))
			json_object_set_new(creatives, format, json_stringn(text + 1, strlen(text) - 2));
		free(text);
	}
	json_decref(j);
}

static void load_profiles(const char *path)
{
	json_t *j = load_object(path), *v;
	const char *name;

	json_object_foreach (j, name, v) {
		struct bidder *b = bidder_get((struct text){ name, strlen(name) });

		if (b)
			profile_load(&b->profile, v);
	}
	json_decref(j);
}

int main(int argc, char **argv)
{
	const char *host = "127.0.0.1";
	uint16_t port = 9000;
	int listener;

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--keep") == 0)
			keep = true;
		else if (i + 1 < argc && strcmp(argv[i], "--port") == 0)
			port = (uint16_t)atoi(argv[++i]);
		else if (i + 1 < argc && strcmp(argv[i], "--host") == 0)
			host = argv[++i];
		else if (i + 1 < argc && strcmp(argv[i], "--seed") == 0)
			seed = strtoull(argv[++i], NULL, 10);
		else if (i + 1 < argc && strcmp(argv[i], "--profiles") == 0)
			load_profiles(argv[++i]);
		else if (i + 1 < argc && strcmp(argv[i], "--creatives") == 0)
			load_creatives(argv[++i]);
		else {
			fprintf(stderr, "usage: mockbidder [--host A] [--port N] [--seed N] [--profiles "
					"FILE] [--creatives FILE] [--keep]\n");
			return 2;
		}
	}
	epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	listener = listen_on(host, port);
	for (;;) {
		struct epoll_event events[256];
		int timeout = -1, n;

		if (heap_n) {
			uint64_t now = now_us();

			timeout = heap[0]->due_us <= now ? 0 : (int)((heap[0]->due_us - now + 999) / 1000);
		}
		n = epoll_wait(epoll_fd, events, 256, timeout);
		for (int i = 0; i < n; i++) {
			struct conn *c = events[i].data.ptr;

			if (!c)
				accept_all(listener);
			else if (c->fd >= 0 && events[i].events & EPOLLOUT) {
				watch(c, EPOLLIN);
				conn_flush(c);
			} else if (c->fd >= 0)
				conn_read(c);
		}
		send_due();
	}
}
