/* Counters, gauges and histograms, declared as rows of a table and written as Prometheus text.
 *
 * A service lists its metrics once, X(id, kind, name, help, labels…), and derives the enum and the rows:
 *
 *   enum { L_STATUS = 1, L_BIDDER };   // indexes into its array of struct metric_label
 *   #define PBS_METRICS(X)
 *       X(M_REQUESTS, METRIC_COUNTER, "requests", "Requests answered", L_STATUS)
 *       X(M_OPEN, METRIC_GAUGE, "auctions_in_flight", "Auctions not yet answered")
 *       X(M_TIME, METRIC_HISTOGRAM(times), "adapter_time_seconds", "…", L_BIDDER)
 *   enum { PBS_METRICS(METRIC_ENUM) M_COUNT };
 *   static const struct metric_def defs[] = { PBS_METRICS(METRIC_ROW) };
 *
 *   metrics_inc(w->metrics, M_REQUESTS, STATUS_OK);
 *   metrics_observe(w->metrics, M_TIME, seconds, bidder->index);
 *
 * Shapes  label values are indexes into registered lists (enum names, bidder names), so the number of series
 *         is fixed at start. The rows are in the order of the enum.
 * Threads one `struct metrics` per thread, written by that thread only: an increment is a plain load, add and
 *         store. metrics_write and metrics_read sum over all of them from any thread.
 * Owns    the set owns its stores; defs, labels and their texts must outlive it.
 */
#ifndef COMMON_METRICS_H
#define COMMON_METRICS_H

#include <assert.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "common/buf.h"
#include "common/mem.h"

enum { METRIC_MAX_LABELS = 4 };

enum metric_type { METRIC_IS_COUNTER, METRIC_IS_GAUGE, METRIC_IS_HISTOGRAM };

struct metric_label {
	const char *name;
	const char *const *values;
	size_t n;
	bool sparse; /* many values (bidders): series that are still 0 are left out of the text */
};

struct metric_def {
	const char *name, *help;
	enum metric_type type;
	const double *bounds; /* histograms: upper bounds, ascending, without +Inf */
	size_t n_bounds;
	unsigned labels[METRIC_MAX_LABELS]; /* indexes into the set's labels; 0 = no more */
};

#define METRIC_COUNTER      .type = METRIC_IS_COUNTER
#define METRIC_GAUGE        .type = METRIC_IS_GAUGE
#define METRIC_HISTOGRAM(b) .type = METRIC_IS_HISTOGRAM, .bounds = (b), .n_bounds = ARRAY_LEN(b)

#define METRIC_ENUM(id, kind, name_, help_, ...) id,
#define METRIC_ROW(id, kind, name_, help_, ...)                                                              \
	[id] = { kind, .name = (name_), .help = (help_), .labels = { __VA_ARGS__ } },

/* Where a metric's first cell lies and how many cells one step of each label is. */
struct metric_place {
	uint32_t first, stride[METRIC_MAX_LABELS], count[METRIC_MAX_LABELS];
};

struct metrics {
	const struct metric_def *defs;
	const struct metric_place *places;
	_Atomic uint64_t *cells; /* counts; gauges and sums are the bits of a double */
	struct metrics *next;
};

struct metrics_set;

/* labels[0] is unused, so that 0 can mean "no label". */
struct metrics_set *metrics_set_new(const char *name_space, const struct metric_def *defs, size_t n_defs,
				    const struct metric_label *labels, size_t n_labels);
struct metrics_set *metrics_set_free(struct metrics_set *s);
/* The metric counts on, but is not written; before the first metrics_write. */
void metrics_hide(struct metrics_set *s, size_t id);
struct metrics *metrics_new(struct metrics_set *s); /* one more thread's store; lives as long as the set */
void metrics_write(struct metrics_set *s, struct buf *b);

/* The numbers of the process, under the names every Prometheus client uses (process_resident_memory_bytes,
 * process_cpu_seconds_total, process_open_fds, process_start_time_seconds), and
 * <namespace>_build_info{version}. */
void metrics_write_process(const char *name_space, const char *version, struct buf *b);

/* Cell `at` of a metric; label values beyond the registered list are a programming error. */
static inline size_t metrics_cell(const struct metrics *m, unsigned id, const unsigned at[METRIC_MAX_LABELS])
{
	const struct metric_place *p = &m->places[id];
	size_t cell = p->first;

	for (unsigned i = 0; i < METRIC_MAX_LABELS; i++) {
		assert(at[i] < p->count[i]);
		cell += (size_t)at[i] * p->stride[i];
	}
	return cell;
}

static inline double metrics_bits_real(uint64_t bits)
{
	double v;

	memcpy(&v, &bits, sizeof v);
	return v;
}

static inline uint64_t metrics_real_bits(double v)
{
	uint64_t bits;

	memcpy(&bits, &v, sizeof bits);
	return bits;
}

/* Only the owner writes a cell, so load and store need not be one atomic step. */
static inline void metrics_cell_add(_Atomic uint64_t *cell, uint64_t n)
{
	atomic_store_explicit(cell, atomic_load_explicit(cell, memory_order_relaxed) + n,
			      memory_order_relaxed);
}

static inline void metrics_cell_add_real(_Atomic uint64_t *cell, double v)
{
	double now = metrics_bits_real(atomic_load_explicit(cell, memory_order_relaxed));

	atomic_store_explicit(cell, metrics_real_bits(now + v), memory_order_relaxed);
}

static inline void metrics_add_at(struct metrics *m, unsigned id, uint64_t n,
				  const unsigned at[METRIC_MAX_LABELS])
{
	assert(m->defs[id].type == METRIC_IS_COUNTER);
	metrics_cell_add(&m->cells[metrics_cell(m, id, at)], n);
}

static inline void metrics_gauge_add_at(struct metrics *m, unsigned id, double v,
					const unsigned at[METRIC_MAX_LABELS])
{
	assert(m->defs[id].type == METRIC_IS_GAUGE);
	metrics_cell_add_real(&m->cells[metrics_cell(m, id, at)], v);
}

static inline void metrics_gauge_set_at(struct metrics *m, unsigned id, double v,
					const unsigned at[METRIC_MAX_LABELS])
{
	assert(m->defs[id].type == METRIC_IS_GAUGE);
	atomic_store_explicit(&m->cells[metrics_cell(m, id, at)], metrics_real_bits(v), memory_order_relaxed);
}

void metrics_observe_at(struct metrics *m, unsigned id, double v, const unsigned at[METRIC_MAX_LABELS]);

/* Sum over all threads: a counter's or gauge's value, a histogram's number of observations. */
double metrics_read_at(struct metrics_set *s, unsigned id, const unsigned at[METRIC_MAX_LABELS]);

/* The trailing arguments are the label values, in the order of the row. */
#define METRIC_AT(...)                   ((const unsigned[METRIC_MAX_LABELS]){ __VA_ARGS__ })
#define metrics_inc(m, id, ...)          metrics_add_at((m), (id), 1, METRIC_AT(__VA_ARGS__))
#define metrics_add(m, id, n, ...)       metrics_add_at((m), (id), (n), METRIC_AT(__VA_ARGS__))
#define metrics_gauge_add(m, id, v, ...) metrics_gauge_add_at((m), (id), (v), METRIC_AT(__VA_ARGS__))
#define metrics_gauge_set(m, id, v, ...) metrics_gauge_set_at((m), (id), (v), METRIC_AT(__VA_ARGS__))
#define metrics_observe(m, id, v, ...)   metrics_observe_at((m), (id), (v), METRIC_AT(__VA_ARGS__))
#define metrics_read(s, id, ...)         metrics_read_at((s), (id), METRIC_AT(__VA_ARGS__))

#endif
