#include "common/gzip.h"

#include <pthread.h>

#include "common/err.h"
#include "common/mem.h"
#include "tests/check.h"

static struct buf make(size_t n)
{
	struct buf b;

	buf_init(&b, n);
	for (size_t i = 0; i < n; i++)
		buf_add_c(&b, (char)('a' + (i * i >> 3) % 23));
	return b;
}

static void there_and_back(void **state)
{
	static const size_t sizes[] = { 0, 1, 100, 2500, 70000, 1000000 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		struct buf plain = make(sizes[i]), packed, again;

		buf_init(&packed, sizes[i] + 1000);
		buf_init(&again, sizes[i]);
		CHECK("compress", gzip_compress(buf_str(&plain), &packed) == 0);
		CHECK("a text of exactly the ceiling fits", gzip_decompress(buf_str(&packed), &again) == 0);
		CHECK("same bytes", str_eq(buf_str(&plain), buf_str(&again)));
		buf_deinit(&plain);
		buf_deinit(&packed);
		buf_deinit(&again);
	}
}

static void ceilings(void **state)
{
	struct buf plain = make(5000), packed, again;

	(void)state;
	buf_init(&packed, 50);
	CHECK("no room for the packed text", gzip_compress(buf_str(&plain), &packed) == ERR_LIMIT);
	buf_deinit(&packed);
	buf_init(&packed, 10000);
	CHECK("compress", gzip_compress(buf_str(&plain), &packed) == 0);
	buf_init(&again, 4999);
	CHECK("one byte too long", gzip_decompress(buf_str(&packed), &again) == ERR_LIMIT);
	CHECK("and never more than the ceiling", again.n <= 4999);
	buf_deinit(&again);
	buf_deinit(&packed);
	buf_deinit(&plain);
}

static void bomb(void **state)
{
	struct buf zeros, packed, out;

	(void)state;
	buf_init(&zeros, 32 << 20);
	buf_reserve(&zeros, zeros.max_bytes);
	memset(zeros.p, 0, zeros.max_bytes);
	zeros.n = zeros.max_bytes;
	buf_init(&packed, 1 << 20);
	CHECK("compress", gzip_compress(buf_str(&zeros), &packed) == 0);
	buf_init(&out, 100000);
	CHECK("stops at the ceiling", gzip_decompress(buf_str(&packed), &out) == ERR_LIMIT);
	CHECK("with no more memory than that", out.cap <= 100001);
	buf_deinit(&zeros);
	buf_deinit(&packed);
	buf_deinit(&out);
}

static void broken(void **state)
{
	struct buf plain = make(3000), packed, out;

	(void)state;
	buf_init(&packed, 10000);
	buf_init(&out, 10000);
	CHECK("compress", gzip_compress(buf_str(&plain), &packed) == 0);
	for (size_t n = 0; n < packed.n; n++) {
		buf_clear(&out);
		CHECK("every cut is noticed",
		      gzip_decompress((struct str){ packed.p, n }, &out) == ERR_INPUT);
	}
	packed.p[packed.n - 6] ^= 1;
	buf_clear(&out);
	CHECK("a wrong checksum is noticed", gzip_decompress(buf_str(&packed), &out) == ERR_INPUT);
	packed.p[packed.n - 6] ^= 1;
	buf_clear(&out);
	CHECK("still usable afterwards", gzip_decompress(buf_str(&packed), &out) == 0);
	buf_add_z(&packed, "garbage");
	buf_clear(&out);
	CHECK("bytes behind the end", gzip_decompress(buf_str(&packed), &out) == ERR_INPUT);
	CHECK("no gzip at all", gzip_decompress(STR("{\"id\":1}"), &out) == ERR_INPUT);
	buf_deinit(&plain);
	buf_deinit(&packed);
	buf_deinit(&out);
}

static void members(void **state)
{
	struct buf packed, out;

	(void)state;
	buf_init(&packed, 1000);
	buf_init(&out, 1000);
	CHECK("first", gzip_compress(STR("one "), &packed) == 0);
	CHECK("second", gzip_compress(STR("two"), &packed) == 0);
	CHECK("two members", gzip_decompress(buf_str(&packed), &out) == 0);
	CHECK_STR("are one text", buf_str(&out), "one two");
	buf_deinit(&packed);
	buf_deinit(&out);
}

static void *in_thread(void *arg)
{
	(void)arg;
	there_and_back(NULL);
	return NULL;
}

static void threads(void **state)
{
	pthread_t t[3];

	(void)state;
	for (int i = 0; i < 3; i++)
		pthread_create(&t[i], NULL, in_thread, NULL);
	for (int i = 0; i < 3; i++)
		pthread_join(t[i], NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(there_and_back), cmocka_unit_test(ceilings), cmocka_unit_test(bomb),
		cmocka_unit_test(broken),         cmocka_unit_test(members),  cmocka_unit_test(threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
