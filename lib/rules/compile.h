/* Compiling rules, in control only: the rule language (JSON, as apply files have it), Hyperscan
 * compilation, the image. Allocates, takes time. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <hs/hs.h>

struct rules_source {
	const char *name;
	const char *when, *then; /* JSON text */
};

/* Called for each fault: which rule (index), which key path ("when.all[1].text"), what is wrong and
 * what would be right. */
typedef void rules_fault_fn(void *user, size_t rule, const char *key, const char *text);

/* Check without compiling databases: language, patterns (hs_expression_info), actions. Returns the
 * number of faults. */
size_t rules_check(const struct rules_source rules[], size_t n, rules_fault_fn *fault, void *user);

/* Compile for a platform (NULL: this machine's). 0 and an image that the caller frees with free();
 * or -EINVAL after faults, -ENOMEM. */
int rules_compile(const struct rules_source rules[], size_t n, const hs_platform_info_t *platform,
		  uint8_t **image, size_t *size, rules_fault_fn *fault, void *user);
