/* Query templates of the host's configuration: names that stand for lists of ids, made into what PostgreSQL takes.
 *
 * Shapes  $REQUEST_ID_LIST, $IMP_ID_LIST and $ID_LIST become "($1, $2)", or "(NULL)" for an empty list, wherever they
 *         stand; $LAST_UPDATED becomes one parameter. Anything else is left as it is. Ids never become part of the SQL.
 * Errors  false when there are too many parameters for one query.
 * Source  Prebid Server's database fetcher.
 */
#ifndef PBS_STORED_SQL_H
#define PBS_STORED_SQL_H

#include <stdbool.h>
#include <stddef.h>

#include "common/buf.h"
#include "common/str.h"

enum { SQL_PARAMS_MAX = 4096 };

struct sql_list {
	const char *name; /* with its '$' */
	const char *const *values;
	size_t n;
	bool single; /* one value that stands for itself */
};

struct sql_query {
	struct buf text;
	const char *params[SQL_PARAMS_MAX];
	int n_params;
};

bool sql_build(struct sql_query *q, struct str text, const struct sql_list *lists, size_t n_lists);

#endif
