/* Happy path: the lines that wait are gathered and appended with one write. */
#include "pbs/analytics/file_log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/log.h"
#include "common/mem.h"
#include "pbs/metrics.h"

enum { WAITING_LINES = 100000, GATHER_BYTES = 4 << 20, MODE = 0640 };

struct file_log {
	struct file_log_options opt;
	char *path;
	int fd; /* -1 = not open */
	uint64_t size;
	struct buf bytes;
	struct helper *helper;
};

struct line {
	struct helper_job job;
	struct buf text;
};

static void drop(struct helper_job *j)
{
	struct line *l = container_of(j, struct line, job);

	buf_deinit(&l->text);
	free(l);
}

/* --- on the helper's thread --- */

static bool open_file(struct file_log *f)
{
	struct stat st;

	f->fd = open(f->path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, MODE);
	if (f->fd < 0 || fstat(f->fd, &st) != 0)
		return false;
	f->size = (uint64_t)st.st_size;
	return true;
}

static void close_file(struct file_log *f)
{
	if (f->fd >= 0)
		close(f->fd);
	f->fd = -1;
}

static void rotate(struct file_log *f)
{
	for (uint32_t i = f->opt.keep; i > 0; i--) {
		FREE_ON_EXIT char *from = i > 1 ? xasprintf("%s.%u", f->path, i - 1) : xstrdup(f->path);
		FREE_ON_EXIT char *to = xasprintf("%s.%u", f->path, i);

		(void)rename(from, to); /* those that are not there yet */
	}
	if (f->opt.keep == 0)
		(void)unlink(f->path);
	close_file(f);
}

static bool was_moved(const struct file_log *f)
{
	struct stat here, there;

	return fstat(f->fd, &here) != 0 || stat(f->path, &there) != 0 || here.st_ino != there.st_ino ||
	       here.st_dev != there.st_dev;
}

static bool is_ready(struct file_log *f, size_t coming)
{
	if (f->fd >= 0 && was_moved(f))
		close_file(f);
	if (f->fd >= 0 && f->size > 0 && f->size + coming > f->opt.max_bytes)
		rotate(f);
	return f->fd >= 0 || open_file(f);
}

/* All or nothing: half a line at the end would spoil the next one. */
static bool append(struct file_log *f)
{
	size_t at = 0;

	while (at < f->bytes.n) {
		ssize_t n = write(f->fd, f->bytes.p + at, f->bytes.n - at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			int saved = n < 0 ? errno : ENOSPC;

			if (ftruncate(f->fd, (off_t)f->size) != 0)
				close_file(f);
			errno = saved;
			return false;
		}
		at += (size_t)n;
	}
	f->size += at;
	return true;
}

static void write_gathered(struct file_log *f, size_t lines)
{
	bool ok = lines > 0 && is_ready(f, f->bytes.n) && append(f);

	if (lines > 0)
		metrics_add(f->opt.metrics, M_FILE_LINES, lines, ok ? FILE_LINE_WRITTEN : FILE_LINE_FAILED);
	if (lines > 0 && !ok)
		log_limited(LOG_ERROR, "analytics_file_failed", LOG_Z("file", f->path),
			    LOG_Z("reason", strerror(errno)), LOG_INT("lines", lines));
	buf_clear(&f->bytes);
}

static void work(void *ctx, struct helper_job *jobs)
{
	struct file_log *f = ctx;
	size_t most = f->opt.max_bytes < GATHER_BYTES ? (size_t)f->opt.max_bytes : GATHER_BYTES, lines = 0;

	for (; jobs; jobs = jobs->next) {
		const struct line *l = container_of(jobs, struct line, job);

		if (f->bytes.n + l->text.n > most) {
			write_gathered(f, lines);
			lines = 0;
		}
		buf_add_str(&f->bytes, buf_str(&l->text));
		lines++;
	}
	write_gathered(f, lines);
}

/* --- from outside --- */

struct file_log *file_log_new(const struct file_log_options *opt, struct errtext *why)
{
	const struct helper_class cls = { .name = "pbs-file-log",
					  .work = work,
					  .finish = true,
					  .max_waiting = WAITING_LINES,
					  .max_waiting_bytes = opt->max_waiting_bytes };
	struct file_log *f = xcalloc(1, sizeof *f);

	f->opt = *opt;
	f->path = xstrdup(opt->path);
	buf_init(&f->bytes, SIZE_MAX / 2);
	if (!open_file(f))
		errtext_set(why, "%s: %s", opt->path, strerror(errno));
	else
		f->helper = helper_new(&cls, f, why);
	if (f->helper)
		return f;
	file_log_free(f);
	return NULL;
}

void file_log_free(struct file_log *f)
{
	if (!f)
		return;
	helper_free(f->helper);
	close_file(f);
	buf_deinit(&f->bytes);
	free(f->path);
	free(f);
}

struct helper_port *file_log_port(struct file_log *f, struct loop *loop)
{
	return helper_port_new(f->helper, loop);
}

bool file_log_add(struct helper_port *p, struct buf *line)
{
	struct line *l = xcalloc(1, sizeof *l);

	l->text = *line;
	*line = (struct buf){ .max_bytes = line->max_bytes };
	l->job.drop = drop;
	l->job.bytes = sizeof *l + l->text.cap;
	return helper_tell(p, &l->job);
}
