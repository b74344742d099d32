/* Bodies that claim to be gzip: never more than the ceiling comes out, and what we pack unpacks to the same. */
#include "common/gzip.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct str in = { (const char *)data, n };
	struct buf out, packed;

	buf_init(&out, 65536);
	(void)gzip_decompress(in, &out);
	if (out.n > out.max_bytes)
		abort();
	buf_deinit(&out);
	buf_init(&out, n);
	buf_init(&packed, n + n / 100 + 1000);
	if (gzip_compress(in, &packed) < 0 || gzip_decompress(buf_str(&packed), &out) < 0 ||
	    !str_eq(buf_str(&out), in))
		abort();
	buf_deinit(&packed);
	buf_deinit(&out);
	return 0;
}
