/*
 * Assertions are for our own bugs, never for a peer's bytes or an operator's input. ASSERT stays in
 * release and ends the process with file, line and condition; ASSERT_HOT is for inner loops and is
 * compiled in debug builds only.
 */
#pragma once

_Noreturn void assert_failed(const char *condition, const char *file, int line);

#define ASSERT(condition) ((condition) ? (void)0 : assert_failed(#condition, __FILE__, __LINE__))

#ifdef CPM_DEBUG
#define ASSERT_HOT(condition) ASSERT(condition)
#else
#define ASSERT_HOT(condition) ((void)0)
#endif
