/* TC strings come from pages and apps; every lookup on a decoded one must be safe as well. */
#include "pbs/privacy/tcf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *a = arena_new();
	uint8_t types[TCF_PURPOSES + 1];
	struct errtext why;
	struct tcf *t;

	if (tcf_parse((struct str){ (const char *)data, size }, a, &why, &t) == 0)
		for (uint32_t id = 0; id <= 65535; id += id < 70 ? 1 : 911) {
			if (id > t->vendors_consent.max && id_set_has(&t->vendors_consent, id))
				__builtin_trap();
			(void)(id_set_has(&t->vendors_li, id) | id_set_has(&t->vendors_disclosed, id));
			tcf_restrictions_of(t, (uint16_t)id, types);
		}
	arena_free(a);
	return 0;
}
