/* What is read as a traceparent is written as one that reads the same. */
#include "common/trace.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct trace t, back;
	char text[TRACEPARENT_TEXT + 1];

	if (!trace_parse((struct str){ (const char *)data, size }, &t))
		return 0;
	if (!trace_is_set(&t) || !t.parent || t.span)
		__builtin_trap();
	trace_write_parent(&t, t.parent, text);
	if (!trace_parse(str_of(text), &back) || back.id[0] != t.id[0] || back.id[1] != t.id[1] ||
	    back.parent != t.parent || back.sampled != t.sampled)
		__builtin_trap();
	if (data[0] == '0' && data[1] == '0' && memcmp(text, data, TRACEPARENT_TEXT - 2) != 0)
		__builtin_trap();
	return 0;
}
