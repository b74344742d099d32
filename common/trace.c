#include "common/trace.h"

enum { VERSION_AT = 0, ID_AT = 3, PARENT_AT = 36, FLAGS_AT = 53, SAMPLED = 1 };

/* `digits` of them, lower case as the standard wants. */
static bool read_hex(const char *p, int digits, uint64_t *ret_v)
{
	uint64_t v = 0;

	for (int i = 0; i < digits; i++) {
		char c = p[i];

		if (c >= '0' && c <= '9')
			v = v << 4 | (uint64_t)(c - '0');
		else if (c >= 'a' && c <= 'f')
			v = v << 4 | (uint64_t)(c - 'a' + 10);
		else
			return false;
	}
	*ret_v = v;
	return true;
}

static void write_hex(char *p, int digits, uint64_t v)
{
	for (int i = digits - 1; i >= 0; i--, v >>= 4)
		p[i] = "0123456789abcdef"[v & 15];
}

static bool has_dashes(struct str s)
{
	return s.p[ID_AT - 1] == '-' && s.p[PARENT_AT - 1] == '-' && s.p[FLAGS_AT - 1] == '-';
}

bool trace_parse(struct str s, struct trace *ret_t)
{
	struct trace t = { .span = 0 };
	uint64_t version, flags;

	if (s.n < TRACEPARENT_TEXT || !has_dashes(s) || !read_hex(s.p + VERSION_AT, 2, &version) ||
	    !read_hex(s.p + ID_AT, 16, &t.id[0]) || !read_hex(s.p + ID_AT + 16, 16, &t.id[1]) ||
	    !read_hex(s.p + PARENT_AT, 16, &t.parent) || !read_hex(s.p + FLAGS_AT, 2, &flags))
		return false;
	/* Later versions may add fields, but only behind another dash. */
	if (version == 0xff || (s.n > TRACEPARENT_TEXT && (version == 0 || s.p[TRACEPARENT_TEXT] != '-')))
		return false;
	if (!trace_is_set(&t) || !t.parent)
		return false;
	t.sampled = flags & SAMPLED;
	*ret_t = t;
	return true;
}

uint64_t trace_new_span(struct rng *rng)
{
	uint64_t v;

	do
		v = rng_u64(rng);
	while (!v);
	return v;
}

void trace_begin(struct trace *t, struct str traceparent, struct rng *rng)
{
	if (!trace_parse(traceparent, t))
		*t = (struct trace){ .id = { rng_u64(rng), trace_new_span(rng) } };
	t->span = trace_new_span(rng);
}

void trace_write_parent(const struct trace *t, uint64_t span, char ret_text[TRACEPARENT_TEXT + 1])
{
	memcpy(ret_text, "00-", ID_AT);
	trace_write_id(t, ret_text + ID_AT);
	ret_text[PARENT_AT - 1] = '-';
	trace_write_span(span, ret_text + PARENT_AT);
	memcpy(ret_text + FLAGS_AT - 1, t->sampled ? "-01" : "-00", 4);
}

void trace_write_id(const struct trace *t, char ret_text[TRACE_ID_TEXT + 1])
{
	write_hex(ret_text, 16, t->id[0]);
	write_hex(ret_text + 16, 16, t->id[1]);
	ret_text[TRACE_ID_TEXT] = 0;
}

void trace_write_span(uint64_t span, char ret_text[TRACE_SPAN_TEXT + 1])
{
	write_hex(ret_text, 16, span);
	ret_text[TRACE_SPAN_TEXT] = 0;
}
