/* Every series has its cell in every thread's store from the start: no hash table, no registration at run
 * time, no lock on the path that counts. A histogram takes, per series, one cell per bound, one for +Inf and
 * one for the sum; the text form accumulates the buckets. A reader may see a bucket before the sum that
 * belongs to it, which Prometheus tolerates. */
#include "common/metrics.h"

#include <dirent.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "common/json.h"

struct metrics_set {
	const char *name_space;
	const struct metric_def *defs;
	size_t n_defs;
	const struct metric_label *labels;
	struct metric_place *places;
	size_t n_cells;
	bool *hidden;         /* by metric */
	pthread_mutex_t lock; /* guards the list, not the cells */
	struct metrics *stores;
};

/* Cells of one series. */
static size_t series_cells(const struct metric_def *d)
{
	return d->type == METRIC_IS_HISTOGRAM ? d->n_bounds + 2 : 1;
}

static size_t place_metric(struct metrics_set *s, size_t id, size_t n_labels)
{
	const struct metric_def *d = &s->defs[id];
	struct metric_place *p = &s->places[id];
	size_t cells = series_cells(d);

	assert(d->name && d->help);
	p->first = (uint32_t)s->n_cells;
	for (unsigned i = METRIC_MAX_LABELS; i-- > 0;) {
		assert(d->labels[i] < n_labels || d->labels[i] == 0);
		p->count[i] = d->labels[i] ? (uint32_t)s->labels[d->labels[i]].n : 1;
		p->stride[i] = (uint32_t)cells;
		cells *= p->count[i];
	}
	return cells;
}

struct metrics_set *metrics_set_new(const char *name_space, const struct metric_def *defs, size_t n_defs,
				    const struct metric_label *labels, size_t n_labels)
{
	struct metrics_set *s = xcalloc(1, sizeof *s);

	s->name_space = name_space;
	s->defs = defs;
	s->n_defs = n_defs;
	s->labels = labels;
	s->places = xcalloc(n_defs, sizeof *s->places);
	s->hidden = xcalloc(n_defs, sizeof *s->hidden);
	for (size_t i = 0; i < n_defs; i++)
		s->n_cells += place_metric(s, i, n_labels);
	assert(s->n_cells < UINT32_MAX);
	pthread_mutex_init(&s->lock, NULL);
	return s;
}

struct metrics_set *metrics_set_free(struct metrics_set *s)
{
	if (!s)
		return NULL;
	while (s->stores) {
		struct metrics *m = s->stores;

		s->stores = m->next;
		free((void *)m->cells);
		free(m);
	}
	pthread_mutex_destroy(&s->lock);
	free(s->places);
	free(s->hidden);
	free(s);
	return NULL;
}

void metrics_hide(struct metrics_set *s, size_t id)
{
	assert(id < s->n_defs);
	s->hidden[id] = true;
}

struct metrics *metrics_new(struct metrics_set *s)
{
	struct metrics *m = xcalloc(1, sizeof *m);
	size_t bytes = s->n_cells * sizeof *m->cells;

	m->defs = s->defs;
	m->places = s->places;
	/* Whole cache lines, so that two threads' cells never share one. */
	bytes = (bytes + 63) / 64 * 64 + 64;
	m->cells = aligned_alloc(64, bytes);
	if (!m->cells)
		abort();
	memset((void *)m->cells, 0, bytes);
	pthread_mutex_lock(&s->lock);
	m->next = s->stores;
	s->stores = m;
	pthread_mutex_unlock(&s->lock);
	return m;
}

void metrics_observe_at(struct metrics *m, unsigned id, double v, const unsigned at[METRIC_MAX_LABELS])
{
	const struct metric_def *d = &m->defs[id];
	_Atomic uint64_t *cells = &m->cells[metrics_cell(m, id, at)];
	size_t i = 0;

	assert(d->type == METRIC_IS_HISTOGRAM);
	while (i < d->n_bounds && !(v <= d->bounds[i]))
		i++;
	metrics_cell_add(&cells[i], 1);
	metrics_cell_add_real(&cells[d->n_bounds + 1], v);
}

/* Sums over the threads; the caller holds the lock. */
static uint64_t sum_count(const struct metrics_set *s, size_t cell)
{
	uint64_t sum = 0;

	for (const struct metrics *m = s->stores; m; m = m->next)
		sum += atomic_load_explicit(&m->cells[cell], memory_order_relaxed);
	return sum;
}

static double sum_real(const struct metrics_set *s, size_t cell)
{
	double sum = 0;

	for (const struct metrics *m = s->stores; m; m = m->next)
		sum += metrics_bits_real(atomic_load_explicit(&m->cells[cell], memory_order_relaxed));
	return sum;
}

double metrics_read_at(struct metrics_set *s, unsigned id, const unsigned at[METRIC_MAX_LABELS])
{
	const struct metric_def *d = &s->defs[id];
	const struct metrics view = { .defs = s->defs, .places = s->places };
	size_t cell = metrics_cell(&view, id, at);
	double v = 0;

	pthread_mutex_lock(&s->lock);
	if (d->type == METRIC_IS_GAUGE)
		v = sum_real(s, cell);
	else
		for (size_t i = 0; i + (d->type == METRIC_IS_HISTOGRAM) < series_cells(d); i++)
			v += (double)sum_count(s, cell + i);
	pthread_mutex_unlock(&s->lock);
	return v;
}

/* Exposition format: backslash, quote and newline are escaped in label values. */
static void write_label_value(struct buf *b, const char *v)
{
	for (; *v; v++) {
		if (*v == '\n') {
			buf_add_z(b, "\\n");
			continue;
		}
		if (*v == '\\' || *v == '"')
			buf_add_c(b, '\\');
		buf_add_c(b, *v);
	}
}

/* {a="x",b="y",le="0.1"}; nothing when there is no label. */
static void write_labels(const struct metrics_set *s, const struct metric_def *d, const unsigned *at,
			 const double *le, struct buf *b)
{
	char sep = '{';

	for (unsigned i = 0; i < METRIC_MAX_LABELS && d->labels[i]; i++) {
		const struct metric_label *l = &s->labels[d->labels[i]];

		buf_addf(b, "%c%s=\"", sep, l->name);
		write_label_value(b, l->values[at[i]]);
		buf_add_c(b, '"');
		sep = ',';
	}
	if (le) {
		buf_addf(b, "%cle=\"", sep);
		if (*le < HUGE_VAL)
			json_write_real(b, *le);
		else
			buf_add_z(b, "+Inf");
		buf_add_c(b, '"');
		sep = ',';
	}
	if (sep == ',')
		buf_add_c(b, '}');
}

static void write_name(const struct metrics_set *s, const struct metric_def *d, const char *suffix,
		       struct buf *b)
{
	buf_addf(b, "%s_%s%s", s->name_space, d->name, suffix);
}

static void write_histogram(const struct metrics_set *s, const struct metric_def *d, const unsigned *at,
			    size_t cell, struct buf *b)
{
	uint64_t below = 0;

	for (size_t i = 0; i <= d->n_bounds; i++) {
		double le = i < d->n_bounds ? d->bounds[i] : HUGE_VAL;

		below += sum_count(s, cell + i);
		write_name(s, d, "_bucket", b);
		write_labels(s, d, at, &le, b);
		buf_addf(b, " %llu\n", (unsigned long long)below);
	}
	write_name(s, d, "_sum", b);
	write_labels(s, d, at, NULL, b);
	buf_add_c(b, ' ');
	json_write_real(b, sum_real(s, cell + d->n_bounds + 1));
	buf_add_c(b, '\n');
	write_name(s, d, "_count", b);
	write_labels(s, d, at, NULL, b);
	buf_addf(b, " %llu\n", (unsigned long long)below);
}

static bool is_untouched(const struct metrics_set *s, const struct metric_def *d, size_t cell)
{
	for (size_t i = 0; i < series_cells(d); i++)
		if (sum_count(s, cell + i) != 0)
			return false;
	return true;
}

static void write_series(const struct metrics_set *s, const struct metric_def *d, const unsigned *at,
			 size_t cell, struct buf *b)
{
	if (d->type == METRIC_IS_HISTOGRAM) {
		write_histogram(s, d, at, cell, b);
		return;
	}
	write_name(s, d, "", b);
	write_labels(s, d, at, NULL, b);
	buf_add_c(b, ' ');
	if (d->type == METRIC_IS_GAUGE)
		json_write_real(b, sum_real(s, cell));
	else
		buf_addf(b, "%llu", (unsigned long long)sum_count(s, cell));
	buf_add_c(b, '\n');
}

static bool is_sparse(const struct metrics_set *s, const struct metric_def *d)
{
	for (unsigned i = 0; i < METRIC_MAX_LABELS && d->labels[i]; i++)
		if (s->labels[d->labels[i]].sparse)
			return true;
	return false;
}

/* Steps `at` through all combinations, last label fastest; false after the last one. */
static bool next_combination(const struct metric_place *p, unsigned *at)
{
	for (unsigned i = METRIC_MAX_LABELS; i-- > 0;) {
		if (++at[i] < p->count[i])
			return true;
		at[i] = 0;
	}
	return false;
}

static void write_metric(const struct metrics_set *s, size_t id, struct buf *b)
{
	static const char *const types[] = { "counter", "gauge", "histogram" };
	const struct metric_def *d = &s->defs[id];
	const struct metric_place *p = &s->places[id];
	unsigned at[METRIC_MAX_LABELS] = { 0 };
	bool sparse = is_sparse(s, d);
	size_t cell = p->first;

	for (unsigned i = 0; i < METRIC_MAX_LABELS; i++)
		if (p->count[i] == 0)
			return; /* a label without values, such as no bidders: no series */
	buf_addf(b, "# HELP %s_%s %s\n# TYPE %s_%s %s\n", s->name_space, d->name, d->help, s->name_space,
		 d->name, types[d->type]);
	do {
		if (!sparse || !is_untouched(s, d, cell))
			write_series(s, d, at, cell, b);
		cell += series_cells(d);
	} while (next_combination(p, at));
}

void metrics_write(struct metrics_set *s, struct buf *b)
{
	pthread_mutex_lock(&s->lock);
	for (size_t i = 0; i < s->n_defs; i++)
		if (!s->hidden[i])
			write_metric(s, i, b);
	pthread_mutex_unlock(&s->lock);
}

static void write_one(const char *name, const char *type, const char *help, double v, struct buf *b)
{
	buf_addf(b, "# HELP %s %s\n# TYPE %s %s\n%s ", name, help, name, type, name);
	json_write_real(b, v);
	buf_add_c(b, '\n');
}

static double resident_bytes(void)
{
	unsigned long size = 0, resident = 0;
	FILE *f = fopen("/proc/self/statm", "re");

	if (f && fscanf(f, "%lu %lu", &size, &resident) != 2)
		resident = 0;
	if (f)
		fclose(f);
	return (double)resident * (double)sysconf(_SC_PAGESIZE);
}

static double open_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	double n = -3; /* ".", ".." and the directory itself */

	if (!dir)
		return 0;
	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

/* Seconds since 1970: now minus uptime since the start that the kernel keeps in clock ticks since boot. */
static double start_time(void)
{
	FILE *f = fopen("/proc/self/stat", "re");
	unsigned long long ticks = 0;
	struct timespec now, boot;

	if (!f)
		return 0;
	if (fscanf(f,
		   "%*d (%*[^)]) %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d "
		   "%llu",
		   &ticks) != 1)
		ticks = 0;
	fclose(f);
	clock_gettime(CLOCK_REALTIME, &now);
	clock_gettime(CLOCK_BOOTTIME, &boot);
	return (double)(now.tv_sec - boot.tv_sec) + (double)ticks / (double)sysconf(_SC_CLK_TCK);
}

void metrics_write_process(const char *name_space, const char *version, struct buf *b)
{
	struct rusage ru;

	getrusage(RUSAGE_SELF, &ru);
	write_one("process_resident_memory_bytes", "gauge", "Resident memory", resident_bytes(), b);
	write_one("process_cpu_seconds_total", "counter", "User and system time",
		  (double)(ru.ru_utime.tv_sec + ru.ru_stime.tv_sec) +
			  (double)(ru.ru_utime.tv_usec + ru.ru_stime.tv_usec) / 1e6,
		  b);
	write_one("process_open_fds", "gauge", "Open file descriptors", open_fds(), b);
	write_one("process_start_time_seconds", "gauge", "Start, in seconds since 1970", start_time(), b);
	buf_addf(b, "# HELP %s_build_info Always 1\n# TYPE %s_build_info gauge\n%s_build_info{version=\"",
		 name_space, name_space, name_space);
	write_label_value(b, version);
	buf_add_z(b, "\"} 1\n");
}
