#include "idr/auth/session.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The parts are only looked at when the signature is right, so what follows the first byte is also signed here: as a
 * session of somebody whose name and id are the input's. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = { size ? (const char *)data : "", size },
		   key = STR("0123456789abcdef0123456789abcdef");
	struct session s = { .began_s = 1, .seen_s = 1 }, got;
	struct buf b;

	session_parse(key, text, 1, &got);
	memcpy(s.user, text.p, size < USER_NAME_MAX ? size : USER_NAME_MAX);
	memcpy(s.id, text.p, size < SESSION_ID_TEXT ? size : SESSION_ID_TEXT);
	buf_init(&b, SESSION_TEXT_MAX);
	session_write(&b, key, &s);
	session_parse(key, buf_str(&b), 2, &got);
	session_csrf_matches(key, &s, text);
	buf_deinit(&b);
	return 0;
}
