/* Prices per call on their own: they follow decisions, which leave no trace in the journal, so they are kept beside
 * it. A record per scope in use, ended by a checksum. */
#include <math.h>
#include <zlib.h>

#include "common/err.h"
#include "idr/core/model.h"
#include "idr/core/rows.h"

struct price_record {
	uint64_t scope; /* +1; 0 ends the list */
	float log_price;
	uint32_t sum; /* crc32 of all before it; in the last record only */
};

int router_save_prices(const struct router *r, router_write_fn *write, void *arg)
{
	struct price_record rec;
	uint32_t sum = (uint32_t)crc32_z(0, NULL, 0);

	for (size_t i = 0; i < BUDGETS; i++) {
		int err;

		rec = (struct price_record){
			.scope = __atomic_load_n(&r->budgets->s[i].scope, __ATOMIC_RELAXED),
			.log_price = word_load(&r->budgets->s[i].log_price),
		};
		if (!rec.scope || !(rec.log_price < 0))
			continue;
		sum = (uint32_t)crc32_z(sum, (const unsigned char *)&rec, sizeof rec);
		if ((err = write(arg, &rec, sizeof rec)) < 0)
			return err;
	}
	rec = (struct price_record){ .sum = sum };
	return write(arg, &rec, sizeof rec);
}

int router_load_prices(struct router *r, router_read_fn *read, void *arg)
{
	struct price_record rec[BUDGETS];
	uint32_t sum = (uint32_t)crc32_z(0, NULL, 0);
	size_t n = 0;
	int err;

	for (;; n++) {
		struct price_record next;

		if ((err = read(arg, &next, sizeof next)) < 0)
			return err;
		if (!next.scope && next.sum == sum)
			break;
		if (!next.scope || n == BUDGETS || !(next.log_price < 0) || !isfinite(next.log_price))
			return ERR_INPUT;
		sum = (uint32_t)crc32_z(sum, (const unsigned char *)&next, sizeof next);
		rec[n] = next;
	}
	for (size_t i = 0; i < n; i++)
		word_store(&budget_at(r->budgets, rec[i].scope - 1)->log_price, rec[i].log_price);
	return 0;
}
