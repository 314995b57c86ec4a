/* Large tables as zeroed pages of their own, which take memory only where they are touched. At
 * start and at the end. */
#pragma once

#include <stddef.h>

void *pages_new(size_t size);               /* NULL: no memory; the caller owns */
void  pages_free(void *pages, size_t size); /* NULL is allowed */
