/* The document inside imp.native.request. What was accepted must be accepted again as it was written back. */
#include "pbs/openrtb/validate_native.h"

#include "common/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	json_t *native = json_object(), *text = json_stringn((const char *)data, size);
	struct arena *a = arena_new();
	struct messages m;

	messages_init(&m, a);
	if (text)
		json_object_set_new(native, "request", text);
	if (validate_native(native, 0, &m) == 0 && validate_native(native, 0, &m) != 0)
		__builtin_trap();
	json_decref(native);
	arena_free(a);
	return 0;
}
