/* GPP strings and, inside them, the sections that are decoded on demand. */
#include "pbs/privacy/gpp.h"
#include "pbs/privacy/tcf.h"
#include "pbs/privacy/tcfca.h"
#include "pbs/privacy/usp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *a = arena_new();
	const struct gpp_section *s;
	struct errtext why;
	struct tcfca *ca;
	struct tcf *tcf;
	struct usp usp;
	struct gpp *g;

	if (gpp_parse((struct str){ (const char *)data, size }, a, &why, &g) == 0) {
		for (size_t i = 1; i < g->n; i++)
			if (g->sections[i].id <= g->sections[i - 1].id)
				__builtin_trap();
		if ((s = gpp_find(g, GPP_TCFEU)))
			(void)tcf_parse(s->text, a, &why, &tcf);
		if ((s = gpp_find(g, GPP_TCFCA)))
			(void)tcfca_parse(s->text, a, &why, &ca);
		if ((s = gpp_find(g, GPP_USP)))
			(void)usp_parse(s->text, &why, &usp);
	}
	arena_free(a);
	return 0;
}
