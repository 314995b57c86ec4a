#include "sip/timer.h"

#include "sip/lex.h"
#include "sip/print.h"
#include "sip/value.h"

/* delta-seconds *(SEMI param) (4, 5). */
static bool interval_parse(struct str value, uint32_t *seconds, struct str *params)
{
	size_t digits = 0;

	*params = STR("");
	while (digits < value.n && value.p[digits] >= '0' && value.p[digits] <= '9')
		digits++;
	*params = sip_trim(str_skip(value, digits));
	if (digits == 0 || !sip_seconds_parse((struct str){value.p, digits}, seconds))
		return false;
	if (params->n == 0)
		return true;
	if (params->p[0] != ';')
		return false;
	*params = str_skip(*params, 1);
	return sip_params_check(*params);
}

bool sip_timer_read(const struct sip_message *m, struct sip_timer_asked *asked)
{
	struct str       value, params;
	struct sip_param refresher;
	uint32_t         min;

	*asked = (struct sip_timer_asked){.supported =
						  sip_list_has(m, SIP_SUPPORTED, STR("timer")) ||
						  sip_list_has(m, SIP_REQUIRE, STR("timer")),
					  .min = SIP_TIMER_MIN_S};
	if (sip_header_find(m, SIP_MIN_SE, &value)) {
		if (!interval_parse(value, &min, &params))
			return false;
		asked->min = min > SIP_TIMER_MIN_S ? min : SIP_TIMER_MIN_S;
	}
	if (!sip_header_find(m, SIP_SESSION_EXPIRES, &value))
		return true;
	if (!interval_parse(value, &asked->seconds, &params) || asked->seconds == 0)
		return false;
	if (!sip_param_find(params, STR("refresher"), &refresher))
		return true;
	asked->refresher = sip_same(refresher.value, STR("uac"))   ? SIP_REFRESHER_UAC
			   : sip_same(refresher.value, STR("uas")) ? SIP_REFRESHER_UAS
								   : SIP_REFRESHER_NONE;
	return asked->refresher != SIP_REFRESHER_NONE;
}

bool sip_timer_grant(const struct sip_timer_asked *asked, bool offers, struct sip_timer *t)
{
	uint32_t seconds = asked->seconds;

	*t = (struct sip_timer){0};
	if (seconds == 0 && offers && asked->supported)
		seconds = SIP_TIMER_S;
	if (seconds == 0)
		return true;
	if (seconds < SIP_TIMER_MIN_S)
		return !asked->supported; /* a proxy's, and not to be granted */
	seconds = seconds < SIP_TIMER_MAX_S ? seconds : SIP_TIMER_MAX_S;
	t->seconds = seconds > asked->min ? seconds : asked->min;
	t->refresher = !asked->supported                        ? SIP_REFRESHER_UAS
		       : asked->refresher != SIP_REFRESHER_NONE ? asked->refresher
								: SIP_REFRESHER_UAC;
	return true;
}

static void put_interval(struct put *w, const struct sip_timer *t)
{
	sip_put_header_begin(w, SIP_SESSION_EXPIRES);
	put_number(w, t->seconds);
	if (t->refresher != SIP_REFRESHER_NONE)
		put_str(w, t->refresher == SIP_REFRESHER_UAC ? STR(";refresher=uac")
							     : STR(";refresher=uas"));
	sip_put_header_end(w);
}

void sip_timer_put_answer(struct put *w, const struct sip_timer *t)
{
	if (t->seconds == 0)
		return;
	if (t->refresher == SIP_REFRESHER_UAC)
		sip_put_header(w, SIP_REQUIRE, STR("timer"));
	put_interval(w, t);
}

void sip_timer_put_request(struct put *w, const struct sip_timer *t, uint32_t min)
{
	sip_put_header(w, SIP_SUPPORTED, STR("timer"));
	put_interval(w, t);
	if (min > SIP_TIMER_MIN_S)
		sip_put_header_number(w, SIP_MIN_SE, min);
}

uint64_t sip_timer_patience_us(uint32_t seconds)
{
	uint32_t early = seconds / 3 < 32 ? seconds / 3 : 32;

	return (uint64_t)(seconds - early) * US_PER_SECOND;
}
