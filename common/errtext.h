/* Human detail for a failure, filled where the fact is known ("imp[2].banner.w is negative").
 *
 * Library code fills it and returns an `enum err`; the edge logs it or shows it to the client, once.
 * A NULL errtext is accepted everywhere and means that nobody wants the text.
 */
#ifndef COMMON_ERRTEXT_H
#define COMMON_ERRTEXT_H

struct errtext {
	char text[1024];
};

/* Overwrites the text; cut at the end when longer. */
void errtext_set(struct errtext *why, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Puts `fmt` in front of the text that is there: "pbs.yaml line 3: " + "not a number". */
void errtext_prefix(struct errtext *why, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
