#include "pbs/openrtb/report.h"

static const struct message *first_of(const struct messages *m)
{
	for (const struct message_bucket *b = m->buckets; b; b = b->next)
		if (str_eq(b->name, BUCKET_GENERAL))
			return b->first;
	return NULL;
}

bool report_is_fatal(const struct messages *m)
{
	for (const struct message *msg = first_of(m); msg; msg = msg->next)
		if (msg->kind == MESSAGE_ERROR)
			return true;
	return false;
}

int report_status(const struct messages *m)
{
	int status = 400;

	for (const struct message *msg = first_of(m); msg; msg = msg->next) {
		if (msg->kind != MESSAGE_ERROR)
			continue;
		if (msg->code == ERROR_BLOCKED_APP || msg->code == ERROR_ACCOUNT_DISABLED)
			return 503;
		if (msg->code == ERROR_MALFORMED_ACCOUNT)
			status = 500;
	}
	return status;
}

void report_body(const struct messages *m, struct buf *b)
{
	for (const struct message *msg = first_of(m); msg; msg = msg->next) {
		buf_add_str(b, STR("Invalid request: "));
		buf_add_str(b, msg->text);
		buf_add_c(b, '\n');
	}
}
