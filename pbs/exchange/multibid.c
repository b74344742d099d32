#include "pbs/exchange/multibid.h"

#include "common/json.h"
#include "pbs/exchange/validate_bid.h"

enum { MIN_BIDS = 1, TEXT_MAX = 2048 };

/* One element of the request's array while it is being judged. */
struct draft {
	struct str bidder, prefix;
	const json_t *bidders;
	bool has_max;
	int64_t max_bids;
};

struct parser {
	struct arena *arena;
	struct messages *m;
	struct multibid_entry *entries;
	size_t n;
};

static void print_bidders(struct buf *b, const json_t *bidders)
{
	size_t i;
	json_t *name;

	buf_add_c(b, '[');
	json_array_foreach (bidders, i, name) {
		if (i)
			buf_add_c(b, ' ');
		buf_add_str(b, json_str(name));
	}
	buf_add_c(b, ']');
}

/* `what` and the draft as it is now; `who` when the text names a bidder. */
static void complain(struct parser *p, const struct draft *d, const char *what)
{
	struct buf b;

	buf_init(&b, TEXT_MAX);
	buf_add_z(&b, what);
	buf_add_z(&b, " {Bidder:");
	buf_add_str(&b, d->bidder);
	buf_add_z(&b, ", Bidders:");
	print_bidders(&b, d->bidders);
	buf_add_z(&b, ", MaxBids:");
	if (d->has_max)
		buf_addf(&b, "%lld", (long long)d->max_bids);
	else
		buf_add_z(&b, "<nil>");
	buf_add_z(&b, ", TargetBidderCodePrefix:");
	buf_add_str(&b, d->prefix);
	buf_add_z(&b, "}");
	messages_add(p->m, MESSAGE_WARNING, BUCKET_GENERAL, WARN_MULTIBID, STR_FMT, STR_ARG(buf_str(&b)));
	buf_deinit(&b);
}

static bool is_defined(const struct parser *p, struct str bidder)
{
	for (size_t i = 0; i < p->n; i++)
		if (str_eq(p->entries[i].bidder, bidder))
			return true;
	return false;
}

static bool add(struct parser *p, const struct draft *d, struct str bidder)
{
	if (is_defined(p, bidder)) {
		complain(p, d,
			 arena_printf(p->arena,
				      "multiBid already defined for " STR_FMT ", ignoring this instance",
				      STR_ARG(bidder)));
		return false;
	}
	p->entries[p->n++] = (struct multibid_entry){ bidder, (unsigned)d->max_bids, d->prefix };
	return true;
}

/* A list of bidders shares no prefix: their codes would collide. */
static void add_list(struct parser *p, struct draft *d)
{
	size_t first = p->n, i;
	json_t *name;

	json_array_foreach (d->bidders, i, name)
		add(p, d, json_str(name));
	if (p->n == first || d->prefix.n == 0)
		return;
	complain(p, d, "ignoring targetbiddercodeprefix for");
	for (i = first; i < p->n; i++)
		p->entries[i].prefix = STR("");
}

static void clamp(struct parser *p, struct draft *d)
{
	if (d->max_bids < MIN_BIDS) {
		complain(p, d, "invalid maxBids value, using minimum 1 limit for");
		d->max_bids = MIN_BIDS;
	}
	if (d->max_bids > MULTIBID_MAX_BIDS) {
		complain(p, d, "invalid maxBids value, using maximum 9 limit for");
		d->max_bids = MULTIBID_MAX_BIDS;
	}
}

static void parse_one(struct parser *p, const json_t *j)
{
	const json_t *max = json_object_get(j, "maxbids");
	struct draft d = {
		.bidder = json_str_at(j, "bidder"),
		.prefix = json_str_at(j, "targetbiddercodeprefix"),
		.bidders = json_object_get(j, "bidders"),
		.has_max = json_is_integer(max),
		.max_bids = json_integer_value(max),
	};

	if (!d.has_max) {
		complain(p, &d, "maxBids not defined for");
		return;
	}
	clamp(p, &d);
	if (d.bidder.n) {
		if (add(p, &d, d.bidder) && json_array_size(d.bidders))
			complain(p, &d, "ignoring bidders from");
	} else if (json_array_size(d.bidders)) {
		add_list(p, &d);
	} else {
		complain(p, &d, "bidder(s) not specified for");
	}
}

void multibid_parse(const json_t *list, struct arena *a, struct messages *m, struct multibid *ret_mb)
{
	struct parser p = { .arena = a, .m = m };
	size_t n = 0, i;
	json_t *j;

	*ret_mb = (struct multibid){ 0 };
	if (json_array_size(list) == 0)
		return;
	json_array_foreach (list, i, j)
		n += json_array_size(json_object_get(j, "bidders")) + 1;
	p.entries = ARENA_ARRAY(a, struct multibid_entry, n);
	json_array_foreach (list, i, j)
		parse_one(&p, j);
	*ret_mb = (struct multibid){ p.entries, p.n };
}

const struct multibid_entry *multibid_find(const struct multibid *mb, struct str bidder)
{
	for (size_t i = 0; i < mb->n; i++)
		if (str_eq_nocase(mb->entries[i].bidder, bidder))
			return &mb->entries[i];
	return NULL;
}

json_t *multibid_render_for(const struct multibid *mb, struct str bidder, const json_t *alternate_codes)
{
	json_t *list = NULL;

	for (size_t i = 0; i < mb->n; i++) {
		const struct multibid_entry *e = &mb->entries[i];
		json_t *j;

		if (!validate_bid_seat(alternate_codes, bidder, e->bidder, NULL))
			continue;
		if (!list)
			list = json_array();
		j = json_object();
		json_set_str(j, "bidder", e->bidder);
		json_set_int(j, "maxbids", e->max_bids);
		if (e->prefix.n)
			json_set_str(j, "targetbiddercodeprefix", e->prefix);
		json_array_append_new(list, j);
	}
	return list;
}
