#include "common/json.h"
#include "idr/floors/validate.h"
#include "idr/store/floor_history.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	json_t *j = json_parse((struct str){ (const char *)data, size }, NULL);
	struct errtext why;
	struct floor_cell cell;

	(void)floors_validate(j, &why);
	json_decref(j);
	(void)floor_cell_parse(data, size, &cell);
	return 0;
}
