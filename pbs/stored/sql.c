#include "pbs/stored/sql.h"

enum { QUERY_MAX_BYTES = 1 << 20 };

static bool add_param(struct sql_query *q, const char *value)
{
	if (q->n_params == SQL_PARAMS_MAX)
		return false;
	q->params[q->n_params++] = value;
	return buf_addf(&q->text, "$%d", q->n_params);
}

static bool add_list(struct sql_query *q, const struct sql_list *l)
{
	if (l->single)
		return add_param(q, l->values[0]);
	if (l->n == 0)
		return buf_add_z(&q->text, "(NULL)");
	for (size_t i = 0; i < l->n; i++) {
		buf_add_z(&q->text, i ? ", " : "(");
		if (!add_param(q, l->values[i]))
			return false;
	}
	return buf_add_c(&q->text, ')');
}

static const struct sql_list *list_at(struct str rest, const struct sql_list *lists, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (str_starts(rest, str_of(lists[i].name)))
			return &lists[i];
	return NULL;
}

bool sql_build(struct sql_query *q, struct str text, const struct sql_list *lists, size_t n_lists)
{
	buf_init(&q->text, QUERY_MAX_BYTES);
	q->n_params = 0;
	while (text.n) {
		const struct sql_list *l = *text.p == '$' ? list_at(text, lists, n_lists) : NULL;
		size_t n = l ? strlen(l->name) : 1;

		if (l ? !add_list(q, l) : !buf_add_c(&q->text, *text.p))
			return false;
		text.p += n;
		text.n -= n;
	}
	return !q->text.overflow;
}
