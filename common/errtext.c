#include "common/errtext.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void errtext_set(struct errtext *why, const char *fmt, ...)
{
	va_list ap;

	if (!why)
		return;
	va_start(ap, fmt);
	vsnprintf(why->text, sizeof why->text, fmt, ap);
	va_end(ap);
}

void errtext_prefix(struct errtext *why, const char *fmt, ...)
{
	struct errtext old;
	va_list ap;
	size_t n;

	if (!why)
		return;
	old = *why;
	va_start(ap, fmt);
	vsnprintf(why->text, sizeof why->text, fmt, ap);
	va_end(ap);
	n = strlen(why->text);
	snprintf(why->text + n, sizeof why->text - n, "%s", old.text);
}
