#include "identity.h"

#include "base/log.h"

static const char *given(const char *text)
{
	return text[0] != '\0' ? text : NULL;
}

bool identity_open(const struct conf_file *file, struct stir **store, char error[STIR_ERROR_SIZE])
{
	static const char *const attests[] = {
		[CONF_ATTEST_NONE] = NULL,
		[CONF_ATTEST_A] = "A",
		[CONF_ATTEST_B] = "B",
		[CONF_ATTEST_C] = "C",
	};
	const struct conf_stir *conf = &file->stir;
	struct stir_file        certificates[CONF_CERTIFICATES_MAX];
	const struct stir_files files = {.key = given(conf->key),
					 .url = given(conf->url),
					 .certificate = given(conf->certificate),
					 .attest = attests[conf->attest],
					 .origid = given(conf->origid),
					 .anchors = given(conf->anchors),
					 .count = file->certificate_count,
					 .certificates = certificates};

	*store = NULL;
	if (files.key == NULL && files.count == 0)
		return true;
	for (unsigned i = 0; i < files.count; i++)
		certificates[i] =
			(struct stir_file){file->certificates[i].url, file->certificates[i].file};
	*store = stir_new(&files, error);
	return *store != NULL;
}

void identity_warn(const struct stir *store, uint64_t wall_ms)
{
	const char *url;
	unsigned    at = 0;

	while (store != NULL && (url = stir_expired(store, wall_ms / 1000, &at)) != NULL)
		log_warn("stir.certificate_not_valid", "url=%s", url);
}
