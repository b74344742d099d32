#include "common/cookie.h"

#include <time.h>

/* RFC 6265 §4.1.1: token for names; values without controls, blanks, quote, comma, semicolon, backslash.
 * Browsers and Go's net/http are laxer with blanks and commas inside values, so those pass when reading. */
static bool is_name_byte(char c)
{
	return c > ' ' && c < 0x7f && !strchr("()<>@,;:\\\"/[]?={}", c);
}

static bool is_value_byte(char c)
{
	return (unsigned char)c >= ' ' && c != 0x7f && c != '"' && c != ';' && c != '\\';
}

static bool all(struct str s, bool (*is_fine)(char))
{
	for (size_t i = 0; i < s.n; i++)
		if (!is_fine(s.p[i]))
			return false;
	return true;
}

bool cookie_next(struct str *rest, struct str *ret_name, struct str *ret_value)
{
	while (rest->n) {
		struct str value = str_cut(rest, ';'), name = str_trim(str_cut(&value, '='));

		if (!value.p || name.n == 0 || !all(name, is_name_byte))
			continue;
		value = str_trim(value);
		if (value.n >= 2 && value.p[0] == '"' && value.p[value.n - 1] == '"') {
			value.p++;
			value.n -= 2;
		}
		if (!all(value, is_value_byte))
			continue;
		*ret_name = name;
		*ret_value = value;
		return true;
	}
	return false;
}

bool cookie_find(struct str header, struct str name, struct str *ret_value)
{
	struct str n, v;

	while (cookie_next(&header, &n, &v))
		if (str_eq(n, name)) {
			*ret_value = v;
			return true;
		}
	return false;
}

static bool is_strict_value_byte(char c)
{
	return c > ' ' && c < 0x7f && !strchr("\",;\\", c);
}

static bool is_attribute_byte(char c)
{
	return c >= ' ' && c < 0x7f && c != ';';
}

static void write_lifetime(struct buf *b, const struct cookie *c)
{
	time_t at = (time_t)(c->max_age_s ? c->now_ms / 1000 + c->max_age_s : 0);
	char text[40];
	struct tm tm;

	if (!gmtime_r(&at, &tm))
		return;
	strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &tm);
	buf_addf(b, "; Expires=%s; Max-Age=%lld", text, (long long)c->max_age_s);
}

bool cookie_write(struct buf *b, const struct cookie *c)
{
	static const char *const same_site[] = { "", "; SameSite=Lax", "; SameSite=Strict",
						 "; SameSite=None" };
	size_t start = b->n;

	if (c->name.n == 0 || !all(c->name, is_name_byte) || !all(c->value, is_strict_value_byte) ||
	    !all(c->domain, is_attribute_byte) || !all(c->path, is_attribute_byte))
		return false;
	buf_addf(b, STR_FMT "=" STR_FMT, STR_ARG(c->name), STR_ARG(c->value));
	if (c->path.n)
		buf_addf(b, "; Path=" STR_FMT, STR_ARG(c->path));
	if (c->domain.n)
		buf_addf(b, "; Domain=" STR_FMT, STR_ARG(c->domain));
	if (c->max_age_s >= 0)
		write_lifetime(b, c);
	buf_add_z(b, c->http_only ? "; HttpOnly" : "");
	buf_add_z(b, c->secure ? "; Secure" : "");
	buf_add_z(b, same_site[c->same_site]);
	buf_add_z(b, c->partitioned ? "; Partitioned" : "");
	if (b->overflow)
		b->n = start;
	return !b->overflow;
}
