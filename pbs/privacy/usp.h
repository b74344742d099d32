/* The IAB US Privacy String: "1YNN".
 *
 * Shapes  four characters: version 1, then notice given, opted out of sale, LSPA covered, each Y, N or -.
 * Errors  ERR_INPUT, the text says what is wrong ("must contain 4 characters").
 * Source  IAB US Privacy String; case matters and messages are as in Prebid Server.
 */
#ifndef PBS_PRIVACY_USP_H
#define PBS_PRIVACY_USP_H

#include <stdbool.h>

#include "common/errtext.h"
#include "common/str.h"

struct usp {
	char notice, opt_out_sale, lspa_covered; /* 'Y', 'N' or '-' */
};

int usp_parse(struct str text, struct errtext *why, struct usp *ret_usp);

#endif
