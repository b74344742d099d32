/* The text after the first NUL is put into a key's field, the text before it is expanded. */
#include "common/conf_value.h"

struct fuzz_conf {
	uint32_t u32;
	uint64_t u64;
	double real;
	bool flag;
	const char *text;
	int pick;
	struct conf_list list;
};
#define CONF_T struct fuzz_conf
static const struct conf_key keys[] = {
	CONF_U32("u32", "", u32, "1", 1, 10, 0, ""),
	CONF_U64("u64", "", u64, "1", 1, 1e12, 0, ""),
	CONF_DOUBLE("real", "", real, "0.5", 0, 1, 0, ""),
	CONF_BOOL("flag", "", flag, "true", 0, ""),
	CONF_STR("text", "", text, "", 0, ""),
	CONF_LIST("list", "", list, "", 0, ""),
	CONF_ENUM("pick", "", pick, "a", "a|b|c", 0, ""),
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char *const env[] = { (char *)"A=${A}", (char *)"B=", NULL };
	struct str text = { (const char *)data, size }, before = str_cut(&text, '\0');
	struct fuzz_conf c = { 0 };
	struct errtext why;
	struct buf out;
	bool changed;

	buf_init(&out, 1 << 20);
	conf_expand(before, env, &out, &changed, &why);
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		conf_value_from_text(&keys[i], &c, text.p ? text : STR("1"), &why);
		if (keys[i].type != CONF_IS_STR || c.text)
			conf_value_write(&keys[i], &c, &out);
		conf_value_free(&keys[i], &c);
	}
	buf_deinit(&out);
	return 0;
}
