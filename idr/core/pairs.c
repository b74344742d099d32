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

void pairs_learn(struct pairs *p, unsigned format, unsigned a, unsigned b, float beat, float expected,
		 float keep)
{
	const unsigned slices[] = { PAIR_ALL, format };
	float r = 1, weight = prior_all;

	for (unsigned i = 0; i < 2; i++) {
		struct pair_count *q = &p->count[slices[i]][b][a];

		word_store(&q->n, q->n * keep + 1);
		word_store(&q->beat, q->beat * keep + beat);
		word_store(&q->expected, q->expected * keep + expected);
		r = (q->n - q->beat + weight * r) / (q->n - q->expected + weight);
		weight = prior_format;
	}
	word_store(&p->factor[format][a][b], clampf(r, 0.05f, 1));
}
