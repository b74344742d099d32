/* A line is built on the stack in a buffer of fixed size and leaves in one write, so lines of several threads
 * do not mix and logging never allocates. A field that does not fit any more is left out, whole, and
 * "truncated" says so. */
#include "common/log.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/clock.h"
#include "common/json.h"
#include "common/mem.h"

enum { LINE_BYTES = 8192, TEXT_BYTES = 2048, TAIL_BYTES = 24 /* ,"truncated":true}\n */ };

static const char *const level_names[] = { "debug", "info", "warn", "error", "off" };

_Atomic int log_level_now = LOG_INFO;
static enum log_format format = LOG_JSON;
static int out_fd = STDERR_FILENO;
static const char *service_name = "";
static _Atomic uint64_t lost;
static struct log_site *_Atomic sites; /* pushed only */

static _Thread_local struct short_text {
	char text[65];
	size_t n;
} request, trace;

void log_init(enum log_level level, enum log_format new_format, int fd, const char *service)
{
	format = new_format;
	out_fd = fd;
	service_name = service;
	log_set_level(level);
}

void log_set_level(enum log_level level)
{
	atomic_store_explicit(&log_level_now, (int)level, memory_order_relaxed);
}

bool log_parse_level(struct str s, enum log_level *ret_level)
{
	if (str_eq_nocase(s, STR("warning")))
		s = STR("warn");
	for (size_t i = 0; i < ARRAY_LEN(level_names); i++)
		if (str_eq_nocase(s, str_of(level_names[i]))) {
			*ret_level = (enum log_level)i;
			return true;
		}
	return false;
}

uint64_t log_lost(void)
{
	return atomic_load_explicit(&lost, memory_order_relaxed);
}

static void keep(struct short_text *t, struct str s)
{
	t->n = s.n < sizeof t->text ? s.n : sizeof t->text - 1;
	if (t->n)
		memcpy(t->text, s.p, t->n);
}

void log_set_request(struct str id, struct str trace_id)
{
	keep(&request, id);
	keep(&trace, trace_id);
}

static bool is_utf8(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] >= 0x80) {
			json_auto_t *j = json_stringn(s.p, s.n);

			return j != NULL;
		}
	return true;
}

/* Any bytes: what is not UTF-8 shows its high bytes as '?', and nothing can break out of the line. */
static void add_text(struct buf *b, struct str s)
{
	char clean[TEXT_BYTES];

	if (s.n > TEXT_BYTES)
		s.n = TEXT_BYTES;
	if (!is_utf8(s)) {
		for (size_t i = 0; i < s.n; i++)
			clean[i] = (unsigned char)s.p[i] >= 0x80 ? '?' : s.p[i];
		s.p = clean;
	}
	json_write_str(b, s);
}

static void add_value(struct buf *b, const struct log_field *f)
{
	switch (f->type) {
	case LOG_IS_STR: add_text(b, f->s); break;
	case LOG_IS_INT: buf_addf(b, "%lld", (long long)f->i); break;
	case LOG_IS_REAL: json_write_real(b, f->d); break;
	case LOG_IS_BOOL: buf_add_z(b, f->b ? "true" : "false"); break;
	}
}

static void add_time(struct buf *b, bool with_date)
{
	static _Thread_local struct {
		time_t second;
		char date[12], time[10];
	} cache;
	int64_t now = clock_wall_ms();
	time_t second = (time_t)(now / 1000);

	if (second != cache.second) {
		struct tm tm;

		gmtime_r(&second, &tm);
		strftime(cache.date, sizeof cache.date, "%Y-%m-%d", &tm);
		strftime(cache.time, sizeof cache.time, "%H:%M:%S", &tm);
		cache.second = second;
	}
	if (with_date)
		buf_addf(b, "%sT%s.%03dZ", cache.date, cache.time, (int)(now % 1000));
	else
		buf_addf(b, "%s.%03d", cache.time, (int)(now % 1000));
}

static void add_head(struct buf *b, enum log_level level, const char *event)
{
	if (format == LOG_CONSOLE) {
		add_time(b, false);
		buf_addf(b, " %-5s %s", level_names[level], event);
		if (request.n)
			buf_addf(b, " request_id=%.*s", (int)request.n, request.text);
		if (trace.n)
			buf_addf(b, " trace_id=%.*s", (int)trace.n, trace.text);
		return;
	}
	buf_add_z(b, "{\"ts\":\"");
	add_time(b, true);
	buf_addf(b, "\",\"level\":\"%s\",\"service\":\"%s\",\"event\":\"%s\"", level_names[level],
		 service_name, event);
	if (request.n) {
		buf_add_z(b, ",\"request_id\":");
		add_text(b, (struct str){ request.text, request.n });
	}
	if (trace.n) {
		buf_add_z(b, ",\"trace_id\":");
		add_text(b, (struct str){ trace.text, trace.n });
	}
}

/* False when it did not fit; nothing of it stays then. */
static bool add_field(struct buf *b, const struct log_field *f)
{
	size_t mark = b->n;

	if (format == LOG_CONSOLE)
		buf_addf(b, " %s=", f->key);
	else
		buf_addf(b, ",\"%s\":", f->key);
	add_value(b, f);
	if (!b->overflow)
		return true;
	b->n = mark;
	b->overflow = false;
	return false;
}

static void write_line(const struct buf *b)
{
	ssize_t n;

	do
		n = write(out_fd, b->p, b->n);
	while (n < 0 && errno == EINTR);
	if (n != (ssize_t)b->n)
		atomic_fetch_add_explicit(&lost, 1, memory_order_relaxed);
}

void log_write(enum log_level level, const char *event, const struct log_field *fields, size_t n)
{
	char line[LINE_BYTES];
	/* Memory that is there already and a ceiling below it: the buffer never allocates. */
	struct buf b = { .p = line, .cap = sizeof line, .max_bytes = sizeof line - 1 - TAIL_BYTES };
	bool truncated = false;
	int saved_errno = errno;

	add_head(&b, level, event);
	for (size_t i = 0; i < n; i++) {
		if (fields[i].type == LOG_IS_INT && fields[i].i == 0 &&
		    strcmp(fields[i].key, "repeated") == 0)
			continue; /* log_limited() with nothing left out */
		truncated |= !add_field(&b, &fields[i]);
	}
	b.max_bytes = sizeof line - 1;
	b.overflow = false;
	if (truncated)
		buf_add_z(&b, format == LOG_CONSOLE ? " truncated" : ",\"truncated\":true");
	buf_add_z(&b, format == LOG_CONSOLE ? "\n" : "}\n");
	write_line(&b);
	errno = saved_errno;
}

uint64_t log_now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &ts);
	return (uint64_t)ts.tv_sec * 1000u + (uint64_t)ts.tv_nsec / 1000000u;
}

static void list_site(struct log_site *site)
{
	bool no = false;

	if (!atomic_compare_exchange_strong(&site->listed, &no, true))
		return;
	site->next = atomic_load(&sites);
	while (!atomic_compare_exchange_weak(&sites, &site->next, site))
		;
}

bool log_site_open(struct log_site *site, uint64_t now_ms, uint64_t *ret_left_out)
{
	uint64_t next = atomic_load_explicit(&site->next_ms, memory_order_relaxed);

	/* Of several threads that arrive together, the one that moves the deadline writes. */
	if (now_ms < next || !atomic_compare_exchange_strong(&site->next_ms, &next, now_ms + LOG_LIMIT_MS)) {
		atomic_fetch_add_explicit(&site->left_out, 1, memory_order_relaxed);
		list_site(site);
		return false;
	}
	*ret_left_out = atomic_exchange_explicit(&site->left_out, 0, memory_order_relaxed);
	return true;
}

void log_flush_limited(void)
{
	for (struct log_site *s = atomic_load(&sites); s; s = s->next) {
		uint64_t n = atomic_exchange_explicit(&s->left_out, 0, memory_order_relaxed);

		if (n)
			log_event(s->level, s->event, LOG_INT("repeated", n));
	}
}
