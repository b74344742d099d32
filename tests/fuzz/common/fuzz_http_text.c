/* Queries, cookies and lists from the wire: nothing is read beyond the input, and every loop ends. */
#include "common/http_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct str in = { (const char *)data, n }, rest = in, name, value;
	struct arena *a = arena_new();

	while (http_text_next_arg(&rest, &name, &value)) {
		(void)http_text_decode(a, name, true);
		(void)http_text_decode(a, value, true);
	}
	(void)http_text_decode(a, in, false);
	(void)http_text_cookie(in, STR("uids"), &value);
	(void)http_text_accepts_gzip(in);
	(void)http_text_list_has(in, STR("accept"));
	(void)http_text_is_request_id(in);
	arena_free(a);
	return 0;
}
