#include "common/api_key.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = { (const char *)data, size };
	struct api_keys *ks = api_keys_new();
	struct errtext why;

	api_keys_add_list(ks, text, &why);
	api_keys_find(ks, api_key_from_headers(STR(""), text));
	api_keys_free(ks);
	return 0;
}
