#include "common/err.h"

#include <stddef.h>

static const struct {
	const char *name;
	int http_status;
} errors[] = {
	[0] = { "ok", 200 },
	[-ERR_INPUT] = { "input", 400 },
	[-ERR_DENIED] = { "denied", 401 },
	[-ERR_LIMIT] = { "limit", 413 },
	[-ERR_TIMEOUT] = { "timeout", 504 },
	[-ERR_UPSTREAM] = { "upstream", 502 },
	[-ERR_NOTFOUND] = { "notfound", 404 },
	[-ERR_UNREACHABLE] = { "unreachable", 502 },
	[-ERR_CANCELLED] = { "cancelled", 499 },
	[-ERR_INTERNAL] = { "internal", 500 },
	[-ERR_UNAVAILABLE] = { "unavailable", 503 },
};

static size_t row(int err)
{
	size_t i = err > 0 ? 0 : (size_t)-err;

	return i < sizeof errors / sizeof *errors ? i : (size_t)-ERR_INTERNAL;
}

const char *err_name(int err)
{
	return errors[row(err)].name;
}

int err_http_status(int err)
{
	return errors[row(err)].http_status;
}
