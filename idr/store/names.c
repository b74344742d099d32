#include "idr/store/names.h"

#include <stdlib.h>

#include "common/mem.h"

static void insert_slot(struct names *t, uint32_t id)
{
	uint32_t i = (uint32_t)str_hash(t->text[id]) & (t->slots - 1);

	while (t->slot[i])
		i = (i + 1) & (t->slots - 1);
	t->slot[i] = id;
}

static void rehash(struct names *t, uint32_t slots)
{
	free(t->slot);
	t->slot = xcalloc(slots, sizeof *t->slot);
	t->slots = slots;
	for (uint32_t id = 1; id < t->n; id++)
		insert_slot(t, id);
}

static uint32_t add(struct names *t, struct str name)
{
	if (t->n == t->cap) {
		t->cap = t->cap ? t->cap * 2 : 64;
		t->text = xrealloc(t->text, t->cap * sizeof *t->text);
	}
	t->text[t->n] = (struct str){ xstrndup(name.p, name.n), name.n };
	if (++t->n * 2 > t->slots)
		rehash(t, t->slots ? t->slots * 2 : 128);
	else if (t->n > 1)
		insert_slot(t, t->n - 1);
	return t->n - 1;
}

void names_init(struct names *t, uint32_t max)
{
	*t = (struct names){ .max = max };
	rehash(t, 128);
	add(t, STR(""));
	add(t, STR("other"));
}

void names_deinit(struct names *t)
{
	for (uint32_t i = 0; i < t->n; i++)
		free((char *)(uintptr_t)t->text[i].p);
	free(t->text);
	free(t->slot);
	*t = (struct names){ 0 };
}

uint32_t names_find(const struct names *t, struct str name)
{
	if (name.n == 0)
		return 0;
	for (uint32_t i = (uint32_t)str_hash(name) & (t->slots - 1); t->slot[i]; i = (i + 1) & (t->slots - 1))
		if (str_eq(t->text[t->slot[i]], name))
			return t->slot[i];
	return 0;
}

uint32_t names_id(struct names *t, struct str name)
{
	uint32_t id = names_find(t, name);

	if (id || name.n == 0)
		return id;
	return t->n < t->max ? add(t, name) : NAMES_OTHER;
}

struct str names_text(const struct names *t, uint32_t id)
{
	return id < t->n ? t->text[id] : t->text[NAMES_OTHER];
}

void names_truncate(struct names *t, uint32_t n)
{
	if (n >= t->n || n < 2)
		return;
	while (t->n > n)
		free((char *)(uintptr_t)t->text[--t->n].p);
	rehash(t, t->slots);
}
