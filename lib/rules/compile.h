/* Compiling rules, in control only: the rule language (JSON, as apply files have it), Hyperscan
 * compilation, the image. Allocates, takes time. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <hs/hs.h>

struct rules_source {
	const char *name;
	const char *when, *then; /* JSON text */
};

/* How `reached` calls the protocols, RULES_PROTOCOLS_MAX of them by their index in protocols.def;
 * NULL: nobody registers in it. Lent for good. Once, when the program starts; without it no rule
 * can say `reached` but nobody. */
void rules_protocols_set(const char *const names[]);

/* Is it an image that this version of the language makes, as far as its head tells? */
bool rules_image_is_current(const uint8_t *image, size_t size);

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
