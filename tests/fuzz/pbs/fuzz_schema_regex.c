/* An expression of a schema against a text that has something of everything; what is refused is fine, what takes
 * long or much memory is not. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "common/mem.h"
#include "pbs/adapters/schema_regex.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = xstrndup((const char *)data, size);
	regex_t regex;

	if (schema_regex(text, &regex)) {
		(void)regexec(&regex, "ab_C {1,2} [x]\t\xc3\xa4.", 0, NULL, 0);
		regfree(&regex);
	}
	free(text);
	return 0;
}
