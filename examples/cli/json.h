/* json.h - one JSON object on one line of standard output. */
#ifndef JSON_H
#define JSON_H

#include <stdint.h>

/* Members come in the order of the calls; a NULL name stands for an array's element. */
void json_begin(const char *name, char bracket); /* '{' or '[' */
void json_end(char bracket);                     /* '}' or ']'; the outermost ends the line */
void json_text(const char *name, const char *text);
void json_integer(const char *name, int64_t number);
void json_real(const char *name, double number); /* null where it is not a number */

#endif
