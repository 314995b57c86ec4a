#include "sip/msrp.h"

static const struct status {
	uint16_t code;
	enum reason_class class;
	struct str comment;
} statuses[] = {
#define MSRP_STATUS(code, comment, class)                                                          \
	{code, REASON_CLASS_##class, {comment, sizeof(comment) - 1}},
#include "sip/msrp_statuses.def"
#undef MSRP_STATUS
};

static const struct status *status_find(unsigned code)
{
	for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
		if (statuses[i].code == code)
			return &statuses[i];
	}
	return NULL;
}

struct str msrp_status_comment(unsigned status)
{
	const struct status *s = status_find(status);

	return s != NULL ? s->comment : STR("");
}

enum reason msrp_reason_of_status(unsigned status)
{
	const struct status *s = status_find(status);

	if (s == NULL)
		return status / 100 == 2 ? REASON_NONE : REASON_PEER_PERMANENT;
	if (s->class == REASON_CLASS_OK)
		return REASON_NONE;
	return s->class == REASON_CLASS_TEMPORARY ? REASON_PEER_TEMPORARY : REASON_PEER_PERMANENT;
}

unsigned msrp_status_of_sip(unsigned status)
{
	switch (status) {
	case 400:
	case 413:
	case 415:
		return status;
	case 405:
	case 406:
	case 501:
		return 501;
	case 513:
		return 413;
	case 408:
	case 480:
	case 486:
	case 500:
	case 503:
	case 504:
	case 600:
		return 408; /* of those that MSRP has the one after which the sender may try again
			     */
	default:
		return status / 100 == 2 ? 200 : 403;
	}
}
