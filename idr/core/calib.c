#include "idr/core/calib.h"

#include <string.h>

#include "idr/core/mathx.h"
#include "idr/core/rows.h"

void calib_init(struct calib *c)
{
	memset(c, 0, sizeof *c);
	for (unsigned f = 0; f < FORMATS; f++)
		for (unsigned b = 0; b < BIDDERS_MAX; b++)
			c->factor[f][b] = 1;
}

void calib_learn(struct calib *c, unsigned format, unsigned b, float realised, float predicted, float keep,
		 float prior)
{
	const unsigned slices[] = { CALIB_ALL, format };
	float z = 1;

	for (unsigned i = 0; i < 2; i++) {
		unsigned s = slices[i];

		c->realised[s][b] = c->realised[s][b] * keep + realised;
		c->predicted[s][b] = c->predicted[s][b] * keep + predicted;
		z = (c->realised[s][b] + prior * z) / (c->predicted[s][b] + prior);
		prior *= 2;
	}
	word_store(&c->factor[format][b], clampf(z, 0.2f, 2));
}
