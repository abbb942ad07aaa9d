/* Arduino.h - a stand-in for an Arduino core: what the sketch calls of one, on a board of examples/firmware.
 * Its serial line is files: in0, in1 come in, out0, out1 go out, each whole. */
#ifndef ARDUINO_H
#define ARDUINO_H

#include <stddef.h>
#include <stdint.h>

struct serial_line {
  void begin(unsigned long baud);
  void setTimeout(unsigned long ms);
  int read();
  size_t readBytes(char *bytes, size_t count);
  size_t write(const uint8_t *bytes, size_t count);
  size_t println(const char *text);
};
extern serial_line Serial;

void delay(unsigned long ms);
void setup();
void loop();

#endif
