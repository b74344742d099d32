#include "idr/auth/commands.h"

#include <openssl/crypto.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "common/mem.h"
#include "idr/auth/password.h"
#include "idr/auth/totp.h"

enum { LINE_BYTES = 1024 };

/* One line without its end; false when there is none or it is too long. */
static bool read_line(FILE *in, char *line)
{
	size_t n;

	if (!fgets(line, LINE_BYTES, in))
		return false;
	n = strcspn(line, "\r\n");
	if (line[n] == '\0' && n == LINE_BYTES - 1)
		return false;
	line[n] = '\0';
	return true;
}

/* From a terminal: asked for, and not shown. */
static bool ask(FILE *in, FILE *err, const char *prompt, char *line)
{
	struct termios before, quiet;
	int fd = fileno(in);
	bool is_terminal = isatty(fd) && tcgetattr(fd, &before) == 0, ok;

	if (is_terminal) {
		quiet = before;
		/* A signal's key becomes a character, which no password may have: whoever gives up leaves a terminal
		 * behind that shows again what is typed. */
		quiet.c_lflag &= ~(tcflag_t)(ECHO | ISIG);
		quiet.c_lflag |= ECHONL;
		tcsetattr(fd, TCSAFLUSH, &quiet);
		fputs(prompt, err); /* from here on nothing that is typed is shown */
		fflush(err);
	}
	ok = read_line(in, line);
	if (is_terminal)
		tcsetattr(fd, TCSAFLUSH, &before);
	return ok;
}

static int hash_password(FILE *in, FILE *out, FILE *err)
{
	char line[LINE_BYTES] = "", again[LINE_BYTES] = "", hash[PASSWORD_HASH_TEXT + 1];
	struct errtext why = { "no password was given" };
	bool ok = ask(in, err, "Password: ", line);

	/* Typed unseen, so typed twice; from a pipe it comes once. */
	if (ok && isatty(fileno(in)) && (!ask(in, err, "Again: ", again) || strcmp(line, again) != 0)) {
		errtext_set(&why, "the two are not the same");
		ok = false;
	}
	ok = ok && password_hash(str_of(line), hash, &why) == 0;
	OPENSSL_cleanse(line, sizeof line);
	OPENSSL_cleanse(again, sizeof again);
	if (!ok) {
		fprintf(err, "nexus-idr: %s\n", why.text);
		return 1;
	}
	return fprintf(out, "%s\n", hash) < 0;
}

static int totp_secret(FILE *in, FILE *out, FILE *err)
{
	char secret[TOTP_NEW_KEY_TEXT + 1];

	(void)in;
	if (!totp_key_generate(secret)) {
		fprintf(err, "nexus-idr: the system gives no random bytes\n");
		return 1;
	}
	/* What apps read is for people; what ADMIN_USERS takes is alone on the standard output. */
	fprintf(err, "otpauth://totp/nexus-idr?secret=%s&issuer=nexus-idr\n", secret);
	return fprintf(out, "%s\n", secret) < 0;
}

bool auth_command(const char *name, FILE *in, FILE *out, FILE *err, int *ret_exit)
{
	static const struct {
		const char *name;
		int (*run)(FILE *in, FILE *out, FILE *err);
	} commands[] = { { "hash-password", hash_password }, { "totp-secret", totp_secret } };

	for (size_t i = 0; i < ARRAY_LEN(commands); i++)
		if (strcmp(name, commands[i].name) == 0) {
			*ret_exit = commands[i].run(in, out, err);
			return true;
		}
	return false;
}
