/* Events as JSON lines, or as short text for people: a name and typed fields, never a format string.
 *
 *	log_event(LOG_INFO, "listening", LOG_STR("host", host), LOG_INT("port", port));
 *	log_limited(LOG_WARN, "bidder_failed", LOG_Z("bidder", name), LOG_Z("error", err_name(err)));
 *
 * Shapes  {"ts":"2026-01-02T03:04:05.678Z","level":"warn","service":"pbs","event":"bidder_failed",
 *         "request_id":"…","trace_id":"…","bidder":"x"}. Event names and keys are lower-case literals. Long texts are cut.
 * Never   consent strings, user ids and keys: they are not for logs.
 * Errors  a line that cannot be written is dropped and counted (log_lost()).
 * Threads any; one write(2) per line. log_init() before threads start; log_set_level() at any time.
 */
#ifndef COMMON_LOG_H
#define COMMON_LOG_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/str.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR, LOG_OFF };
enum log_format { LOG_JSON, LOG_CONSOLE };

struct log_field {
	const char *key;
	enum { LOG_IS_STR, LOG_IS_INT, LOG_IS_REAL, LOG_IS_BOOL } type;
	union {
		struct str s;
		int64_t i;
		double d;
		bool b;
	};
};

#define LOG_STR(k, v)  ((struct log_field){ .key = (k), .type = LOG_IS_STR, .s = (v) })
#define LOG_Z(k, v)    ((struct log_field){ .key = (k), .type = LOG_IS_STR, .s = str_of(v) })
#define LOG_INT(k, v)  ((struct log_field){ .key = (k), .type = LOG_IS_INT, .i = (int64_t)(v) })
#define LOG_REAL(k, v) ((struct log_field){ .key = (k), .type = LOG_IS_REAL, .d = (v) })
#define LOG_BOOL(k, v) ((struct log_field){ .key = (k), .type = LOG_IS_BOOL, .b = (v) })

/* fd 1 or 2, or a pipe in tests; `service` is a static text. Until then: JSON from LOG_INFO up to stderr. */
void log_init(enum log_level level, enum log_format format, int fd, const char *service);
void log_set_level(enum log_level level);
bool log_parse_level(struct str s, enum log_level *ret_level); /* debug info warn(ing) error off */
uint64_t log_lost(void);

/* The request this thread works on now, and the trace it belongs to (hex, or the empty text); every line names both until
 * empty texts are set. Copied. */
void log_set_request(struct str id, struct str trace_id);

extern _Atomic int log_level_now;
static inline bool log_is_on(enum log_level level)
{
	return (int)level >= atomic_load_explicit(&log_level_now, memory_order_relaxed);
}

void log_write(enum log_level level, const char *event, const struct log_field *fields, size_t n);

/* A call site of log_limited(): its first line is written at once, later ones at most every
 * LOG_LIMIT_MS, with "repeated": how many were left out. */
enum { LOG_LIMIT_MS = 10000 };
struct log_site {
	const char *event;
	enum log_level level;
	_Atomic uint64_t next_ms, left_out;
	_Atomic bool listed;
	struct log_site *next;
};
bool log_site_open(struct log_site *site, uint64_t now_ms, uint64_t *ret_left_out);
uint64_t log_now_ms(void); /* monotonic, coarse */

/* Writes a line for every site that still owes a number of left-out events; call it now and then, and at
 * the end. */
void log_flush_limited(void);

/* Field 0 is a placeholder so that the list may be empty. */
#define LOG_FIELDS_(...) ((const struct log_field[]){ { .key = "" }, __VA_ARGS__ })
#define log_event(lvl, name, ...)                                                                            \
	do {                                                                                                 \
		if (log_is_on(lvl))                                                                          \
			log_write((lvl), (name), LOG_FIELDS_(__VA_ARGS__) + 1,                               \
				  sizeof LOG_FIELDS_(__VA_ARGS__) / sizeof(struct log_field) - 1);           \
	} while (0)
#define log_limited(lvl, name, ...)                                                                          \
	do {                                                                                                 \
		static struct log_site site_ = { .event = (name), .level = (lvl) };                          \
		uint64_t left_out_;                                                                          \
		if (log_is_on(lvl) && log_site_open(&site_, log_now_ms(), &left_out_))                       \
			log_event((lvl), (name), LOG_INT("repeated", left_out_), __VA_ARGS__);               \
	} while (0)

#endif
