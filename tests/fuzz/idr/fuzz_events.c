#include "idr/intake/batch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct rates rates = { .row = { { "EUR", 1.08 } }, .n = 1 };
	const struct event_limits limits = { .min_ts_ms = 0, .max_ts_ms = 4102444800000, .rates = &rates };
	struct errtext why;
	struct batch *b;

	if (size && batch_parse((struct str){ (const char *)data + 1, size - 1 }, data[0] & 1, &limits, &b,
				&why) == 0)
		batch_free(b);
	return 0;
}
