#include <stdio.h>

#include "idr/store/store.h"

struct str store_doc_action(const struct store_doc *d, char text[STORE_ACTION_BYTES])
{
	snprintf(text, STORE_ACTION_BYTES, STR_FMT ".%s", STR_ARG(d->kind), d->body.n ? "put" : "delete");
	return str_of(text);
}
