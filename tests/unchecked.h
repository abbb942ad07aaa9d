/* unchecked.h - writers that write anything: what the library's own refuse, their readers must
 * refuse too.  After support.h. */
#ifndef PPML_TEST_UNCHECKED_H
#define PPML_TEST_UNCHECKED_H

TEST_STATIC int unchecked_client_write(const ppml_client *c, ppml_writer *writer) {
  ppml_header h = {
      PPML_KIND_CLIENT, PPML_FORMAT_VERSION, c->params, ppmli_client_wire_bytes(c), {0}, {0}};
  ppmli_out out;
  memcpy(h.circuit_id, c->circuit_id, PPML_ID_BYTES);
  ppmli_out_begin(&out, writer, &h);
  ppmli_client_put(&out, c);
  return ppmli_out_end(&out);
}

TEST_STATIC int unchecked_model_write(const ppml_model *m, ppml_writer *writer) {
  ppml_header h = {PPML_KIND_MODEL, PPML_FORMAT_VERSION, NULL, ppmli_model_wire_bytes(m), {0}, {0}};
  ppmli_out out;
  ppmli_model_id(h.circuit_id, m);
  ppmli_out_begin(&out, writer, &h);
  ppmli_model_put(&out, m);
  return ppmli_out_end(&out);
}

TEST_STATIC int unchecked_circuit_write(const ppml_circuit *c, ppml_writer *writer) {
  ppml_certificate certificate;
  ppmli_circuit_certificate(&certificate, c);
  return ppmli_circuit_put_file(c, &certificate, writer);
}

/* Writes an object, valid or not; the library's writer must refuse just what its reader, whose
 * verdict is `read`, refuses.
 *   writer  to memory that has room for it twice */
#define check_writer_agrees(kind, object, read)                                                    \
  do {                                                                                             \
    static uint8_t again[1 << 18];                                                                 \
    ppml_writer checked = ppml_writer_to_memory(again, sizeof again);                              \
    int written = ppml_##kind##_write((object), &checked);                                         \
    ck_assert_msg((written == PPML_OK) == ((read) == PPML_OK), "written: %s, read: %s",            \
                  ppml_strerror(written), ppml_strerror(read));                                    \
    ck_assert(written == PPML_OK || written == PPML_ERR_RANGE || written == PPML_ERR_ARG);         \
  } while (0)

#endif
