#include "common/http_text.h"

struct str http_text_decode(struct arena *a, struct str s, bool plus_is_blank)
{
	size_t i, n = 0;
	char *p;

	if (s.n == 0 || (!memchr(s.p, '%', s.n) && (!plus_is_blank || !memchr(s.p, '+', s.n))))
		return s;
	p = arena_alloc(a, s.n + 1);
	for (i = 0; i < s.n; i++) {
		if (s.p[i] == '%' && i + 2 < s.n && str_hex_digit(s.p[i + 1]) >= 0 &&
		    str_hex_digit(s.p[i + 2]) >= 0) {
			p[n++] = (char)(str_hex_digit(s.p[i + 1]) << 4 | str_hex_digit(s.p[i + 2]));
			i += 2;
		} else {
			p[n++] = s.p[i] == '+' && plus_is_blank ? ' ' : s.p[i];
		}
	}
	return (struct str){ p, n };
}

bool http_text_next_arg(struct str *rest, struct str *ret_name, struct str *ret_value)
{
	while (rest->p) {
		struct str value = str_cut(rest, '&'), name;

		if (value.n == 0)
			continue;
		name = str_cut(&value, '=');
		*ret_name = name;
		*ret_value = value.p ? value : STR("");
		return true;
	}
	return false;
}

bool http_text_cookie(struct str header, struct str name, struct str *ret_value)
{
	while (header.p) {
		struct str value = str_trim(str_cut(&header, ';'));
		struct str found = str_trim(str_cut(&value, '='));

		if (!value.p || !str_eq(found, name))
			continue;
		value = str_trim(value);
		if (value.n >= 2 && value.p[0] == '"' && value.p[value.n - 1] == '"')
			value = (struct str){ value.p + 1, value.n - 2 };
		*ret_value = value;
		return true;
	}
	return false;
}

/* ";q=0", "; Q=0.000" */
static bool is_refused(struct str params)
{
	while (params.p) {
		struct str value = str_trim(str_cut(&params, ';'));
		struct str name = str_trim(str_cut(&value, '='));
		double q;

		if (value.p && str_eq_nocase(name, STR("q")))
			return str_parse_double(str_trim(value), &q) && q <= 0;
	}
	return false;
}

bool http_text_accepts_gzip(struct str accept_encoding)
{
	bool any = false;

	while (accept_encoding.p) {
		struct str params = str_cut(&accept_encoding, ',');
		struct str coding = str_trim(str_cut(&params, ';'));

		if (str_eq_nocase(coding, STR("gzip")) || str_eq_nocase(coding, STR("x-gzip")))
			return !is_refused(params);
		if (str_eq(coding, STR("*")))
			any = !is_refused(params);
	}
	return any;
}

bool http_text_list_has(struct str list, struct str token)
{
	while (list.p)
		if (str_eq_nocase(str_trim(str_cut(&list, ',')), token))
			return true;
	return false;
}

bool http_text_is_request_id(struct str s)
{
	if (s.n < 1 || s.n > 64)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		      c == '.' || c == '_' || c == '-'))
			return false;
	}
	return true;
}
