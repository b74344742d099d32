/* One pass over the expression writes the extended one. Sets are read into a table of bytes and written from
 * it, since extended expressions know no escapes in sets and want ], ^ and - at certain places there.
 */
#include "pbs/adapters/schema_regex.h"

#include <ctype.h>
#include <stdlib.h>

#include "common/buf.h"
#include "common/mem.h"

/* The C library spells repetitions out, so a short expression can be huge: the steps that it comes to are
 * counted, and the groups that stand in each other. */
enum { EXPRESSION_MAX = 64 << 10, STEPS_MAX = 10000, DEPTH_MAX = 32 };

struct translation {
	const char *p; /* what is left of the expression */
	struct buf out;
	bool ignore_case;
	size_t steps[DEPTH_MAX + 1]; /* of each open group so far, outermost first */
	size_t depth;
	size_t last; /* steps of what a quantifier would repeat; 0: there is nothing */
};

static bool add_steps(struct translation *t, size_t n)
{
	t->steps[t->depth] += n;
	return t->steps[t->depth] <= STEPS_MAX;
}

struct set {
	bool has[256];
};

static void add_range(struct set *set, unsigned char from, unsigned char to)
{
	for (unsigned c = from; c <= to; c++)
		set->has[c] = true;
}

static void invert(struct set *set)
{
	for (size_t c = 0; c < ARRAY_LEN(set->has); c++)
		set->has[c] = !set->has[c];
}

/* The class of a letter behind a backslash, added to the set; false when it names none. */
static bool add_class(struct set *set, char letter)
{
	static const struct {
		char letter;
		const char *ranges; /* pairs */
	} rows[] = { { 'd', "09" }, { 'w', "AZaz09__" }, { 's', "\t\n\f\r  " } };
	struct set one = { { false } };

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if ((letter | 0x20) != rows[i].letter)
			continue;
		for (const char *r = rows[i].ranges; *r; r += 2)
			add_range(&one, (unsigned char)r[0], (unsigned char)r[1]);
		if (letter != rows[i].letter)
			invert(&one);
		for (size_t c = 0; c < ARRAY_LEN(one.has); c++)
			set->has[c] |= one.has[c];
		return true;
	}
	return false;
}

static bool is_alnum(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* \x41 or \x{41}; t->p stands behind the x. */
static bool read_hex(struct translation *t, unsigned char *ret_c)
{
	bool braces = *t->p == '{';
	char digits[3] = { 0 }, *end;
	unsigned long v;

	t->p += braces;
	for (size_t i = 0; i < 2 && is_alnum(*t->p); i++)
		digits[i] = *t->p++;
	v = strtoul(digits, &end, 16);
	if (v == 0 || v > 0x7f || *end || (braces && *t->p != '}'))
		return false;
	t->p += braces;
	*ret_c = (unsigned char)v;
	return true;
}

/* The byte that an escape stands for; t->p stands behind the backslash. */
static bool read_escape(struct translation *t, unsigned char *ret_c)
{
	static const char names[] = "ntrfva", bytes[] = "\n\t\r\f\v\a";
	const char *named = *t->p ? strchr(names, *t->p) : NULL;

	if (*t->p == 'x') {
		t->p++;
		return read_hex(t, ret_c);
	}
	if (!*t->p || (is_alnum(*t->p) && !named))
		return false;
	*ret_c = (unsigned char)(named ? bytes[named - names] : *t->p);
	t->p++;
	return true;
}

/* The ASCII part of the table as a set of an extended expression, where ] comes first and ^ does not, [ opens
 * no class and - no range. */
static void add_bytes(struct buf *b, const struct set *set)
{
	static const char special[] = "[^-"; /* in the order in which they may end a set */
	size_t start;

	buf_add_z(b, set->has[']'] ? "[]" : "[");
	start = b->n;
	for (unsigned char c = 1; c < 0x80; c++)
		if (set->has[c] && c != ']' && !strchr(special, c))
			buf_add_c(b, (char)c);
	if (set->has['^'] && b->n == start && !set->has[']'] && !set->has['['] && !set->has['-']) {
		b->p[b->n - 1] = '\\'; /* ^ alone cannot be a set */
		buf_add_c(b, '^');
		return;
	}
	if (set->has['^'] && b->n == start && !set->has[']'] && !set->has['[']) {
		buf_add_z(b, "-^]");
		return;
	}
	for (const char *s = special; *s; s++)
		if (set->has[(unsigned char)*s])
			buf_add_c(b, *s);
	buf_add_c(b, ']');
}

/* A table that was inverted takes every character of several bytes, too. */
static void add_set(struct buf *b, const struct set *set)
{
	bool wide = set->has[0x80];

	if (wide)
		buf_add_c(b, '(');
	add_bytes(b, set);
	if (wide)
		buf_add_z(b, "|[\xc2-\xf4][\x80-\xbf]{1,3})");
}

/* [:alpha:] inside a set; false when it names none. */
static bool read_named_class(struct translation *t, struct set *set)
{
	static const struct {
		const char *name;
		int (*is)(int c);
	} rows[] = { { "[:alnum:]", isalnum }, { "[:alpha:]", isalpha },  { "[:digit:]", isdigit },
		     { "[:lower:]", islower }, { "[:punct:]", ispunct },  { "[:space:]", isspace },
		     { "[:upper:]", isupper }, { "[:xdigit:]", isxdigit } };

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (strncmp(t->p, rows[i].name, strlen(rows[i].name)) != 0)
			continue;
		for (int c = 0; c < 0x80; c++)
			set->has[c] |= rows[i].is(c) != 0;
		t->p += strlen(rows[i].name);
		return true;
	}
	return false;
}

/* One byte of a set, escaped or not; a class goes into the set and leaves *ret_class. */
static bool read_member(struct translation *t, struct set *set, unsigned char *ret_c, bool *ret_class)
{
	*ret_class = false;
	if (*t->p != '\\') {
		*ret_c = (unsigned char)*t->p++;
		return true;
	}
	t->p++;
	*ret_class = add_class(set, *t->p);
	if (!*ret_class)
		return read_escape(t, ret_c);
	t->p++;
	return true;
}

static bool read_set(struct translation *t)
{
	struct set set = { { false } };
	bool negated = t->p[1] == '^', class, class_end;
	unsigned char from, to;
	const char *first;

	t->p += 1 + negated;
	for (first = t->p; *t->p && (*t->p != ']' || t->p == first);) {
		if (t->p[0] == '[' && t->p[1] == ':') {
			if (!read_named_class(t, &set))
				return false;
			continue;
		}
		if (!read_member(t, &set, &from, &class))
			return false;
		if (class)
			continue;
		to = from;
		if (t->p[0] == '-' && t->p[1] && t->p[1] != ']') {
			t->p++;
			if (!read_member(t, &set, &to, &class_end) || class_end || to < from)
				return false;
		}
		add_range(&set, from, to);
	}
	if (*t->p != ']')
		return false;
	t->p++;
	if (negated)
		invert(&set);
	add_set(&t->out, &set);
	return true;
}

static void add_literal(struct buf *b, char c)
{
	if (strchr(".[]()*+?{}^$|\\", c))
		buf_add_c(b, '\\');
	buf_add_c(b, c);
}

/* What follows a backslash outside of sets. */
static bool read_escaped(struct translation *t)
{
	struct set set = { { false } };
	unsigned char c;

	switch (*++t->p) {
	case 'A': buf_add_c(&t->out, '^'); break;
	case 'z': buf_add_c(&t->out, '$'); break;
	case 'b':
	case 'B':
		buf_add_c(&t->out, '\\');
		buf_add_c(&t->out, *t->p);
		break;
	case 'Q':
		for (t->p++; *t->p && strncmp(t->p, "\\E", 2) != 0; t->p++)
			add_literal(&t->out, *t->p);
		t->p += *t->p ? 2 : 0;
		return true;
	default:
		if (add_class(&set, *t->p)) {
			add_set(&t->out, &set);
			break;
		}
		if (!read_escape(t, &c))
			return false;
		add_literal(&t->out, (char)c);
		return true;
	}
	t->p++;
	return true;
}

/* An opening parenthesis with what says how its group counts. */
static bool read_group(struct translation *t)
{
	t->p++;
	if (*t->p == '?') {
		const char *name = t->p[1] == 'P' ? t->p + 2 : t->p + 1;

		if (t->p[1] == ':')
			t->p += 2;
		else if (name[0] == '<' && is_alnum(name[1]) && strchr(name, '>'))
			t->p = strchr(name, '>') + 1;
		else
			return false;
	}
	buf_add_c(&t->out, '(');
	if (t->depth == DEPTH_MAX)
		return false;
	t->steps[++t->depth] = 0;
	t->last = 0;
	return true;
}

static bool read_group_end(struct translation *t)
{
	if (t->depth == 0)
		return false;
	t->last = t->steps[t->depth--] + 1;
	buf_add_c(&t->out, *t->p++);
	return add_steps(t, t->last);
}

/* How long the repetition at p is, 0 when the brace there begins none. */
static size_t repetition(const char *p)
{
	size_t n = 1 + strspn(p + 1, "0123456789");

	if (n == 1)
		return 0;
	if (p[n] == ',')
		n += 1 + strspn(p + n + 1, "0123456789");
	return p[n] == '}' ? n + 1 : 0;
}

/* How often the repetition at p writes what it repeats. */
static size_t times(const char *p)
{
	const char *comma;
	unsigned long at_least;

	if (*p != '{')
		return *p == '+' ? 2 : 1;
	at_least = strtoul(p + 1, NULL, 10);
	comma = strpbrk(p, ",}");
	if (at_least > STEPS_MAX)
		return STEPS_MAX;
	if (*comma == '}')
		return at_least;
	return comma[1] == '}' ? at_least + 1 : strtoul(comma + 1, NULL, 10);
}

/* Lazy or not is a matter of where a match ends. */
static bool read_quantifier(struct translation *t)
{
	size_t n = *t->p == '{' ? repetition(t->p) : 1, factor;

	if (n == 0) {
		add_literal(&t->out, *t->p++);
		t->last = 1;
		return add_steps(t, 1);
	}
	factor = times(t->p);
	if (t->last == 0 || factor > STEPS_MAX || !add_steps(t, factor * t->last))
		return false; /* nothing to repeat, a repetition of a repetition, or too much of it */
	t->last = 0;
	buf_add(&t->out, t->p, n);
	t->p += n;
	t->p += *t->p == '?';
	return true;
}

/* The bytes of one character hold together under a quantifier. */
static bool read_plain(struct translation *t)
{
	if (!(*t->p & 0x80)) {
		if (*t->p == '}' || *t->p == ']')
			add_literal(&t->out, *t->p++);
		else
			buf_add_c(&t->out, *t->p++);
		return true;
	}
	buf_add_c(&t->out, '(');
	do
		buf_add_c(&t->out, *t->p++);
	while ((*t->p & 0xc0) == 0x80);
	buf_add_c(&t->out, ')');
	return true;
}

static bool read_dot(struct translation *t)
{
	struct set set = { { false } };

	t->p++;
	set.has['\n'] = true;
	invert(&set);
	add_set(&t->out, &set);
	return true;
}

static bool read_atom(struct translation *t)
{
	bool ok;

	switch (*t->p) {
	case '\\': ok = read_escaped(t); break;
	case '[': ok = read_set(t); break;
	case '.': ok = read_dot(t); break;
	default: ok = read_plain(t); break;
	}
	t->last = 1;
	return ok && add_steps(t, 1);
}

static bool read_one(struct translation *t)
{
	switch (*t->p) {
	case '(': return read_group(t);
	case ')': return read_group_end(t);
	case '*':
	case '+':
	case '?':
	case '{': return read_quantifier(t);
	case '|':
		t->last = 0;
		buf_add_c(&t->out, *t->p++);
		return true;
	default: return read_atom(t);
	}
}

bool schema_regex(const char *text, regex_t *ret_regex)
{
	struct translation t = { .p = text };
	bool ok = true;

	if (strncmp(text, "(?i)", 4) == 0) {
		t.ignore_case = true;
		t.p += 4;
	}
	buf_init(&t.out, EXPRESSION_MAX);
	while (ok && *t.p)
		ok = read_one(&t);
	ok = ok && !t.out.overflow &&
	     regcomp(ret_regex, buf_cstr(&t.out),
		     REG_EXTENDED | REG_NOSUB | (t.ignore_case ? REG_ICASE : 0)) == 0;
	buf_deinit(&t.out);
	return ok;
}
