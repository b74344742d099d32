/* The dashboard's files, in the program itself: one binary is all there is to deploy, and no path leads to a disk. */
#ifndef IDR_WEB_FILES_H
#define IDR_WEB_FILES_H

#include "common/str.h"

struct web_file {
	const char *name, *type;
	struct str bytes;
};

const struct web_file *web_file_find(struct str name); /* NULL = there is none */

#endif
