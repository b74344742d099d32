/* The uids cookie belongs to whoever holds the browser; what is written must read back as the same. */
#include <stdint.h>

#include "pbs/usersync/uids.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *a = arena_new();
	struct uids u, again;
	struct buf b;

	uids_read(&u, a, (struct str){ (const char *)data, size });
	(void)uids_set(&u, STR("fuzz"), STR("1"), 1);
	buf_init(&b, UIDS_COOKIE_MAX * 8);
	uids_write(&u, &b);
	if (!b.overflow && b.n < UIDS_COOKIE_MAX) {
		uids_read(&again, a, buf_str(&b));
		if (again.n != u.n || again.opted_out != u.opted_out)
			__builtin_trap();
	}
	buf_deinit(&b);
	arena_free(a);
	return 0;
}
