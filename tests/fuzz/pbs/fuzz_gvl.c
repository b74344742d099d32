/* Vendor lists come over the network. */
#include "pbs/privacy/gvl.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct errtext why;
	struct gvl *g = gvl_parse((struct str){ (const char *)data, size }, &why);
	size_t found = 0;

	for (uint32_t id = 0; g && id <= g->max_id + 1; id++)
		found += gvl_find(g, id) != NULL;
	if (g && found != g->n_vendors)
		__builtin_trap();
	gvl_free(g);
	return 0;
}
