#include "idr/core/features.h"

#include <math.h>

#include "idr/core/mathx.h"
#include "idr/core/rows.h"

const float feature_bid_var[FEATURES] = {
	[F_BIAS] = 0.35f,
	[F_DEVICE_FORMAT] = 0.045f,
	[F_COUNTRY] = 0.06f,
	[F_PUBLISHER] = 0.04f,
	[F_SIZE_DEVICE] = 0.015f,
	[F_IDS] = 0.03f,
	[F_HOUR] = 0.008f,
	[F_FLOOR] = 0.022f,
	[F_COUNTRY_DEVICE_FORMAT] = 0.015f,
	[F_PUBLISHER_DEVICE_FORMAT] = 0.009f,
	[F_PUBLISHER_SIZE] = 0.012f,
	[F_PUBLISHER_COUNTRY] = 0.008f,
	[F_PUBLISHER_IDS] = 0.005f,
	[F_LEAF] = 0.005f,
};

const float feature_price_var[FEATURES] = {
	[F_BIAS] = 0.08f,
	[F_DEVICE_FORMAT] = 0.015f,
	[F_COUNTRY] = 0.015f,
	[F_PUBLISHER] = 0.008f,
	[F_SIZE_DEVICE] = 0.005f,
	[F_IDS] = 0.008f,
	[F_HOUR] = 0.003f,
	[F_FLOOR] = 0.012f,
	[F_COUNTRY_DEVICE_FORMAT] = 0.005f,
	[F_PUBLISHER_DEVICE_FORMAT] = 0.003f,
	[F_PUBLISHER_SIZE] = 0.003f,
	[F_PUBLISHER_COUNTRY] = 0.002f,
	[F_PUBLISHER_IDS] = 0.002f,
	[F_LEAF] = 0.002f,
};

const float features_bid_total = 0.624f, features_price_total = 0.163f;

static size_t floor_cell(const struct context *c)
{
	return mix64((uint64_t)c->country << 16 | (uint64_t)c->device << 8 | c->format) % FLOOR_CELLS;
}

unsigned floor_bucket(const struct floor_refs *f, const struct context *ctx)
{
	size_t cell = floor_cell(ctx);
	float n = word_load(&f->n[cell]), mean;
	int step;

	if (!(ctx->floor_usd > 0))
		return 0;
	mean = n > 20 ? word_load(&f->sum[cell]) / n : ctx->format == FORMAT_VIDEO ? 1.2f : 0;
	step = (int)floorf((logf(ctx->floor_usd) - mean) / 0.35f + 6);
	return (unsigned)(step < 1 ? 1 : step > FLOOR_STEPS ? FLOOR_STEPS : step);
}

void floor_learn(struct floor_refs *f, const struct context *ctx, float log_price)
{
	size_t cell = floor_cell(ctx);
	float n = f->n[cell] + 1, sum = f->sum[cell] + log_price;
	float keep = n > 4000 ? 0.5f : 1;

	word_store(&f->sum[cell], sum * keep);
	word_store(&f->n[cell], n * keep);
}

static uint64_t key_of(enum feature f, uint64_t a, uint64_t b)
{
	return mix64(mix64(a ^ ((uint64_t)(f + 1) << 56)) ^ b) | 1;
}

void features_keys(const struct context *ctx, unsigned floor, uint64_t ret_key[FEATURES])
{
	uint64_t df = (uint64_t)ctx->device << 8 | ctx->format,
		 size = (uint64_t)ctx->width << 16 | ctx->height;
	uint64_t ids = (uint64_t)ctx->ids << 4 | ctx->ids_unknown, c = ctx->country, p = ctx->publisher;

	ret_key[F_BIAS] = key_of(F_BIAS, 0, 0);
	ret_key[F_DEVICE_FORMAT] = key_of(F_DEVICE_FORMAT, df, 0);
	ret_key[F_COUNTRY] = key_of(F_COUNTRY, c, 0);
	ret_key[F_PUBLISHER] = key_of(F_PUBLISHER, p, 0);
	ret_key[F_SIZE_DEVICE] = key_of(F_SIZE_DEVICE, size, ctx->device);
	ret_key[F_IDS] = key_of(F_IDS, ids, 0);
	ret_key[F_HOUR] = key_of(F_HOUR, ctx->hour / 3, 0);
	ret_key[F_FLOOR] = key_of(F_FLOOR, floor, ctx->format);
	ret_key[F_COUNTRY_DEVICE_FORMAT] = key_of(F_COUNTRY_DEVICE_FORMAT, c, df);
	ret_key[F_PUBLISHER_DEVICE_FORMAT] = key_of(F_PUBLISHER_DEVICE_FORMAT, p, df);
	ret_key[F_PUBLISHER_SIZE] = key_of(F_PUBLISHER_SIZE, p, size);
	ret_key[F_PUBLISHER_COUNTRY] = key_of(F_PUBLISHER_COUNTRY, p, c);
	ret_key[F_PUBLISHER_IDS] = key_of(F_PUBLISHER_IDS, p, ids);
	ret_key[F_LEAF] = key_of(F_LEAF, p, mix64(c << 16 | df) ^ mix64(size << 32 | ids));
}
