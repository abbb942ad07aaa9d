/* cli.h - what the commands share: how they fail, and where their memory comes from. */
#ifndef CLI_H
#define CLI_H

#include <stddef.h>
#include <stdint.h>

#include "../../ppml.h"

/* Exit statuses, those of sysexits.h. */
enum {
  CLI_OK = 0,
  CLI_USAGE = 64,
  CLI_DATA = 65,
  CLI_MISSING = 66,
  CLI_INTERNAL = 70,
  CLI_NO_CREATE = 73,
  CLI_IO = 74,
  CLI_REFUSED = 77
};

/* Prints `ppml: FILE: message` on standard error and returns status. */
int cli_fail(int status, const char *file, const char *format, ...)
#if defined(__GNUC__)
    __attribute__((format(printf, 3, 4)))
#endif
    ;

/* The same for an error of the library; expected is what FILE should have been. */
int cli_fail_ppml(int error, const char *file, const char *expected);

/* An arena of its own memory, in huge pages where the system has them. */
int cli_arena_create(ppml_arena *arena, size_t bytes);
void cli_arena_destroy(ppml_arena *arena); /* wipes what was used */

/* An arena of its own within another, which has room for ppml_arena_alloc_bytes(bytes) more.
 * Errors: NOMEM. */
int cli_arena_part(ppml_arena *part, size_t bytes, ppml_arena *arena);

/* Seeds a generator from the operating system. */
int cli_rng(ppml_rng *rng);

/* Is the text of a command's option fit to be shown?  CLI_OK, or the exit status after a line. */
int cli_check_text(const char *command, const char *option, const char *text);

/* Comma-separated names, one for each class, of a command's --class-names. */
int cli_name_classes(const char *command, ppml_spec *spec, const char *names);

double cli_now_ms(void);
double cli_cpu_ms(void); /* of all threads of the process */
uint64_t cli_peak_rss_bytes(void);

/* Sorts timings, the shortest first. */
void cli_sort(double *values, size_t count);

/* A progress bar on standard error where that is a terminal, nothing elsewhere. */
ppml_progress cli_progress(const char *title);
/* Ends the line of a bar that was shown. */
void cli_progress_end(void);

/* The commands; argv[0] is the command's name. */
int cmd_demo(int argc, char **argv);
int cmd_train(int argc, char **argv);
int cmd_simulate(int argc, char **argv);
int cmd_compile(int argc, char **argv);
int cmd_keygen(int argc, char **argv);
int cmd_encrypt(int argc, char **argv);
int cmd_infer(int argc, char **argv);
int cmd_decrypt(int argc, char **argv);
int cmd_features(int argc, char **argv);
int cmd_learn(int argc, char **argv);
int cmd_verify(int argc, char **argv);
int cmd_bench(int argc, char **argv);
int cmd_info(int argc, char **argv);
int cmd_import(int argc, char **argv);
int cmd_export(int argc, char **argv);
int cmd_pack(int argc, char **argv);
int cmd_latents(int argc, char **argv);

#endif
