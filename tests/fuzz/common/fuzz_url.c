#include "common/url.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = { (const char *)data, size }, rest = text, name, value;
	struct errtext why;
	struct url u;
	struct buf b, back;

	buf_init(&b, 1 << 20);
	buf_init(&back, 1 << 20);
	if (url_parse(text, &u, &why) == 0)
		while (url_query_next(&u.query, &name, &value))
			;
	while (url_query_next(&rest, &name, &value))
		url_decode(value, &b);
	url_query_find(text, STR("a"), &b);
	buf_clear(&b);
	url_encode_query(&b, text);
	if (!b.overflow && (!url_decode_query(buf_str(&b), &back) || !str_eq(buf_str(&back), text)))
		__builtin_trap(); /* what was encoded decodes to itself */
	buf_deinit(&b);
	buf_deinit(&back);
	return 0;
}
