/* The few functions of the normal distribution that the model needs, cheap and free of branches so that loops
 * over bidders vectorise. Absolute error of normal_tail below 0.0003, which is far under what is learned. */
#ifndef IDR_CORE_MATHX_H
#define IDR_CORE_MATHX_H

#include <math.h>
#include <stdint.h>
#include <string.h>

static inline float clampf(float x, float lo, float hi)
{
	x = x < lo ? lo : x;
	return x > hi ? hi : x;
}

/* 2^x for -126 < x < 127 */
static inline float exp2_fast(float x)
{
	int32_t whole = (int32_t)(x + 128.0f) - 128; /* floor, without a branch */
	float f = x - (float)whole, e;
	int32_t bits = (whole + 127) * (1 << 23);

	memcpy(&e, &bits, sizeof e);
	return e * (1 + f * (0.6931472f + f * (0.2402265f + f * (0.0555041f + f * 0.0096181f))));
}

static inline float exp_fast(float x)
{
	return exp2_fast(clampf(x * 1.4426950f, -120, 120));
}

/* log2(x) for normal x > 0; absolute error below 0.0002 */
static inline float log2_fast(float x)
{
	int32_t bits;
	float m;

	memcpy(&bits, &x, sizeof bits);
	x = (float)((bits >> 23) - 127);
	bits = (bits & 0x7fffff) | 0x3f800000;
	memcpy(&m, &bits, sizeof m);
	m -= 1;
	return x +
	       m * (1.4426039f + m * (-0.7167147f + m * (0.4405990f + m * (-0.2251030f + m * 0.0586649f))));
}

/* P(N(0,1) > z) by the logistic form of Bowling et al. (2009). */
static inline float normal_tail(float z)
{
	z = clampf(z, -5, 5);
	return 1 / (1 + exp2_fast(z * (2.3048f + 0.1018f * z * z)));
}

/* The same without a division or an exponential, for where relative accuracy far out does not matter: absolute error
 * below 0.0002, a minimax polynomial fitted for |z| <= 3.6. */
static inline float normal_tail_rough(float z)
{
	float q;

	z = clampf(z, -3.6f, 3.6f);
	q = z * z;
	return 0.5f -
	       z * (0.3981777f +
		    q * (-0.06460311f + q * (0.008611367f + q * (-0.0007420313f +
								 q * (3.603974e-05f - q * 7.384551e-07f)))));
}

/* sqrt(x) for x > 0 by a guess from the bits and two Newton steps; relative error below 0.00001. */
static inline float sqrt_fast(float x)
{
	int32_t bits;
	float r;

	memcpy(&bits, &x, sizeof bits);
	bits = 0x5f3759df - (bits >> 1);
	memcpy(&r, &bits, sizeof r);
	r *= 1.5f - 0.5f * x * r * r;
	r *= 1.5f - 0.5f * x * r * r;
	return x * r;
}

/* phi(t)/Phi(t), the hazard that drives a probit update. */
static inline float normal_hazard(float t)
{
	t = clampf(t, -5, 5);
	return 0.3989423f * exp_fast(-0.5f * t * t) / normal_tail(-t);
}

/* splitmix64: one well mixed word from another */
static inline uint64_t mix64(uint64_t x)
{
	x += 0x9e3779b97f4a7c15ULL;
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
	return x ^ (x >> 31);
}

/* Likewise for 32 bits, of operations that vectorise. */
static inline uint32_t mix32(uint32_t x)
{
	x = (x ^ (x >> 16)) * 0x85ebca6bU;
	x = (x ^ (x >> 15)) * 0x9e3779b1U;
	return x ^ (x >> 16);
}

/* [0,1) from a mixed word */
static inline float unit_of(uint64_t h)
{
	return (float)(h >> 40) * (1.0f / 16777216);
}

/* About N(0,1) from a mixed word: the sum of its four bytes. */
static inline float normal_of(uint32_t h)
{
	uint32_t sum = (h & 0xff) + (h >> 8 & 0xff) + (h >> 16 & 0xff) + (h >> 24);

	return ((float)(int32_t)sum - 510) * (1 / 147.8f);
}

#endif
