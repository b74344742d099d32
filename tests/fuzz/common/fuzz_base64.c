#include "common/base64.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = { (const char *)data, size };
	struct buf b, back;

	buf_init(&b, 1 << 20);
	buf_init(&back, 1 << 20);
	base64_parse(text, &b);
	base64url_parse(text, &b);
	buf_clear(&b);
	base64url_write(&b, text);
	if (!b.overflow && (!base64url_parse(buf_str(&b), &back) || !str_eq(buf_str(&back), text)))
		__builtin_trap();
	buf_deinit(&b);
	buf_deinit(&back);
	return 0;
}
