/* Nothing here is on the path of /route: a lock is as good as anything. Both tables are bounded: only who may log in adds
 * to them, and what makes room is what would be forgotten first anyway. */
#include "idr/auth/auth.h"

#include <openssl/crypto.h>
#include <pthread.h>
#include <stdlib.h>

#include "common/clock.h"
#include "common/mem.h"
#include "common/rate_limit.h"
#include "idr/auth/session.h"

enum {
	ENDED_MAX = 4096,
	CHECKS_MAX = 16, /* four seconds of work; whoever comes then is told to come back */
	LIMIT_KEYS = 65536,
};

static const struct rate_limit_rule per_address = { .per_second = 1.0 / 6, .burst = 20 },
				    per_user = { .per_second = 1.0 / 30, .burst = 5 },
				    refusals = { .per_second = 1, .burst = 20 };

struct ended {
	char id[SESSION_ID_TEXT + 1];
	int64_t until_s;
};

struct used_code {
	char name[USER_NAME_MAX + 1];
	uint64_t step;
};

struct auth {
	struct helper *hasher;
	struct rate_limit *limit;
	pthread_mutex_t lock; /* of what follows */
	struct ended ended[ENDED_MAX];
	size_t n_ended;
	struct used_code used[USERS_MAX];
	size_t n_used;
};

/* --- passwords --- */

static void drop_check(struct helper_job *job)
{
	struct auth_check *c = container_of(job, struct auth_check, job);

	OPENSSL_cleanse(c->password, c->n);
	free(c->password);
	free(c);
}

static void work(void *ctx, struct helper_job *jobs)
{
	(void)ctx;
	for (struct helper_job *j = jobs; j; j = j->next) {
		struct auth_check *c = container_of(j, struct auth_check, job);

		c->matches = password_matches((struct str){ c->password, c->n }, c->hash) && c->known;
	}
}

struct auth_check *auth_check_new(const struct users *us, const struct user *user, struct str password)
{
	struct auth_check *c = xcalloc(1, sizeof *c);

	c->job.drop = drop_check;
	c->known = user != NULL;
	memcpy(c->hash, user ? user->hash : us->v[0].hash, sizeof c->hash);
	c->password = xstrndup(password.p, password.n);
	c->n = password.n;
	return c;
}

struct helper_port *auth_port_new(struct auth *a, struct loop *loop)
{
	return helper_port_new(a->hasher, loop);
}

/* --- limits --- */

static uint64_t key_of(const char *kind, struct str name)
{
	return str_hash(name) * 31 + str_hash(str_of(kind));
}

bool auth_may_try(struct auth *a, struct str address, struct str name, uint64_t now_us, uint32_t *ret_wait_ms)
{
	return rate_limit_take(a->limit, key_of("address", address), &per_address, now_us, ret_wait_ms) &&
	       rate_limit_take(a->limit, key_of("user", name), &per_user, now_us, ret_wait_ms);
}

bool auth_may_note(struct auth *a, struct str name, uint64_t now_us)
{
	uint32_t wait_ms;

	return rate_limit_take(a->limit, key_of("refusal", name), &refusals, now_us, &wait_ms);
}

/* --- what is over --- */

void auth_end_session(struct auth *a, struct str id, int64_t until_s)
{
	struct ended *to = a->ended;

	if (id.n != SESSION_ID_TEXT)
		return;
	pthread_mutex_lock(&a->lock);
	if (a->n_ended < ENDED_MAX)
		to = &a->ended[a->n_ended++];
	else
		for (size_t i = 0; i < ENDED_MAX; i++)
			if (a->ended[i].until_s < to->until_s)
				to = &a->ended[i];
	memcpy(to->id, id.p, id.n);
	to->until_s = until_s;
	pthread_mutex_unlock(&a->lock);
}

bool auth_session_ended(struct auth *a, struct str id)
{
	bool ended = false;

	pthread_mutex_lock(&a->lock);
	for (size_t i = 0; i < a->n_ended && !ended; i++)
		ended = str_eq(id, str_of(a->ended[i].id));
	pthread_mutex_unlock(&a->lock);
	return ended;
}

/* The last step that `name` used, for the caller who holds the lock. A name that left ADMIN_USERS makes room. */
static uint64_t *step_of(struct auth *a, struct str name)
{
	struct used_code *oldest = a->used;

	for (size_t i = 0; i < a->n_used; i++) {
		if (str_eq(name, str_of(a->used[i].name)))
			return &a->used[i].step;
		if (a->used[i].step < oldest->step)
			oldest = &a->used[i];
	}
	if (a->n_used < USERS_MAX)
		oldest = &a->used[a->n_used++];
	*oldest = (struct used_code){ .step = 0 };
	memcpy(oldest->name, name.p, name.n);
	return &oldest->step;
}

bool auth_take_code(struct auth *a, const struct user *u, struct str code, int64_t now_s)
{
	uint64_t *used, step;

	if (!u->totp.n)
		return true;
	pthread_mutex_lock(&a->lock);
	used = step_of(a, str_of(u->name));
	step = totp_check(&u->totp, code, now_s, *used);
	if (step)
		*used = step;
	pthread_mutex_unlock(&a->lock);
	return step != 0;
}

void auth_note_login(struct auth *a, struct str name, int64_t at_s)
{
	uint64_t step = (uint64_t)at_s / TOTP_STEP_S + TOTP_DRIFT_STEPS, *used;

	if (name.n > USER_NAME_MAX)
		return;
	pthread_mutex_lock(&a->lock);
	used = step_of(a, name);
	if (step > *used)
		*used = step;
	pthread_mutex_unlock(&a->lock);
}

struct auth *auth_new(struct errtext *why)
{
	static const struct helper_class cls = {
		.name = "passwords",
		.work = work,
		.max_waiting = CHECKS_MAX,
		.max_waiting_bytes = 1 << 20,
	};
	struct auth *a = xcalloc(1, sizeof *a);

	pthread_mutex_init(&a->lock, NULL);
	a->limit = rate_limit_new(LIMIT_KEYS, clock_mono_us());
	a->hasher = helper_new(&cls, a, why);
	return a->hasher ? a : auth_free(a);
}

struct auth *auth_free(struct auth *a)
{
	if (!a)
		return NULL;
	helper_free(a->hasher);
	rate_limit_free(a->limit);
	pthread_mutex_destroy(&a->lock);
	free(a);
	return NULL;
}
