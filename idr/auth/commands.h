/* `nexus-idr hash-password` and `nexus-idr totp-secret`: the parts of a user's entry in ADMIN_USERS. */
#ifndef IDR_AUTH_COMMANDS_H
#define IDR_AUTH_COMMANDS_H

#include <stdbool.h>
#include <stdio.h>

/* Runs the command that `name` names, and gives true and the exit status; false when it names none of them. */
bool auth_command(const char *name, FILE *in, FILE *out, FILE *err, int *ret_exit);

#endif
