#include "pbs/adapters/adapter.h"

#include <stdarg.h>
#include <stdio.h>

#include "common/err.h"

static void errors_init(struct adapter_errors *e, struct arena *a)
{
	*e = (struct adapter_errors){ .arena = a };
	e->tail = &e->first;
}

void adapter_calls_init(struct adapter_calls *out, struct arena *a)
{
	*out = (struct adapter_calls){ 0 };
	out->tail = &out->first;
	errors_init(&out->errors, a);
}

void adapter_bids_init(struct adapter_bids *out, struct arena *a)
{
	*out = (struct adapter_bids){ .currency = STR("USD") };
	out->tail = &out->first;
	errors_init(&out->errors, a);
}

__attribute__((format(printf, 4, 0))) static void add_error(struct adapter_errors *e, int code, bool warning,
							    const char *fmt, va_list ap)
{
	struct adapter_error *err = ARENA_NEW(e->arena, struct adapter_error);
	char text[2048];

	(void)vsnprintf(text, sizeof text, fmt, ap);
	err->code = code;
	err->warning = warning;
	err->text = arena_strdup(e->arena, text);
	*e->tail = err;
	e->tail = &err->next;
	e->n++;
}

void adapter_error(struct adapter_errors *e, int code, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add_error(e, code, false, fmt, ap);
	va_end(ap);
}

void adapter_warn(struct adapter_errors *e, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add_error(e, ADAPTER_WARNING, true, fmt, ap);
	va_end(ap);
}

struct adapter_call *adapter_call_add(struct adapter_request *r, struct adapter_calls *out, struct str uri,
				      json_t *body)
{
	struct adapter_call *call = ARENA_NEW(r->arena, struct adapter_call);
	const json_t *imps = json_object_get(body, "imp");

	call->uri = uri;
	call->body = body;
	call->headers_tail = &call->headers;
	call->n_imp_ids = json_array_size(imps);
	call->imp_ids = ARENA_ARRAY(r->arena, struct str, call->n_imp_ids);
	for (size_t i = 0; i < call->n_imp_ids; i++)
		call->imp_ids[i] = json_str_at(json_array_get(imps, i), "id");
	*out->tail = call;
	out->tail = &call->next;
	out->n++;
	return call;
}

void adapter_call_header(struct arena *a, struct adapter_call *call, const char *name, struct str value)
{
	struct adapter_header *h = ARENA_NEW(a, struct adapter_header);

	h->name = name;
	h->value = value;
	*call->headers_tail = h;
	call->headers_tail = &h->next;
}

struct adapter_bid *adapter_bid_add(struct arena *a, struct adapter_bids *out, json_t *bid, struct str type)
{
	struct adapter_bid *b = ARENA_NEW(a, struct adapter_bid);

	b->bid = bid;
	b->type = type;
	out->answered = true;
	*out->tail = b;
	out->tail = &b->next;
	out->n++;
	return b;
}

void adapter_config_add(const struct adapter_request *r, struct adapter_bids *out, struct str impid,
			json_t *config)
{
	json_t *entry = json_object();

	json_set_str(entry, "impid", impid);
	json_set_str(entry, "bidder", str_of(r->bidder->name));
	json_object_set(entry, "config", config);
	if (!out->configs)
		out->configs = arena_own_json(r->arena, json_array());
	json_array_append_new(out->configs, entry);
}

json_t *adapter_request_copy(const json_t *shared)
{
	json_t *root = json_copy((json_t *)shared); /* jansson's copy takes no const */
	json_t *imps = json_object_get(root, "imp");

	if (!json_is_array(imps))
		return root;
	imps = json_copy(imps);
	for (size_t i = 0; i < json_array_size(imps); i++)
		json_array_set_new(imps, i, json_copy(json_array_get(imps, i)));
	json_object_set_new(root, "imp", imps);
	return root;
}

int adapter_convert(const struct adapter_request *r, double amount, struct str from, struct str to,
		    double *ret_amount, struct errtext *why)
{
	if (str_eq(from, to)) {
		*ret_amount = amount;
		return 0;
	}
	if (!r->convert) {
		errtext_set(why, "rates are nil");
		return ERR_NOTFOUND;
	}
	return r->convert(r->rates, amount, from, to, ret_amount, why);
}
