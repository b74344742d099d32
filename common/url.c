#include "common/url.h"

#include "common/err.h"

static bool is_alpha(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static struct str slice(struct str s, size_t from, size_t to)
{
	return (struct str){ s.p + from, to - from };
}

/* Position of the first byte of `set` at or after `from`, or the length. */
static size_t find_any(struct str s, size_t from, const char *set)
{
	for (; from < s.n; from++)
		if (strchr(set, s.p[from]))
			break;
	return from;
}

static int bad(struct errtext *why, const char *what)
{
	errtext_set(why, "%s", what);
	return ERR_INPUT;
}

static bool is_host_byte(char c, bool in_brackets)
{
	if (in_brackets)
		return is_alpha(c) || is_digit(c) || c == ':' || c == '.' || c == '%';
	return is_alpha(c) || is_digit(c) || (c && strchr("-._~%!$&'()*+,;=", c)) || (unsigned char)c >= 0x80;
}

/* "host", "host:port", "[::1]:port" */
static int parse_host_port(struct str s, struct url *u, struct errtext *why)
{
	bool brackets = s.n && s.p[0] == '[';
	size_t end = brackets ? find_any(s, 0, "]") : find_any(s, 0, ":");
	struct str rest;
	uint32_t port;

	if (brackets && end == s.n)
		return bad(why, "[ without ] in the host");
	u->host = slice(s, brackets ? 1 : 0, end);
	rest = slice(s, brackets ? end + 1 : end, s.n);
	if (u->host.n == 0)
		return bad(why, "no host");
	for (size_t i = 0; i < u->host.n; i++)
		if (!is_host_byte(u->host.p[i], brackets))
			return bad(why, "a byte that does not belong in the host");
	if (rest.n == 0 || (rest.n == 1 && rest.p[0] == ':'))
		return 0;
	if (rest.p[0] != ':' || !str_parse_u32(slice(rest, 1, rest.n), 1, 65535, &port))
		return bad(why, "the port is not a number in 1..65535");
	u->port = (uint16_t)port;
	return 0;
}

static int parse_authority(struct str s, struct url *u, struct errtext *why)
{
	for (size_t i = s.n; i-- > 0;)
		if (s.p[i] == '@') {
			u->userinfo = slice(s, 0, i);
			s = slice(s, i + 1, s.n);
			break;
		}
	return parse_host_port(s, u, why);
}

int url_parse(struct str text, struct url *ret_url, struct errtext *why)
{
	struct url u = { .userinfo = STR(""), .query = STR(""), .fragment = STR("") };
	size_t at = 0, end;
	int err;

	for (size_t i = 0; i < text.n; i++)
		if ((unsigned char)text.p[i] <= ' ' || text.p[i] == 0x7f)
			return bad(why, "a blank or control byte");
	while (at < text.n &&
	       (is_alpha(text.p[at]) || (at && (is_digit(text.p[at]) || strchr("+-.", text.p[at])))))
		at++;
	if (at == 0 || !str_starts(slice(text, at, text.n), STR("://")))
		return bad(why, "no scheme");
	u.scheme = slice(text, 0, at);
	u.port = str_eq_nocase(u.scheme, STR("http")) ? 80 : str_eq_nocase(u.scheme, STR("https")) ? 443 : 0;
	at += 3;
	end = find_any(text, at, "/?#");
	err = parse_authority(slice(text, at, end), &u, why);
	if (err < 0)
		return err;
	at = end;
	end = find_any(text, at, "?#");
	u.path = slice(text, at, end);
	if (end < text.n && text.p[end] == '?') {
		at = end + 1;
		end = find_any(text, at, "#");
		u.query = slice(text, at, end);
	}
	if (end < text.n)
		u.fragment = slice(text, end + 1, text.n);
	*ret_url = u;
	return 0;
}

bool url_is_http(struct str text)
{
	struct url u;

	return url_parse(text, &u, NULL) == 0 &&
	       (str_eq_nocase(u.scheme, STR("http")) || str_eq_nocase(u.scheme, STR("https")));
}

static void encode(struct buf *b, struct str s, bool plus)
{
	static const char hex[] = "0123456789ABCDEF";

	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];
		const char escape[3] = { '%', hex[c >> 4], hex[c & 15] };

		if (is_alpha((char)c) || is_digit((char)c) || (c && strchr("-_.~", c)))
			buf_add_c(b, (char)c);
		else if (c == ' ' && plus)
			buf_add_c(b, '+');
		else
			buf_add(b, escape, 3);
	}
}

void url_encode(struct buf *b, struct str s)
{
	encode(b, s, false);
}

void url_encode_query(struct buf *b, struct str s)
{
	encode(b, s, true);
}

static bool decode(struct str s, struct buf *b, bool plus)
{
	size_t start = b->n;

	if (!buf_reserve(b, s.n))
		return false;
	for (size_t i = 0; i < s.n; i++) {
		int hi, lo;

		if (s.p[i] != '%') {
			buf_add_c(b, plus && s.p[i] == '+' ? ' ' : s.p[i]);
			continue;
		}
		hi = s.n - i > 2 ? str_hex_digit(s.p[i + 1]) : -1;
		lo = s.n - i > 2 ? str_hex_digit(s.p[i + 2]) : -1;
		if (hi < 0 || lo < 0) {
			b->n = start;
			return false;
		}
		buf_add_c(b, (char)(hi << 4 | lo));
		i += 2;
	}
	return true;
}

bool url_decode(struct str s, struct buf *b)
{
	return decode(s, b, false);
}

bool url_decode_query(struct str s, struct buf *b)
{
	return decode(s, b, true);
}

bool url_query_next(struct str *rest, struct str *ret_name, struct str *ret_value)
{
	while (rest->n) {
		struct str pair = str_cut(rest, '&'), name;

		if (pair.n == 0)
			continue;
		name = str_cut(&pair, '=');
		*ret_name = name;
		*ret_value = pair.p ? pair : STR("");
		return true;
	}
	return false;
}

bool url_query_find(struct str query, struct str name, struct buf *ret_value)
{
	struct str raw_name, raw_value;
	struct buf decoded;
	bool found = false;

	buf_init(&decoded, 4096);
	while (!found && url_query_next(&query, &raw_name, &raw_value)) {
		buf_clear(&decoded);
		found = url_decode_query(raw_name, &decoded) && str_eq(buf_str(&decoded), name) &&
			url_decode_query(raw_value, ret_value);
	}
	buf_deinit(&decoded);
	return found;
}
