/* SHA-256 for the other files of the module. No memory; pure; any thread. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define STIR_SHA256_SIZE 32u

void stir_sha256(const void *bytes, size_t n, uint8_t digest[STIR_SHA256_SIZE]);
