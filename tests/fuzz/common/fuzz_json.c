#include "common/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct errtext why;
	json_t *j = json_parse((struct str){ (const char *)data, size }, &why), *again;
	struct buf b;

	if (!j)
		return 0;
	buf_init(&b, 64 << 20);
	json_write(&b, j);
	again = json_parse(buf_str(&b), &why);
	if (!again)
		__builtin_trap(); /* what was written can be read */
	json_decref(again);
	json_decref(j);
	buf_deinit(&b);
	return 0;
}
