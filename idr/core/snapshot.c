/* The index as bytes.
 *
 * header | bidder codes | the fixed-size tables | one record per row in use, ended by key 0 | checksum
 *
 * Everything is little-endian words as they lie in memory: a snapshot is a cache of what can be learned again
 * from history, read back by the same program on the same kind of machine. The header names every size that
 * the layout depends on, so another build's file is refused rather than misread.
 */
#include <string.h>
#include <zlib.h>

#include "common/err.h"
#include "idr/core/model.h"

static const char magic[8] = "NXIDRTR";
enum { SNAPSHOT_VERSION = 4 };

struct header {
	char magic[8];
	uint32_t version, features, lanes, slots, formats, bidders;
	uint32_t learned, reserved;
	uint64_t outcomes, rows;
	float revenue, unused;
};

struct record {
	uint64_t key; /* with its heat */
	float pop_bid, pop_price;
};

struct stream {
	router_write_fn *write;
	router_read_fn *read;
	void *arg;
	uLong sum;
};

static int put(struct stream *s, const void *p, size_t n)
{
	s->sum = crc32_z(s->sum, p, n);
	return s->write(s->arg, p, n);
}

static int get(struct stream *s, void *p, size_t n)
{
	int err = s->read(s->arg, p, n);

	if (err < 0)
		return err;
	s->sum = crc32_z(s->sum, p, n);
	return 0;
}

/* What lies in memory in one piece. The budget table holds counts of readers beside prices; the counts are
 * taken along and mean nothing until the next difference. */
struct piece {
	void *p;
	size_t n;
};
enum { PIECES = 11 };

static void pieces(const struct router *r, struct piece ret_p[PIECES])
{
	ret_p[0] = (struct piece){ (void *)&r->bidders, sizeof r->bidders };
	ret_p[1] = (struct piece){ (void *)&r->floors, sizeof r->floors };
	ret_p[2] = (struct piece){ (void *)&r->price_var, sizeof r->price_var };
	ret_p[3] = (struct piece){ (void *)&r->alive, sizeof r->alive };
	ret_p[4] = (struct piece){ (void *)&r->worth.place, sizeof r->worth.place };
	ret_p[5] = (struct piece){ r->pairs, sizeof *r->pairs };
	ret_p[6] = (struct piece){ r->counts, ROUTER_SLOTS * sizeof *r->counts };
	ret_p[7] = (struct piece){ r->latencies, sizeof *r->latencies };
	ret_p[8] = (struct piece){ (void *)&r->worth.place_var, sizeof r->worth.place_var };
	ret_p[9] = (struct piece){ (void *)&r->worth.place_factor, sizeof r->worth.place_factor };
	ret_p[10] = (struct piece){ (void *)&r->price_seen, sizeof r->price_seen };
}

static struct header header_of(const struct router *r)
{
	struct header h = { .version = SNAPSHOT_VERSION,
			    .features = FEATURES,
			    .lanes = LANES,
			    .slots = ROUTER_SLOTS,
			    .formats = FORMATS,
			    .bidders = r->bidders.n,
			    .learned = r->learned,
			    .outcomes = r->outcomes,
			    .rows = r->rows.used,
			    .revenue = r->revenue };

	memcpy(h.magic, magic, sizeof h.magic);
	return h;
}

static int put_rows(struct stream *s, const struct rows *t)
{
	struct record end = { 0 };

	for (size_t i = 0; i < (size_t)t->buckets * ROWS_WAYS; i++) {
		struct record rec = { t->key[i], t->pop[i].bid, t->pop[i].price };
		int err;

		if (!t->key[i])
			continue;
		if ((err = put(s, &rec, sizeof rec)) < 0 ||
		    (err = put(s, rows_lanes(t, (int64_t)i, 0), t->arrays * LANES * sizeof(float))) < 0)
			return err;
	}
	return put(s, &end, sizeof end);
}

static int put_prices(struct stream *s, const struct router *r)
{
	for (size_t i = 0; i < BUDGETS; i++) {
		const struct budget_scope *b = &r->budgets->s[i];
		uint64_t scope = __atomic_load_n(&b->scope, __ATOMIC_RELAXED);
		float v[] = { b->log_price, b->kept_sum, b->all_sum, b->kept_sq,
			      b->both_sum,  b->all_sq,   b->audits };
		int err;

		if ((err = put(s, &scope, sizeof scope)) < 0 || (err = put(s, v, sizeof v)) < 0)
			return err;
	}
	return 0;
}

int router_save(const struct router *r, router_write_fn *write, void *arg)
{
	struct stream s = { .write = write, .arg = arg, .sum = crc32_z(0, NULL, 0) };
	struct header h = header_of(r);
	struct piece p[PIECES];
	uint32_t sum;
	int err = put(&s, &h, sizeof h);

	pieces(r, p);
	for (unsigned i = 0; i < PIECES && !err; i++)
		err = put(&s, p[i].p, p[i].n);
	if (err < 0 || (err = put_prices(&s, r)) < 0 || (err = put_rows(&s, &r->rows)) < 0 ||
	    (err = put_rows(&s, &r->worth.rows)) < 0)
		return err;
	sum = (uint32_t)s.sum;
	return s.write(s.arg, &sum, sizeof sum);
}

static int get_rows(struct stream *s, struct rows *t)
{
	for (;;) {
		const float first[ROWS_ARRAYS] = { 0 };
		float skipped[ROWS_ARRAYS * LANES];
		struct record rec;
		int64_t at;
		int err = get(s, &rec, sizeof rec);

		if (err < 0)
			return err;
		if (!rec.key)
			return 0;
		/* a smaller table keeps what finds room */
		at = rows_touch(t, rec.key, first);
		err = get(s, at < 0 ? skipped : rows_lanes(t, at, 0), t->arrays * LANES * sizeof(float));
		if (err < 0)
			return err;
		if (at < 0)
			continue;
		t->pop[at].bid = rec.pop_bid;
		t->pop[at].price = rec.pop_price;
		t->key[at] = rec.key;
	}
}

static int get_prices(struct stream *s, struct router *r)
{
	for (size_t i = 0; i < BUDGETS; i++) {
		struct budget_scope *b = &r->budgets->s[i];
		uint64_t scope;
		float v[7];
		int err;

		if ((err = get(s, &scope, sizeof scope)) < 0 || (err = get(s, v, sizeof v)) < 0)
			return err;
		*b = (struct budget_scope){ .scope = scope,
					    .log_price = v[0],
					    .kept_sum = v[1],
					    .all_sum = v[2],
					    .kept_sq = v[3],
					    .both_sum = v[4],
					    .all_sq = v[5],
					    .audits = v[6] };
	}
	return 0;
}

static bool sound(const struct router *r)
{
	const struct bidders *b = &r->bidders;

	for (unsigned i = 0; i < BIDDERS_HASH; i++)
		if (b->hash[i] && b->slot[i] >= b->n)
			return false;
	for (unsigned i = 0; i < BIDDERS_MAX; i++)
		if (!memchr(b->code[i], 0, BIDDERS_CODE))
			return false;
	return b->n <= BIDDERS_MAX && r->budgets->s[0].scope == 1;
}

static int load(struct stream *s, struct router *r, struct errtext *why)
{
	struct header h, want = header_of(r);
	struct piece p[PIECES];
	uint32_t sum, stored;
	int err = get(s, &h, sizeof h);

	if (err < 0)
		return err;
	if (memcmp(h.magic, want.magic, sizeof h.magic) != 0 || h.version != want.version ||
	    h.features != want.features || h.lanes != want.lanes || h.slots != want.slots ||
	    h.formats != want.formats) {
		errtext_set(why, "not a snapshot of this version");
		return ERR_INPUT;
	}
	pieces(r, p);
	for (unsigned i = 0; i < PIECES; i++)
		if ((err = get(s, p[i].p, p[i].n)) < 0)
			return err;
	if ((err = get_prices(s, r)) < 0 || (err = get_rows(s, &r->rows)) < 0 ||
	    (err = get_rows(s, &r->worth.rows)) < 0)
		return err;
	sum = (uint32_t)s->sum;
	if ((err = s->read(s->arg, &stored, sizeof stored)) < 0)
		return err;
	if (sum != stored || !sound(r)) {
		errtext_set(why, "damaged snapshot: wrong checksum");
		return ERR_INPUT;
	}
	r->revenue = h.revenue;
	r->learned = h.learned;
	r->outcomes = h.outcomes;
	return 0;
}

int router_load(struct router *r, router_read_fn *read, void *arg, struct errtext *why)
{
	struct stream s = { .read = read, .arg = arg, .sum = crc32_z(0, NULL, 0) };
	int err = load(&s, r, why);

	if (err < 0)
		router_reset(r);
	return err;
}
