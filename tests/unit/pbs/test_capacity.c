#include "pbs/capacity.h"

#include "common/mem.h"
#include "tests/check.h"

#define MIB(n) ((uint64_t)(n) << 20)

static const struct {
	const char *why;
	uint64_t memory_bytes;
	size_t workers;
	uint32_t auctions, connections;
} rows[] = {
	{ "the smallest machine, as measured", MIB(256), 1, 204, 1024 },
	{ "shared by two workers", MIB(512), 2, 204, 1024 },
	{ "the same for one", MIB(512), 1, 409, 2048 },
	{ "never so few that nothing can be served", MIB(16), 4, 16, 128 },
	{ "no memory", 0, 1, 16, 128 },
	{ "never more than a thread can do", MIB(65536), 2, 4000, 20000 },
	{ "no limit", UINT64_MAX, 256, 4000, 20000 },
};

static void by_memory(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CHECK(rows[i].why,
		      capacity_auctions(rows[i].memory_bytes, rows[i].workers) == rows[i].auctions);
		CHECK(rows[i].why,
		      capacity_connections(rows[i].memory_bytes, rows[i].workers) == rows[i].connections);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(by_memory) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
