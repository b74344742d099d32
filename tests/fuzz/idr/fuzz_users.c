#include "idr/auth/users.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = { (const char *)data, size };
	struct errtext why;
	struct users us;

	if (users_parse(text, &us, &why) == 0)
		users_deinit(&us);
	return 0;
}
