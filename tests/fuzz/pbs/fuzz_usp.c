/* Four characters, yet from the same strangers. */
#include "pbs/privacy/usp.h"

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct errtext why;
	struct usp u;

	if (usp_parse((struct str){ (const char *)data, size }, &why, &u) == 0 && size != 4)
		__builtin_trap();
	return 0;
}
