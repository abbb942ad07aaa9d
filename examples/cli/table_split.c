/* table_split.c - see table.h: which images are in which split, and whether they may be. */
#include "table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Of an image without any of several labels. */
#define NO_LABEL NPZ_CLASSES_MAX

static int compare_text(const csv_field *a, const csv_field *b) {
  size_t shorter = a->length < b->length ? a->length : b->length;
  int order = shorter ? memcmp(a->text, b->text, shorter) : 0;
  return order ? order : (a->length > b->length) - (a->length < b->length);
}

static int compare_lines(const table_item *a, const table_item *b) {
  return (a->line > b->line) - (a->line < b->line);
}

static int by_file(const void *a, const void *b) {
  const table_item *x = *(table_item *const *)a, *y = *(table_item *const *)b;
  int order = compare_text(&x->file, &y->file);
  return order ? order : compare_lines(x, y);
}

/* What stays together: images of a patient, or else lines of a file. */
static const csv_field *key_of(const table_item *i) {
  return i->patient.length > 0 ? &i->patient : &i->file;
}

static int by_key(const void *a, const void *b) {
  const table_item *x = *(table_item *const *)a, *y = *(table_item *const *)b;
  int order = compare_text(key_of(x), key_of(y));
  if (order == 0) order = compare_text(&x->file, &y->file);
  return order ? order : compare_lines(x, y);
}

/* The items in another order. */
static int sorted(table_item ***items, ppml_arena *arena, const table *t,
                  int (*compare)(const void *, const void *)) {
  int status = cli_arena_create(arena, (t->count ? t->count : 1) * sizeof(table_item *));
  if (status) return status;
  *items = (table_item **)(void *)arena->memory;
  for (size_t i = 0; i < t->count; i++) (*items)[i] = &t->item[i];
  qsort(*items, t->count, sizeof(table_item *), compare);
  return CLI_OK;
}

/* ----------------------------------------------------------------------------------------- check */

static int check_pair(const table_request *r, const table_item *first, const table_item *next) {
  if (compare_text(&first->file, &next->file) != 0) return CLI_OK;
  if (first->split != next->split)
    return cli_fail(CLI_DATA, r->path,
                    "line %zu: %.*s is in %s, at line %zu in %s (expected one split)", next->line,
                    (int)next->file.length, next->file.text, npz_split_name(next->split),
                    first->line, npz_split_name(first->split));
  if (first->label != next->label || first->flags != next->flags)
    return cli_fail(CLI_DATA, r->path, "line %zu: %.*s has other labels than at line %zu",
                    next->line, (int)next->file.length, next->file.text, first->line);
  if (compare_text(&first->patient, &next->patient) != 0)
    return cli_fail(CLI_DATA, r->path, "line %zu: %.*s has another patient than at line %zu",
                    next->line, (int)next->file.length, next->file.text, first->line);
  return CLI_OK;
}

static size_t count_divided(table_item *const *items, size_t count) {
  size_t divided = 0;
  for (size_t i = 0, end; i < count; i = end) {
    int differs = 0;
    for (end = i + 1; end < count && compare_text(key_of(items[i]), key_of(items[end])) == 0; end++)
      differs |= items[end]->split != items[i]->split;
    divided += differs != 0;
  }
  return divided;
}

/* Are there enough classes? */
static int check_labels(const table *t, const table_request *r) {
  unsigned present = 0, last = 0;
  for (unsigned c = 0; c < t->classes; c++)
    if (t->of_class[c] > 0) present++, last = c;
  if (t->has_several ? t->classes >= 2 : present >= 2) return CLI_OK;
  if (t->has_several)
    return cli_fail(CLI_DATA, r->path, "%u label in all (expected at least two)", t->classes);
  return cli_fail(CLI_DATA, r->path, "all labels are %u (expected at least two classes)", last);
}

int table_check(table *t, const table_request *r) {
  table_item **items;
  ppml_arena arena;
  if (t->count == 0)
    return cli_fail(CLI_DATA, r->path, "no image (expected a line for each behind the header)");
  int status = sorted(&items, &arena, t, by_file);
  if (status) return status;
  for (size_t i = 1; i < t->count && status == CLI_OK; i++)
    status = check_pair(r, items[i - 1], items[i]);
  qsort(items, t->count, sizeof(table_item *), by_key);
  t->divided = count_divided(items, t->count);
  cli_arena_destroy(&arena);
  if (status == CLI_OK && t->in_split[NPZ_TRAIN] == 0)
    status = cli_fail(CLI_DATA, r->path, "no image of the split train (expected at least one)");
  return status ? status : check_labels(t, r);
}

/* ---------------------------------------------------------------------------------------- divide */

/* Images that stay together. */
typedef struct group {
  size_t begin, count; /* in the order by key */
  unsigned stratum;    /* the rarest class or label that one of them has */
} group;

/* What a stratum has, and wants of each split. */
typedef struct stratum {
  size_t groups, images;
  size_t wanted[NPZ_SPLITS], given[NPZ_SPLITS];
} stratum;

/* The rarest class of an image: its own, or of several labels the rarest one. */
static unsigned rarest(const table *t, const table_item *i) {
  unsigned found = NO_LABEL;
  if (!t->has_several) return i->label;
  for (unsigned l = 0; l < t->classes; l++)
    if (i->flags >> l & 1 && (found == NO_LABEL || t->of_class[l] < t->of_class[found])) found = l;
  return found;
}

static unsigned rarer(const table *t, unsigned a, unsigned b) {
  if (a == NO_LABEL || b == NO_LABEL) return a == NO_LABEL ? b : a;
  return t->of_class[b] < t->of_class[a] ? b : a;
}

static size_t find_groups(group *groups, stratum *strata, const table *t,
                          table_item *const *items) {
  size_t count = 0;
  for (size_t i = 0, end; i < t->count; i = end) {
    group g = {i, 0, NO_LABEL};
    for (end = i; end < t->count && compare_text(key_of(items[i]), key_of(items[end])) == 0; end++)
      g.stratum = rarer(t, g.stratum, rarest(t, items[end]));
    g.count = end - i;
    strata[g.stratum].groups++;
    strata[g.stratum].images += g.count;
    groups[count++] = g;
  }
  return count;
}

/* SplitMix64, which needs no more than a number for its state. */
static uint64_t next_random(uint64_t *state) {
  uint64_t z = *state += 0x9E3779B97F4A7C15u;
  z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
  z = (z ^ z >> 27) * 0x94D049BB133111EBu;
  return z ^ z >> 31;
}

static void shuffle(group *groups, size_t count, uint64_t seed) {
  for (size_t i = count; i > 1; i--) {
    size_t j = (size_t)(next_random(&seed) % i);
    group kept = groups[i - 1];
    groups[i - 1] = groups[j];
    groups[j] = kept;
  }
}

/* As many images as the share says; one group at least where there are enough for all splits. */
static void want(stratum *s, const double share[NPZ_SPLITS]) {
  size_t splits = 1;
  for (int i = NPZ_VAL; i <= NPZ_TEST; i++) {
    s->wanted[i] = (size_t)((double)s->images * share[i] + 0.5);
    splits += share[i] > 0;
    if (share[i] > 0 && s->wanted[i] == 0 && s->groups >= splits) s->wanted[i] = 1;
  }
}

/* Validation and test are filled first; a group that is more than twice what is left stays in train,
 * which needs one in any case. */
static int place(stratum *s, size_t count) {
  for (int i = NPZ_VAL; i <= NPZ_TEST; i++) {
    size_t left = s->wanted[i] > s->given[i] ? s->wanted[i] - s->given[i] : 0;
    if (count <= 2 * left && s->groups > 1) {
      s->groups--;
      s->given[i] += count;
      return i;
    }
  }
  return NPZ_TRAIN;
}

static void divide(table *t, table_item *const *items, group *groups,
                   const double share[NPZ_SPLITS], uint64_t seed) {
  stratum strata[NO_LABEL + 1];
  memset(strata, 0, sizeof strata);
  memset(t->in_split, 0, sizeof t->in_split);
  size_t count = find_groups(groups, strata, t, items);
  for (unsigned s = 0; s <= NO_LABEL; s++) want(&strata[s], share);
  shuffle(groups, count, seed);
  for (size_t g = 0; g < count; g++) {
    int split = place(&strata[groups[g].stratum], groups[g].count);
    for (size_t i = 0; i < groups[g].count; i++) items[groups[g].begin + i]->split = (uint8_t)split;
    t->in_split[split] += groups[g].count;
  }
}

int table_divide(table *t, const table_request *r, const double share[NPZ_SPLITS], uint64_t seed) {
  table_item **items;
  ppml_arena arena, group_arena;
  int status = sorted(&items, &arena, t, by_key);
  if (status) return status;
  status = cli_arena_create(&group_arena, t->count * sizeof(group));
  if (status == CLI_OK) {
    divide(t, items, (group *)(void *)group_arena.memory, share, seed);
    cli_arena_destroy(&group_arena);
  }
  cli_arena_destroy(&arena);
  for (int i = 0; i < NPZ_SPLITS && status == CLI_OK; i++)
    if (share[i] > 0 && t->in_split[i] == 0)
      status =
          cli_fail(CLI_DATA, r->path,
                   "no image left for %s (expected more images or patients, or another --split)",
                   npz_split_name(i));
  return status;
}
