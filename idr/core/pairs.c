#include "idr/core/pairs.h"

#include <string.h>

#include "idr/core/mathx.h"
#include "idr/core/rows.h"

static const float prior_all = 15, prior_format = 40;

void pairs_init(struct pairs *p)
{
	float *f = &p->factor[0][0][0];

	memset(p, 0, sizeof *p);
	for (size_t i = 0; i < sizeof p->factor / sizeof *f; i++)
		f[i] = 1;
}

static void count(struct pair_count *q, float beat, float expected, float keep)
{
	word_store(&q->n, q->n * keep + 1);
	word_store(&q->beat, q->beat * keep + beat);
	word_store(&q->expected, q->expected * keep + expected);
}

void pairs_learn(struct pairs *p, unsigned format, unsigned a, unsigned b, float beat, float expected,
		 float keep)
{
	struct pair_count *all = &p->count[PAIR_ALL][b][a], *one = &p->count[format][b][a];
	float seen, foreseen;

	count(all, beat, expected, keep);
	count(one, beat, expected, keep);
	/* a ratio shrunk to 1, and that of the format shrunk to it, in one division */
	seen = all->n - all->beat + prior_all;
	foreseen = all->n - all->expected + prior_all;
	word_store(&p->factor[format][a][b],
		   clampf(((one->n - one->beat) * foreseen + prior_format * seen) /
				  ((one->n - one->expected + prior_format) * foreseen),
			  0.05f, 1));
}
