/* Configuration from one table of keys: defaults < YAML < environment, checked, printed, documented.
 *
 *   #define CONF_T struct pbs_conf
 *   static const struct conf_key keys[] = {
 *       // path, variables, field, default, min, max, flags, help
 *       CONF_U32("idr.timeout_ms", "IDR_TIMEOUT_MS", idr_timeout_ms, "50", 1, 1000, CONF_RELOAD, "…"),
 *       CONF_STR("external_url", "PBS_EXTERNAL_URL|PBS_HOST_URL", url, "http://localhost:8000", 0, "…"),
 *       CONF_ENUM("log.format", "LOG_FORMAT", log_format, "json", "json|console", 0, "…"),
 *       CONF_TREE("adapters", adapters, 0, "…"),
 *   };
 *   static const struct conf_table pbs_table = { "pbs", "PBS_", keys, ARRAY_LEN(keys), sizeof(CONF_T), check
 * };
 *
 * Shapes  the first of a key's variables that is set and not empty wins; besides those named, the prefix with
 *         the path in capitals is always one (PBS_IDR_TIMEOUT_MS). Texts in YAML may hold ${NAME} and
 *         ${NAME:-default}; $${ is a literal ${. A secret may also come from the file that NAME_FILE names.
 *         Lists are YAML sequences or comma-separated variables. Trees are kept as they are (variables
 *         expanded) for the module that parses them.
 * Errors  all problems at once, one per line: "pbs.yaml line 12: idr.timeout_ms: 5000 is not in 1..1000",
 *         unknown keys with the nearest known name.
 * Owns    struct conf owns the service's struct and everything in it; it is immutable once loaded. Text
 *         fields are never NULL; trees are NULL when absent.
 */
#ifndef COMMON_CONF_H
#define COMMON_CONF_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/errtext.h"
#include "common/mem.h"

enum conf_type {
	CONF_IS_BOOL,
	CONF_IS_U32,
	CONF_IS_U64,
	CONF_IS_DOUBLE,
	CONF_IS_STR,
	CONF_IS_SECRET,
	CONF_IS_ENUM,
	CONF_IS_LIST,
	CONF_IS_TREE,
	CONF_IS_IGNORED,
};

enum {
	CONF_RELOAD = 1,   /* may change while the service runs */
	CONF_REQUIRED = 2, /* must not stay empty */
	CONF_HIDDEN = 4,   /* a list or tree of secrets: printed with every text and number masked */
};

struct conf_list {
	const char *const *v;
	size_t n;
};

struct conf_key {
	const char *path;
	const char *vars; /* names separated by '|'; NULL or "" = only the derived one */
	size_t offset;
	enum conf_type type;
	const char *fallback; /* in the form an environment variable would have */
	double min, max;      /* of numbers; up to 2^53 exact */
	unsigned flags;
	const char *help;
	const char *names; /* enums: "json|console", the field holds the position */
};

struct conf;

struct conf_table {
	const char *service;    /* "pbs" */
	const char *var_prefix; /* "PBS_" */
	const struct conf_key *keys;
	size_t n_keys;
	size_t size; /* of the service's struct */
	/* Fills in what follows from other values or from the machine, where nobody said it, and tells by conf_derived()
	 * why; before `check`. May be NULL. */
	void (*derive)(struct conf *c, void *values);
	int (*check)(const void *values, struct errtext *why); /* across keys; may be NULL */
};

/* A field of the wrong C type does not compile. */
#define CONF_FIELD_(f, type)                                                                                 \
	(offsetof(CONF_T, f) +                                                                               \
	 0 * sizeof(char[__builtin_types_compatible_p(__typeof__(((CONF_T *)0)->f), type) ? 1 : -1]))
#define CONF_KEY_(p, v, f, ctype, kind, def, lo, hi, fl, h, nm)                                              \
	{                                                                                                    \
		.path = (p), .vars = (v), .offset = CONF_FIELD_(f, ctype), .type = (kind),                   \
		.fallback = (def), .min = (lo), .max = (hi), .flags = (fl), .help = (h), .names = (nm)       \
	}
#define CONF_BOOL(p, v, f, def, fl, h) CONF_KEY_(p, v, f, bool, CONF_IS_BOOL, def, 0, 0, fl, h, NULL)
#define CONF_U32(p, v, f, def, lo, hi, fl, h)                                                                \
	CONF_KEY_(p, v, f, uint32_t, CONF_IS_U32, def, lo, hi, fl, h, NULL)
#define CONF_U64(p, v, f, def, lo, hi, fl, h)                                                                \
	CONF_KEY_(p, v, f, uint64_t, CONF_IS_U64, def, lo, hi, fl, h, NULL)
#define CONF_DOUBLE(p, v, f, def, lo, hi, fl, h)                                                             \
	CONF_KEY_(p, v, f, double, CONF_IS_DOUBLE, def, lo, hi, fl, h, NULL)
#define CONF_STR(p, v, f, def, fl, h)      CONF_KEY_(p, v, f, const char *, CONF_IS_STR, def, 0, 0, fl, h, NULL)
#define CONF_SECRET(p, v, f, fl, h)        CONF_KEY_(p, v, f, const char *, CONF_IS_SECRET, "", 0, 0, fl, h, NULL)
#define CONF_ENUM(p, v, f, def, nm, fl, h) CONF_KEY_(p, v, f, int, CONF_IS_ENUM, def, 0, 0, fl, h, nm)
#define CONF_LIST(p, v, f, def, fl, h)                                                                       \
	CONF_KEY_(p, v, f, struct conf_list, CONF_IS_LIST, def, 0, 0, fl, h, NULL)
#define CONF_TREE(p, f, fl, h) CONF_KEY_(p, NULL, f, json_t *, CONF_IS_TREE, "", 0, 0, fl, h, NULL)
/* Accepted for the sake of other servers' files, without effect; named in conf_warnings(). */
#define CONF_IGNORED(p, h)                                                                                   \
	{                                                                                                    \
		.path = (p), .type = CONF_IS_IGNORED, .fallback = "", .help = (h)                            \
	}

/* `yaml_path` NULL = no file. `env` is environ, or a test's own "NAME=value" list ending in NULL. */
struct conf *conf_load(const struct conf_table *t, const char *yaml_path, char *const *env,
		       struct errtext *why);
struct conf *conf_free(struct conf *c);

/* Loads again from the same file and `env`. Keys without CONF_RELOAD keep the running value; those whose
 * value would have changed are named in conf_warnings(). NULL and `why` when the new file is refused. */
struct conf *conf_reload(const struct conf *running, char *const *env, struct errtext *why);

const void *conf_values(const struct conf *c);              /* the service's struct */
const char *conf_warnings(const struct conf *c);            /* one per line; "" for none */
unsigned conf_line(const struct conf *c, const char *path); /* in the YAML file, 0 = not there */
const char *conf_file(const struct conf *c); /* its name, for messages of modules that parse trees */

/* Where the value of a key comes from: "default", "pbs.yaml line 3", "IDR_URL", or why it was derived. */
const char *conf_origin(const struct conf *c, const char *path);
void conf_derived(struct conf *c, const char *path, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

enum { CONF_PRINT_MAX_BYTES = 4 << 20 }; /* more than that is not printed but refused */

/* --print-config, GET /config: YAML that conf_load() takes back, each value's origin as a comment. Masked are secrets,
 * members of trees that are named like one, and the user and password of URLs. Any thread may, of one configuration. */
void conf_print(const struct conf *c, struct buf *b);
/* A Markdown reference of the table. */
void conf_reference(const struct conf_table *t, struct buf *b);

#endif
