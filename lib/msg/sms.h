/*
 * What a short message says beside its text (TS 23.038, 4; TS 23.040, 9.2.3.9), as fields that a
 * message keeps whichever protocol it came by. The form: 0, or MSG_SMS_CLASS and the class (0 is
 * shown at once), or MSG_SMS_DISCARD or MSG_SMS_STORE (what is to be done with the text), 8 where
 * something waits, and what that is: 0 voice mail, 1 fax, 2 e-mail, 3 other. Pure; any thread.
 */
#pragma once

#include "msg/msg.h"

#define MSG_SMS_CLASS 0x10u
#define MSG_SMS_DISCARD 0xc0u
#define MSG_SMS_STORE 0xd0u
#define MSG_SMS_WAITING_MASK 0x0bu

/* Of a data coding scheme. SMPP's data_coding has the same groups (3.4, 5.2.19). */
static inline uint8_t msg_sms_form(uint8_t dcs)
{
	if (dcs >= 0xf0 || (dcs < 0x80 && (dcs & 0x10) != 0))
		return (uint8_t)(MSG_SMS_CLASS | (dcs & 3));
	if (dcs >= MSG_SMS_DISCARD)
		return (uint8_t)((dcs < MSG_SMS_STORE ? MSG_SMS_DISCARD : MSG_SMS_STORE) |
				 (dcs & MSG_SMS_WAITING_MASK));
	return 0;
}

/* The scheme of a form and a coding, of which TS 23.038 has the GSM alphabet and UCS-2; all else is
 * 8-bit data, with which nothing can be said to wait. In UCS-2 what waits is always stored. */
static inline uint8_t msg_sms_dcs(uint8_t form, enum msg_coding coding)
{
	unsigned alphabet = coding == MSG_CODING_GSM7 ? 0 : coding == MSG_CODING_UCS2 ? 8 : 4;

	if (form == 0 || (form >= MSG_SMS_DISCARD && alphabet == 4))
		return (uint8_t)alphabet;
	if (form < MSG_SMS_DISCARD)
		return (uint8_t)(form | alphabet);
	return (uint8_t)(alphabet == 8 ? 0xe0 | (form & MSG_SMS_WAITING_MASK) : form);
}
