#include "client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>

#define REPLY_MAX (256u << 20)

struct client {
	CURL *curl;
	char  path[256];
	char  detail[CURL_ERROR_SIZE];
};

struct bytes {
	char  *p;
	size_t n, room;
};

struct client *client_new(const char *socket_path)
{
	struct client *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return NULL;
	c->curl = curl_easy_init();
	if (c->curl == NULL) {
		free(c);
		return NULL;
	}
	snprintf(c->path, sizeof(c->path), "%s", socket_path);
	return c;
}

void client_free(struct client *c)
{
	curl_easy_cleanup(c->curl);
	free(c);
}

static size_t on_bytes(char *bytes, size_t size, size_t count, void *user)
{
	struct bytes *b = user;
	size_t        n = size * count;

	if (n > REPLY_MAX - b->n)
		return 0;
	if (b->n + n > b->room) {
		size_t room = (b->n + n) * 2;
		char  *grown = realloc(b->p, room);

		if (grown == NULL)
			return 0;
		b->p = grown;
		b->room = room;
	}
	memcpy(b->p + b->n, bytes, n);
	b->n += n;
	return n;
}

/* "http://cpm/v1/route/list?from=%2B46": every argument as it is written. The caller frees. */
static char *url_make(struct client *c, enum ctl_command command, const json_t *args)
{
	char       *url = NULL, path[64];
	size_t      size = 0;
	FILE       *f = open_memstream(&url, &size);
	const char *name;
	json_t     *value;
	char        separator = '?';

	if (f == NULL)
		return NULL;
	ctl_path(command, path);
	fprintf(f, "http://cpm%s", path);
	json_object_foreach((json_t *)args, name, value)
	{
		char *text = json_is_string(value)
				     ? strdup(json_string_value(value))
				     : json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
		char *escaped = text != NULL ? curl_easy_escape(c->curl, text, 0) : NULL;

		if (escaped != NULL)
			fprintf(f, "%c%s=%s", separator, name, escaped);
		separator = '&';
		curl_free(escaped);
		free(text);
	}
	fclose(f);
	return url;
}

static void why_unreachable(const struct client *c, CURLcode code, char error[512])
{
	if (code == CURLE_COULDNT_CONNECT)
		snprintf(error, 512,
			 "cpm-control cannot be reached at %.160s; is it running (systemctl status "
			 "cpm-control), and may you use its socket?",
			 c->path);
	else
		snprintf(error, 512,
			 "cpm-control at %.160s did not answer: %s; look at its log (journalctl -u "
			 "cpm-control)",
			 c->path, c->detail[0] != '\0' ? c->detail : curl_easy_strerror(code));
}

long client_call(struct client *c, enum ctl_command command, const json_t *args, const char *body,
		 size_t body_size, json_t **reply, char error[512])
{
	bool               post = strcmp(ctl_method(command), "POST") == 0;
	bool               raw = body != NULL;
	char              *url = url_make(c, command, post && !raw ? NULL : args);
	char              *json = post && !raw ? json_dumps(args, JSON_COMPACT) : NULL;
	struct bytes       got = {NULL, 0, 0};
	struct curl_slist *headers = curl_slist_append(
		NULL, raw ? "Content-Type: application/yaml" : "Content-Type: application/json");
	CURLcode code;
	long     status = 0;

	curl_easy_reset(c->curl);
	curl_easy_setopt(c->curl, CURLOPT_UNIX_SOCKET_PATH, c->path);
	curl_easy_setopt(c->curl, CURLOPT_URL, url);
	curl_easy_setopt(c->curl, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(c->curl, CURLOPT_ERRORBUFFER, c->detail);
	curl_easy_setopt(c->curl, CURLOPT_WRITEFUNCTION, on_bytes);
	curl_easy_setopt(c->curl, CURLOPT_WRITEDATA, &got);
	curl_easy_setopt(c->curl, CURLOPT_NOSIGNAL, 1L);
	if (post) {
		curl_easy_setopt(c->curl, CURLOPT_POST, 1L);
		curl_easy_setopt(c->curl, CURLOPT_POSTFIELDSIZE_LARGE,
				 (curl_off_t)(raw ? body_size : strlen(json)));
		curl_easy_setopt(c->curl, CURLOPT_POSTFIELDS, raw ? body : json);
	}
	code = url != NULL ? curl_easy_perform(c->curl) : CURLE_OUT_OF_MEMORY;
	*reply = NULL;
	if (code == CURLE_OK) {
		curl_easy_getinfo(c->curl, CURLINFO_RESPONSE_CODE, &status);
		*reply = json_loadb(got.p != NULL ? got.p : "", got.n, 0, NULL);
		if (*reply == NULL)
			snprintf(error, 512, "cpm-control answered with status %ld and no JSON",
				 status);
	} else {
		why_unreachable(c, code, error);
	}
	curl_slist_free_all(headers);
	free(url);
	free(json);
	free(got.p);
	return *reply != NULL ? status : 0;
}
