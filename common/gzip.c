/* zlib's streams cost up to 256 KiB and a page of set-up each; a thread keeps one of each kind and resets
 * them. */
#include "common/gzip.h"

#include <limits.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <zlib.h>

#include "common/err.h"
#include "common/mem.h"

enum {
	GZIP_WINDOW = 15 + 16, /* largest window, gzip framing */
	LEVEL = 4,             /* bodies of a few KB: higher levels cost time and save little */
	MEM_LEVEL = 6,         /* a reset clears the hash table, which this keeps at 16 KiB */
	FIRST_ROOM = 1024,
};

struct streams {
	z_stream deflate, inflate;
	bool has_deflate, has_inflate;
};

static pthread_key_t key;
static pthread_once_t key_once = PTHREAD_ONCE_INIT;

static void streams_free(void *p)
{
	struct streams *s = p;

	if (s->has_deflate)
		deflateEnd(&s->deflate);
	if (s->has_inflate)
		inflateEnd(&s->inflate);
	free(s);
}

static void free_main_thread_streams(void)
{
	struct streams *s = pthread_getspecific(key);

	pthread_setspecific(key, NULL);
	if (s)
		streams_free(s);
}

static void make_key(void)
{
	if (pthread_key_create(&key, streams_free) != 0)
		abort();
	atexit(free_main_thread_streams); /* the key's destructors do not run for it */
}

static struct streams *thread_streams(void)
{
	struct streams *s;

	pthread_once(&key_once, make_key);
	s = pthread_getspecific(key);
	if (!s) {
		s = xcalloc(1, sizeof *s);
		pthread_setspecific(key, s);
	}
	return s;
}

static void feed(z_stream *z, struct str in)
{
	z->next_in = (Bytef *)(uintptr_t)in.p; /* zlib does not write there */
	z->avail_in = (uInt)in.n;
}

/* Offers *out's free room, at least `n` bytes of it or what is left to its ceiling; false when there is none.
 */
static bool offer(z_stream *z, struct buf *out, size_t n)
{
	size_t left = out->max_bytes - out->n, room;

	if (left == 0 || !buf_reserve(out, n < left ? n : left))
		return false;
	room = out->cap - 1 - out->n;
	if (room > left)
		room = left;
	z->next_out = (Bytef *)out->p + out->n;
	z->avail_out = room > UINT_MAX ? UINT_MAX : (uInt)room;
	return true;
}

static void keep(const z_stream *z, struct buf *out)
{
	out->n = (size_t)((const char *)z->next_out - out->p);
}

int gzip_compress(struct str in, struct buf *out)
{
	struct streams *s = thread_streams();
	z_stream *z = &s->deflate;
	int rc;

	if (in.n > INT_MAX)
		return ERR_LIMIT;
	if (s->has_deflate)
		deflateReset(z);
	else if (deflateInit2(z, LEVEL, Z_DEFLATED, GZIP_WINDOW, MEM_LEVEL, Z_DEFAULT_STRATEGY) != Z_OK)
		return ERR_INTERNAL;
	s->has_deflate = true;
	feed(z, in);
	do {
		if (!offer(z, out, in.n / 3 + FIRST_ROOM))
			return ERR_LIMIT;
		rc = deflate(z, Z_FINISH);
		keep(z, out);
	} while (rc == Z_OK || rc == Z_BUF_ERROR);
	return rc == Z_STREAM_END ? 0 : ERR_INTERNAL;
}

int gzip_decompress(struct str in, struct buf *out)
{
	struct streams *s = thread_streams();
	z_stream *z = &s->inflate;
	char nothing;
	int rc;

	if (in.n > INT_MAX)
		return ERR_LIMIT;
	if (s->has_inflate)
		inflateReset(z);
	else if (inflateInit2(z, GZIP_WINDOW) != Z_OK)
		return ERR_INTERNAL;
	s->has_inflate = true;
	feed(z, in);
	for (;;) {
		bool full = !offer(z, out, in.n * 2 + FIRST_ROOM);

		if (full) { /* a text that ends exactly at the ceiling has its trailer still to come */
			z->next_out = (Bytef *)&nothing;
			z->avail_out = 1;
		}
		rc = inflate(z, Z_NO_FLUSH);
		if (full && z->avail_out == 0)
			return ERR_LIMIT;
		if (!full)
			keep(z, out);
		if (rc == Z_STREAM_END && z->avail_in == 0)
			return 0;
		if (rc == Z_STREAM_END)
			inflateReset(z);
		else if (rc != Z_OK || (z->avail_in == 0 && z->avail_out > 0))
			return ERR_INPUT;
	}
}
