#include "common/idr_wire.h"
#include "common/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = { (const char *)data, size };
	struct arena *a = arena_new();
	struct idr_route_request request;
	struct idr_route_reply reply;
	struct idr_event event;
	struct errtext why;
	struct buf b;
	json_t *j;

	buf_init(&b, 16 << 20);
	if (idr_wire_parse_route(a, text, &request, &why) == 0) {
		idr_wire_write_route(&b, &request);
		if (idr_wire_parse_route(a, buf_str(&b), &request, &why) < 0)
			__builtin_trap(); /* what one side writes the other can read */
	}
	buf_clear(&b);
	if (idr_wire_parse_reply(a, text, &reply, &why) == 0) {
		idr_wire_write_reply(&b, &reply);
		if (idr_wire_parse_reply(a, buf_str(&b), &reply, &why) < 0)
			__builtin_trap();
	}
	buf_clear(&b);
	j = json_parse(text, &why);
	if (j && idr_wire_read_event(a, arena_own_json(a, j), &event, &why) == 0) {
		idr_wire_write_event(&b, &event);
		j = json_parse(buf_str(&b), &why);
		if (!j || idr_wire_read_event(a, arena_own_json(a, j), &event, &why) < 0)
			__builtin_trap();
	}
	buf_deinit(&b);
	arena_free(a);
	return 0;
}
