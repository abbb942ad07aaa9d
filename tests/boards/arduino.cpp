/* arduino.cpp - the stand-in's functions, and the main that a core has around setup and loop. */
#include "Arduino.h"

extern "C" {
#include "../../examples/firmware/board.h"
}

serial_line Serial;
static char in_name[] = "in0", out_name[] = "out0";
static int in = -1, out = -1;

void serial_line::begin(unsigned long) {
}

void serial_line::setTimeout(unsigned long) {
}

/* Nothing is being sent where this is asked: what was sent is whole. */
int serial_line::read() {
  unsigned char byte;
  if (out >= 0) {
    board_close(out);
    out = -1;
    out_name[3]++;
  }
  if (in < 0) in = board_open(in_name, 0);
  if (in < 0) return -1;
  if (board_read(in, &byte, 1) == 1) return byte;
  board_close(in);
  in = -1;
  in_name[2]++;
  return -1;
}

size_t serial_line::readBytes(char *bytes, size_t count) {
  return in < 0 ? 0 : board_read(in, bytes, count);
}

size_t serial_line::write(const uint8_t *bytes, size_t count) {
  if (out < 0) out = board_open(out_name, 1);
  return out < 0 || board_write(out, bytes, count) != 0 ? 0 : count;
}

size_t serial_line::println(const char *text) {
  size_t length = 0;
  while (text[length]) length++;
  return write((const uint8_t *)text, length) + write((const uint8_t *)"\r\n", 2);
}

void delay(unsigned long) {
}

int main() {
  setup();
  while (out_name[3] < '2') loop();
  return 0;
}
