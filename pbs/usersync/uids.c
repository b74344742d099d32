#include "pbs/usersync/uids.h"

#include <stdlib.h>
#include <time.h>

#include "common/base64.h"
#include "common/json.h"

enum { SECOND_US = 1000000, DAY_S = 86400 };

/* --- timestamps --- */

/* `n` digits at `at`, bounded by min..max. */
static bool digits(struct str s, size_t at, size_t n, uint64_t min, uint64_t max, int *ret_v)
{
	uint64_t v;

	if (at + n > s.n || !str_parse_u64((struct str){ s.p + at, n }, min, max, &v))
		return false;
	*ret_v = (int)v;
	return true;
}

/* ".5", ".123456789": microseconds; what is finer is cut off. */
static bool parse_fraction(struct str *rest, int64_t *ret_us)
{
	int64_t us = 0, unit = SECOND_US / 10;
	size_t i = 1;

	if (rest->n == 0 || rest->p[0] != '.') {
		*ret_us = 0;
		return true;
	}
	for (; i < rest->n && rest->p[i] >= '0' && rest->p[i] <= '9'; i++, unit /= 10)
		us += (rest->p[i] - '0') * unit;
	if (i == 1)
		return false;
	*rest = (struct str){ rest->p + i, rest->n - i };
	*ret_us = us;
	return true;
}

/* "Z" or "+02:00": seconds to take off. */
static bool parse_zone(struct str s, int64_t *ret_offset_s)
{
	int hours, minutes;

	*ret_offset_s = 0;
	if (s.n == 1 && s.p[0] == 'Z')
		return true;
	if (s.n != 6 || (s.p[0] != '+' && s.p[0] != '-') || s.p[3] != ':' ||
	    !digits(s, 1, 2, 0, 23, &hours) || !digits(s, 4, 2, 0, 59, &minutes))
		return false;
	*ret_offset_s = (hours * 60 + minutes) * 60 * (s.p[0] == '-' ? -1 : 1);
	return true;
}

/* RFC 3339, "2026-09-01T10:00:00.5Z". */
static bool parse_time(struct str s, int64_t *ret_us)
{
	struct tm tm = { 0 };
	struct str rest;
	int64_t us, offset_s;

	if (s.n < 20 || s.p[4] != '-' || s.p[7] != '-' || s.p[10] != 'T' || s.p[13] != ':' || s.p[16] != ':')
		return false;
	if (!digits(s, 0, 4, 0, 9999, &tm.tm_year) || !digits(s, 5, 2, 1, 12, &tm.tm_mon) ||
	    !digits(s, 8, 2, 1, 31, &tm.tm_mday) || !digits(s, 11, 2, 0, 23, &tm.tm_hour) ||
	    !digits(s, 14, 2, 0, 59, &tm.tm_min) || !digits(s, 17, 2, 0, 59, &tm.tm_sec))
		return false;
	rest = (struct str){ s.p + 19, s.n - 19 };
	if (!parse_fraction(&rest, &us) || !parse_zone(rest, &offset_s))
		return false;
	tm.tm_year -= 1900;
	tm.tm_mon -= 1;
	*ret_us = ((int64_t)timegm(&tm) - offset_s) * SECOND_US + us;
	return true;
}

static struct str format_time(struct arena *a, int64_t us)
{
	time_t seconds = (time_t)(us / SECOND_US);
	char text[32];
	struct tm tm;

	gmtime_r(&seconds, &tm);
	strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &tm);
	return str_of(arena_printf(a, "%s.%06dZ", text, (int)(us % SECOND_US)));
}

/* --- reading --- */

/* Facebook's anonymous id, which means nothing. */
static bool is_refused(struct str key, struct str uid)
{
	return uid.n == 0 || key.n == 0 || (str_eq(key, STR("audienceNetwork")) && str_eq(uid, STR("0")));
}

static void append(struct uids *u, const struct uid *one)
{
	if (u->n % 8 == 0) { /* arenas do not grow blocks: a larger one, whenever this may be full */
		struct uid *more = ARENA_ARRAY(u->arena, struct uid, u->n + 8);

		if (u->n)
			memcpy(more, u->list, u->n * sizeof *more);
		u->list = more;
	}
	u->list[u->n++] = *one;
}

static bool read_entries(struct uids *u, const json_t *entries)
{
	const char *key;
	json_t *entry;

	if (json_object_size(entries) > UIDS_MAX)
		return false;
	json_object_foreach ((json_t *)entries, key, entry) {
		struct uid one = { .key = arena_str(u->arena, str_of(key)) };

		if (!json_is_object(entry))
			return false;
		one.uid = arena_str(u->arena, json_str_at(entry, "uid"));
		one.expires_text = arena_str(u->arena, json_str_at(entry, "expires"));
		if (!parse_time(one.expires_text, &one.expires_us))
			return false;
		if (!is_refused(one.key, one.uid))
			append(u, &one);
	}
	return true;
}

static bool read_json(struct uids *u, struct str text)
{
	json_auto_t *j = json_parse(text, NULL);
	const json_t *entries = json_object_get(j, "tempUIDs"), *optout = json_object_get(j, "optout");

	if (!json_is_object(j) || (entries && !json_is_null(entries) && !json_is_object(entries)) ||
	    (optout && !json_is_null(optout) && !json_is_boolean(optout)))
		return false;
	u->opted_out = json_is_true(optout);
	return u->opted_out || read_entries(u, entries);
}

void uids_read(struct uids *u, struct arena *a, struct str value)
{
	struct buf text;

	*u = (struct uids){ .arena = a };
	buf_init(&text, UIDS_COOKIE_MAX);
	if (value.n && (!base64url_parse(value, &text) || !read_json(u, buf_str(&text))))
		*u = (struct uids){ .arena = a };
	buf_deinit(&text);
}

static struct uid *find(const struct uids *u, struct str key)
{
	for (size_t i = 0; i < u->n; i++)
		if (str_eq(u->list[i].key, key))
			return &u->list[i];
	return NULL;
}

const struct uid *uids_find(const struct uids *u, struct str key)
{
	return find(u, key);
}

bool uids_is_live(const struct uids *u, struct str key, int64_t now_us)
{
	const struct uid *one = find(u, key);

	return one && one->expires_us > now_us;
}

bool uids_has_live(const struct uids *u, int64_t now_us)
{
	for (size_t i = 0; i < u->n; i++)
		if (u->list[i].expires_us > now_us)
			return true;
	return false;
}

/* --- changing --- */

bool uids_set(struct uids *u, struct str key, struct str uid, int64_t now_us)
{
	struct uid one = { .key = arena_str(u->arena, key), .uid = arena_str(u->arena, uid) };
	struct uid *old = find(u, key);

	if (u->opted_out || is_refused(key, uid) || (!old && u->n >= UIDS_MAX))
		return false;
	one.expires_us = now_us + (int64_t)UIDS_LIFE_DAYS * DAY_S * SECOND_US;
	if (old)
		*old = one;
	else
		append(u, &one);
	return true;
}

void uids_add_host(struct uids *u, struct str family, struct str uid, int64_t now_us)
{
	if (!find(u, family))
		(void)uids_set(u, family, uid, now_us);
}

void uids_remove(struct uids *u, struct str key)
{
	struct uid *one = find(u, key);

	if (!one)
		return;
	memmove(one, one + 1, (size_t)(u->list + u->n - (one + 1)) * sizeof *one);
	u->n--;
}

void uids_opt_out(struct uids *u, bool out)
{
	u->opted_out = out;
	if (out)
		u->n = 0;
}

/* --- writing --- */

static int by_key(const void *a, const void *b)
{
	return str_cmp(((const struct uid *)a)->key, ((const struct uid *)b)->key);
}

static void write_entries(const struct uids *u, struct buf *b)
{
	struct uid *sorted = ARENA_ARRAY(u->arena, struct uid, u->n);

	memcpy(sorted, u->list, u->n * sizeof *sorted);
	qsort(sorted, u->n, sizeof *sorted, by_key);
	buf_add_z(b, "\"tempUIDs\":{");
	for (size_t i = 0; i < u->n; i++) {
		struct str expires = sorted[i].expires_text;

		if (expires.n == 0)
			expires = format_time(u->arena, sorted[i].expires_us);
		if (i)
			buf_add_c(b, ',');
		json_write_str(b, sorted[i].key);
		buf_add_z(b, ":{\"uid\":");
		json_write_str(b, sorted[i].uid);
		buf_add_z(b, ",\"expires\":");
		json_write_str(b, expires);
		buf_add_c(b, '}');
	}
	buf_add_c(b, '}');
}

void uids_write(const struct uids *u, struct buf *b)
{
	struct buf text;

	if (u->n == 0 && !u->opted_out)
		return;
	buf_init(&text, UIDS_COOKIE_MAX * 4);
	buf_add_c(&text, '{');
	if (u->n)
		write_entries(u, &text);
	if (u->opted_out)
		buf_add_z(&text, u->n ? ",\"optout\":true" : "\"optout\":true");
	buf_add_c(&text, '}');
	base64url_write(b, buf_str(&text));
	for (size_t i = text.n; i % 3; i++)
		buf_add_c(b, '=');
	buf_deinit(&text);
}
