/* Between reasons and command_status (SMPP 3.4, 5.1.3), both ways. Pure; any thread. */
#pragma once

#include "proto/proto.h"
#include "smpp/pdu.h"

/* Pause after a peer's throttling answers: the standard has no field for it. */
#define SMPP_RETRY_THROTTLED_MS 1000u

/* The status that answers a request of this command; a status of another SMPP peer is passed on as
 * it is. */
uint32_t smpp_status_of_result(uint32_t command, const struct result *r, uint8_t protocol);
uint32_t smpp_status_of_reason(uint32_t command, enum reason why);
uint32_t smpp_status_of_login(enum reason why);

/* Why a parser or map refused with this status, for the counter. */
enum reason smpp_reason_of_fault(uint32_t status);
/* What a peer's answer means; *retry_after_ms is 0 where it does not ask to slow down. */
enum reason smpp_reason_of_status(uint32_t status, uint32_t *retry_after_ms);
/* Why a peer refused our bind. */
enum reason smpp_reason_of_bind(uint32_t status);
