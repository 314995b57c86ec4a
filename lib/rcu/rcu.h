/* Thin names over liburcu, QSBR flavour. Readers: the workers, registered, quiescent once a turn,
 * offline while they sleep. Writer: the management thread. */
#pragma once

#include <stdint.h>

#include <urcu-qsbr.h>

/* The integer in between drops const: liburcu takes void *. */
#define rcu_publish(pointer, value)                                                                \
	rcu_set_pointer_sym((void **)(uintptr_t) & (pointer), (void *)(uintptr_t)(value))
#define rcu_read(pointer) rcu_dereference(pointer)

static inline void rcu_thread_begin(void)
{
	rcu_register_thread();
}

static inline void rcu_thread_end(void)
{
	rcu_unregister_thread();
}

static inline void rcu_quiescent(void)
{
	rcu_quiescent_state();
}

/* Around a sleep: a grace period does not wait for this thread. */
static inline void rcu_offline(void)
{
	rcu_thread_offline();
}

static inline void rcu_online(void)
{
	rcu_thread_online();
}

/* Wait until every registered and online reader has been quiescent. Writer only. */
static inline void rcu_wait(void)
{
	synchronize_rcu();
}
