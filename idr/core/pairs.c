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
		unsigned s = slices[i];

		p->n[s][a][b] = p->n[s][a][b] * keep + 1;
		p->beat[s][a][b] = p->beat[s][a][b] * keep + beat;
		p->expected[s][a][b] = p->expected[s][a][b] * keep + expected;
		r = (p->n[s][a][b] - p->beat[s][a][b] + weight * r) /
		    (p->n[s][a][b] - p->expected[s][a][b] + weight);
		weight = prior_format;
	}
	word_store(&p->factor[format][a][b], clampf(r, 0.05f, 1));
}
