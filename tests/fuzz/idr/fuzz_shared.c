#include <stdlib.h>

#include "common/mem.h"
#include "idr/intake/event_bytes.h"
#include "idr/intake/shared_docs.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What other machines put into Redis, up to the model. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct shared_event e;
	static struct router *router;
	struct str bytes = { (const char *)data, size };

	if (!router) {
		struct router_conf conf;

		router_conf_default(&conf);
		conf.memory_bytes = 4 << 20;
		router = router_new(&conf);
	}
	if (event_bytes_parse(bytes, &e))
		router_learn(router, &(struct learn_event){ .ctx = &e.ctx,
							    .outcome = e.outcome,
							    .n = e.n,
							    .auction = e.auction,
							    .now_ms = e.ts_ms });
	shared_docs_free(shared_doc_parse(STR("settings/p"), bytes));
	return 0;
}
