#include "cli.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "secret.h"

/* ------------------------------------------------------------------ errors */

/* File names come from outside: what could forge a second line becomes a '?'. */
static void print_name(const char *name) {
  for (; *name; name++) {
    unsigned char c = (unsigned char)*name;
    fputc(c < 0x20 || c == 0x7f ? '?' : c, stderr);
  }
}

int cli_fail(int status, const char *file, const char *format, ...) {
  va_list arguments;
  cli_progress_end();
  fputs("ppml: ", stderr);
  print_name(file);
  fputs(": ", stderr);
  va_start(arguments, format);
  vfprintf(stderr, format, arguments);
  va_end(arguments);
  fputc('\n', stderr);
  return status;
}

static int status_of(int error) {
  if (error == PPML_ERR_MISMATCH || error == PPML_ERR_REQUEST) return CLI_REFUSED;
  if (error == PPML_ERR_IO) return CLI_IO;
  if (error == PPML_ERR_PARAMS) return CLI_DATA;
  if (error <= PPML_ERR_FORMAT && error >= PPML_ERR_CERTIFICATE) return CLI_DATA;
  return CLI_INTERNAL;
}

int cli_fail_ppml(int error, const char *file, const char *expected) {
  if (error == PPML_ERR_ARITHMETIC) expected = "a build without such options";
  return cli_fail(status_of(error), file, "%s (expected %s)", ppml_strerror(error), expected);
}

/* ------------------------------------------------------------------ memory */

#define HUGE_PAGE_BYTES ((size_t)2 << 20)

int cli_arena_create(ppml_arena *arena, size_t bytes) {
  void *memory = NULL;
  size_t alignment = bytes >= HUGE_PAGE_BYTES ? HUGE_PAGE_BYTES : PPML_ALIGNMENT;
  memset(arena, 0, sizeof *arena);
  if (posix_memalign(&memory, alignment, bytes ? bytes : 1) != 0)
    return cli_fail(CLI_INTERNAL, "memory", "no %zu bytes left", bytes);
#if defined(MADV_HUGEPAGE)
  if (alignment == HUGE_PAGE_BYTES) (void)madvise(memory, bytes, MADV_HUGEPAGE);
#endif
  secret_lock(memory, bytes);
  return ppml_arena_init(arena, memory, bytes) == PPML_OK ? CLI_OK : CLI_INTERNAL;
}

int cli_arena_part(ppml_arena *part, size_t bytes, ppml_arena *arena) {
  void *memory = ppml_arena_alloc(arena, bytes);
  return memory ? ppml_arena_init(part, memory, bytes) : PPML_ERR_NOMEM;
}

void cli_arena_destroy(ppml_arena *arena) {
  volatile unsigned char *p = arena->memory;
  for (size_t i = 0; i < arena->high_bytes; i++) p[i] = 0;
  free(arena->memory);
  memset(arena, 0, sizeof *arena);
}

int cli_rng(ppml_rng *rng) {
  secret_lock(rng, sizeof *rng);
  if (ppml_rng_init(rng) == PPML_OK) return CLI_OK;
  return cli_fail(CLI_INTERNAL, "random numbers", "the system gives no entropy");
}

/* ------------------------------------------------------------ class names */

int cli_check_text(const char *command, const char *option, const char *text) {
  const char *reason = ppml_text_refusal(text, strlen(text));
  if (reason == NULL) return CLI_OK;
  return cli_fail(CLI_USAGE, command, "%s %s (expected UTF-8 without control characters)", option,
                  reason);
}

/* One name is wrong: its place, as what it is may not be shown. */
static int refuse_name(const char *command, uint32_t c, const char *reason) {
  return cli_fail(CLI_USAGE, command,
                  "--class-names: name %u %s (expected 1 to %d bytes of UTF-8 without control "
                  "characters)",
                  c + 1, reason, PPML_CLASS_NAME_BYTES - 1);
}

int cli_name_classes(const char *command, ppml_spec *spec, const char *names) {
  uint32_t c = 0;
  for (const char *at = names; at; c++) {
    const char *comma = strchr(at, ',');
    size_t length = comma ? (size_t)(comma - at) : strlen(at);
    const char *reason = ppml_class_name_refusal(at, length);
    if (reason) return refuse_name(command, c, reason);
    if (c == spec->classes) break;
    memset(spec->class_name[c], 0, PPML_CLASS_NAME_BYTES);
    memcpy(spec->class_name[c], at, length);
    at = comma ? comma + 1 : NULL;
    if (at == NULL && c + 1 == spec->classes) return CLI_OK;
  }
  return cli_fail(CLI_USAGE, command, "--class-names %s (expected %u names)", names, spec->classes);
}

/* ----------------------------------------------------------- measurements */

double cli_now_ms(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec * 1e3 + (double)t.tv_nsec * 1e-6;
}

double cli_cpu_ms(void) {
  struct timespec t;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return (double)t.tv_sec * 1e3 + (double)t.tv_nsec * 1e-6;
}

uint64_t cli_peak_rss_bytes(void) {
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return (uint64_t)usage.ru_maxrss * 1024;
}

static int compare_doubles(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return x < y ? -1 : x > y;
}

void cli_sort(double *values, size_t count) {
  qsort(values, count, sizeof *values, compare_doubles);
}

/* ---------------------------------------------------------------- progress */

#define BAR_COLUMNS 32

static int bar_is_shown;

/* Once enough is done to tell: "1:07 left", or spaces over what was told before. */
static void show_left(double ms) {
  double seconds = ms / 1e3;
  if (seconds < 1 || seconds > 359999) fputs("              ", stderr);
  else
    fprintf(stderr, ", %2d:%02d:%02d left", (int)(seconds / 3600), (int)(seconds / 60) % 60,
            (int)seconds % 60);
}

static void show_bar(void *context, size_t done, size_t total) {
  static double shown_ms, began_ms;
  static size_t began;
  double now = cli_now_ms();
  if (!bar_is_shown) began_ms = now, began = done;
  if (done < total && bar_is_shown && now - shown_ms < 100) return;
  shown_ms = now;
  int full = (int)(BAR_COLUMNS * done / (total ? total : 1));
  fprintf(stderr, "\r%-18s [%.*s%*s] %3d %%", (const char *)context, full,
          "################################", BAR_COLUMNS - full, "",
          (int)(100 * done / (total ? total : 1)));
  show_left(done > began ? (now - began_ms) * (double)(total - done) / (double)(done - began) : 0);
  bar_is_shown = 1;
  if (done >= total) cli_progress_end();
}

static void show_nothing(void *context, size_t done, size_t total) {
  (void)context, (void)done, (void)total;
}

ppml_progress cli_progress(const char *title) {
  static char shown[32];
  ppml_progress progress = {isatty(STDERR_FILENO) ? show_bar : show_nothing, shown};
  snprintf(shown, sizeof shown, "%s", title);
  return progress;
}

void cli_progress_end(void) {
  if (bar_is_shown) fputc('\n', stderr);
  bar_is_shown = 0;
}
