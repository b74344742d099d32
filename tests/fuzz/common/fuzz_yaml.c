#include "common/json.h"
#include "common/yaml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct errtext why;
	json_t *lines = NULL;
	json_t *j = yaml_parse_lines((struct str){ (const char *)data, size }, "f", &lines, &why);

	if (j) {
		struct buf b;
		json_t *again;

		yaml_line(lines, "a.b[0].c");
		buf_init(&b, 64 << 20);
		json_write(&b, j);
		if (b.overflow || !(again = json_parse(buf_str(&b), &why)))
			__builtin_trap(); /* every tree can be written and read back */
		json_decref(again);
		buf_deinit(&b);
	}
	json_decref(lines);
	json_decref(j);
	return 0;
}
