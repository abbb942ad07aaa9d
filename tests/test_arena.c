/* test_arena.c - the arena that all memory comes from. */
#define PPML_IMPLEMENTATION
#include "support.h"

START_TEST(blocks_are_aligned_and_do_not_overlap) {
  ppml_arena arena = test_arena(64 * 100);
  unsigned char *end = arena.memory;
  for (size_t bytes = 1; bytes < 200; bytes += 13) {
    unsigned char *block = ppmli_arena_alloc(&arena, bytes);
    ck_assert(block != NULL && block >= end);
    ck_assert_uint_eq((uintptr_t)block % PPML_ALIGNMENT, 0);
    end = block + bytes;
  }
  ck_assert(end <= arena.memory + arena.capacity_bytes);
  test_arena_free(&arena);
}
END_TEST

START_TEST(mark_and_release_are_lifo) {
  ppml_arena arena = test_arena(1024);
  void *first = ppmli_arena_alloc(&arena, 100);
  size_t mark = ppml_arena_mark(&arena);
  void *second = ppmli_arena_alloc(&arena, 300);
  ppml_arena_release(&arena, mark);
  ck_assert(first != second);
  ck_assert_ptr_eq(ppmli_arena_alloc(&arena, 10), second);
  ppml_arena_release(&arena, 0);
  ck_assert_ptr_eq(ppmli_arena_alloc(&arena, 10), first);
  test_arena_free(&arena);
}
END_TEST

START_TEST(the_high_mark_is_the_most_that_was_used) {
  ppml_arena arena = test_arena(1024);
  ck_assert(ppmli_arena_alloc(&arena, 500) != NULL);
  ppml_arena_release(&arena, 0);
  ck_assert(ppmli_arena_alloc(&arena, 1) != NULL);
  ck_assert_uint_eq(arena.used_bytes, 64);
  ck_assert_uint_eq(arena.high_bytes, 512);
  test_arena_free(&arena);
}
END_TEST

START_TEST(rounding_is_up_to_the_alignment) {
  ck_assert_uint_eq(ppmli_arena_rounded(0), 0);
  ck_assert_uint_eq(ppmli_arena_rounded(1), 64);
  ck_assert_uint_eq(ppmli_arena_rounded(64), 64);
  ck_assert_uint_eq(ppmli_arena_rounded(65), 128);
  ck_assert_uint_eq(ppmli_arena_rounded(SIZE_MAX - 63), SIZE_MAX - 63);
  ck_assert_uint_eq(ppmli_arena_rounded(SIZE_MAX - 62), SIZE_MAX);
  ck_assert_uint_eq(ppmli_arena_rounded(SIZE_MAX), SIZE_MAX);
}
END_TEST

START_TEST(the_exact_size_passes_and_one_byte_less_does_not) {
  ppml_arena arena = test_arena(192), less = test_arena(191);
  ck_assert(ppmli_arena_alloc(&arena, 64) != NULL && ppmli_arena_alloc(&arena, 65) != NULL);
  ck_assert_ptr_null(ppmli_arena_alloc(&arena, 1));
  ck_assert(ppmli_arena_alloc(&less, 64) != NULL);
  ck_assert_ptr_null(ppmli_arena_alloc(&less, 65));
  ck_assert_uint_eq(less.used_bytes, 64);
  test_arena_free(&arena);
  test_arena_free(&less);
}
END_TEST

START_TEST(sizes_that_overflow_are_refused) {
  ppml_arena arena = test_arena(256);
  ck_assert_ptr_null(ppmli_arena_alloc(&arena, SIZE_MAX));
  ck_assert_ptr_null(ppmli_arena_alloc(&arena, SIZE_MAX - 1));
  ck_assert_ptr_null(ppmli_arena_array(&arena, SIZE_MAX / 8 + 2, 8)); /* 8 modulo 2^64 */
  ck_assert_ptr_null(ppmli_arena_array(&arena, (size_t)1 << (sizeof(size_t) * 4),
                                       (size_t)1 << (sizeof(size_t) * 4)));
  ck_assert_uint_eq(arena.used_bytes, 0);
  test_arena_free(&arena);
}
END_TEST

START_TEST(misaligned_memory_is_refused) {
  ppml_arena arena;
  unsigned char *memory = test_memory(256);
  for (size_t offset = 1; offset < PPML_ALIGNMENT; offset++)
    ck_assert_int_eq(ppml_arena_init(&arena, memory + offset, 128), PPML_ERR_ALIGNMENT);
  ck_assert_int_eq(ppml_arena_init(&arena, memory + PPML_ALIGNMENT, 128), PPML_OK);
  ck_assert_int_eq(ppml_arena_init(&arena, NULL, 128), PPML_ERR_ARG);
  ck_assert_int_eq(ppml_arena_init(NULL, memory, 128), PPML_ERR_ARG);
  free(memory);
}
END_TEST

START_TEST(callers_take_blocks_of_what_was_said) {
  ppml_arena arena = test_arena(ppml_arena_alloc_bytes(65)), none = {NULL, 0, 0, 0};
  ck_assert_uint_eq(ppml_arena_alloc_bytes(65), 2 * PPML_ALIGNMENT);
  ck_assert_ptr_eq(ppml_arena_alloc(&arena, 65), arena.memory);
  ck_assert_ptr_null(ppml_arena_alloc(&arena, 1));
  ck_assert_ptr_null(ppml_arena_alloc(&none, 1));
  ck_assert_ptr_null(ppml_arena_alloc(NULL, 1));
  test_arena_free(&arena);
}
END_TEST

static int allocate_two(ppml_arena *arena) {
  PPMLI_ALLOC(double, first, arena, 8);
  PPMLI_ALLOC(double, second, arena, 8);
  return first != second ? PPML_OK : PPML_ERR_ARG;
}

START_TEST(the_macro_returns_nomem) {
  ppml_arena arena = test_arena(128), less = test_arena(127);
  ck_assert_int_eq(allocate_two(&arena), PPML_OK);
  ck_assert_int_eq(allocate_two(&less), PPML_ERR_NOMEM);
  test_arena_free(&arena);
  test_arena_free(&less);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("arena");
  TCase *law = test_case(suite, "law"), *bounds = test_case(suite, "bounds");
  TCase *error = test_case(suite, "error"), *oom = test_case(suite, "oom");
  tcase_add_test(law, blocks_are_aligned_and_do_not_overlap);
  tcase_add_test(law, mark_and_release_are_lifo);
  tcase_add_test(law, callers_take_blocks_of_what_was_said);
  tcase_add_test(law, the_high_mark_is_the_most_that_was_used);
  tcase_add_test(bounds, rounding_is_up_to_the_alignment);
  tcase_add_test(error, misaligned_memory_is_refused);
  tcase_add_test(oom, the_exact_size_passes_and_one_byte_less_does_not);
  tcase_add_test(oom, sizes_that_overflow_are_refused);
  tcase_add_test(oom, the_macro_returns_nomem);
  return test_run(suite);
}
