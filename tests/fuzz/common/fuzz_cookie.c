#include "common/cookie.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str header = { (const char *)data, size }, name, value;
	struct buf b;

	buf_init(&b, 1 << 20);
	while (cookie_next(&header, &name, &value)) {
		struct cookie c = {
			.name = name, .value = value, .domain = value, .path = value, .max_age_s = 60
		};

		buf_clear(&b);
		if (cookie_write(&b, &c) && (memchr(b.p, '\n', b.n) || memchr(b.p, '\r', b.n)))
			__builtin_trap(); /* nothing read from a request may split a header */
	}
	buf_deinit(&b);
	return 0;
}
