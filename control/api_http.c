/*
 * HTTP by libmicrohttpd, run from control's event loop: MHD's own epoll descriptor is watched, and
 * a timer descriptor stands for the times at which MHD wants to be called without one. No thread of
 * its own, so that handlers need no locks.
 */
#include "api.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <unistd.h>

#include <microhttpd.h>

#include "api_call.h"
#include "base/log.h"

#define BODY_APPLY_MAX (256u << 20) /* a million routes are some 50 MB */
#define BODY_MAX (1u << 20)
#define CONNECTIONS_MAX 64u
#define IDLE_S 60u
#define RUNS_MAX 32u        /* of MHD in one turn of control's loop */
#define JSON_DEPTH_TEXT 32u /* brackets that may be open in a body */

struct api {
	struct control    *control;
	struct MHD_Daemon *daemon;
	int                timer_fd, epoll_fd;
	ino_t              inode; /* of our socket: a successor's is not ours to remove */
	char               path[108];
};

struct request {
	enum ctl_command command;
	unsigned         status; /* of an error found before the body was there; 0: none */
	const char      *error;
	char            *body; /* NUL-terminated */
	size_t           size, room, limit;
	char             who[32];
};

static void (*const handlers[CTL_COUNT])(struct api_call *call) = {
#define CMD(id, grammar, role, help) [CTL_##id] = api_##id,
#include "ctl/commands.def"
#undef CMD
};

/* ---- one request ---- */

static enum MHD_Result reply_send(struct MHD_Connection *connection, unsigned status, json_t *reply)
{
	char                *text = json_dumps(reply, JSON_COMPACT);
	struct MHD_Response *response;
	enum MHD_Result      result;

	if (text == NULL)
		return MHD_NO;
	response = MHD_create_response_from_buffer(strlen(text), text, MHD_RESPMEM_MUST_FREE);
	if (response == NULL) {
		free(text);
		return MHD_NO;
	}
	MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, "application/json");
	result = MHD_queue_response(connection, status, response);
	MHD_destroy_response(response);
	return result;
}

static enum MHD_Result error_send(struct MHD_Connection *connection, unsigned status,
				  const char *text)
{
	json_t         *reply = json_pack("{s:s, s:[]}", "error", text, "faults");
	enum MHD_Result result = reply_send(connection, status, reply);

	json_decref(reply);
	return result;
}

/* Who asks, and whether he may. */
static bool role_check(struct MHD_Connection *connection, struct request *r)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	struct ucred  peer;
	socklen_t     size = sizeof(peer);
	enum ctl_role role = ROLE_VIEW;

	if (info == NULL ||
	    getsockopt(info->connect_fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0) {
		r->status = API_FORBIDDEN;
		r->error = "the socket does not say who asks";
		return false;
	}
	snprintf(r->who, sizeof(r->who), "uid %u", peer.uid);
	role = ctl_role_of(peer.uid, peer.gid, geteuid(), getegid());
	if (role >= ctl_role(r->command))
		return true;
	r->status = API_FORBIDDEN;
	r->error = "you may not do this; ask as root or as the user of cpm-control";
	return false;
}

static struct request *request_new(struct MHD_Connection *connection, const char *url,
				   const char *method)
{
	struct request *r = calloc(1, sizeof(*r));
	const char     *length = MHD_lookup_connection_value(connection, MHD_HEADER_KIND,
							     MHD_HTTP_HEADER_CONTENT_LENGTH);

	if (r == NULL)
		return NULL;
	if (!ctl_find(url, &r->command)) {
		r->status = API_NOT_FOUND;
		r->error = "there is no such path; paths are /v1/ and the words of a command, as "
			   "in /v1/route/list";
	} else if (strcmp(method, ctl_method(r->command)) != 0) {
		r->status = MHD_HTTP_METHOD_NOT_ALLOWED;
		r->error = strcmp(method, "GET") == 0 ? "this changes something: use POST"
						      : "this changes nothing: use GET";
	} else if (role_check(connection, r)) {
		r->limit = r->command == CTL_apply ? BODY_APPLY_MAX : BODY_MAX;
		if (length != NULL && strtoull(length, NULL, 10) > r->limit) {
			r->status = API_TOO_LARGE;
			r->error = "the body is too long: at most 256 MiB for apply and 1 MiB for "
				   "others";
		}
	}
	return r;
}

static void body_append(struct request *r, const char *bytes, size_t n)
{
	if (r->status != 0)
		return;
	if (n > r->limit - r->size) {
		r->status = API_TOO_LARGE;
		r->error = "the body is too long: at most 256 MiB for apply and 1 MiB for others";
		return;
	}
	if (r->size + n + 1 > r->room) {
		size_t room = (r->size + n + 1) * 2;
		char  *grown = realloc(r->body, room);

		if (grown == NULL) {
			r->status = API_UNAVAILABLE;
			r->error = "no memory for the body";
			return;
		}
		r->body = grown;
		r->room = room;
	}
	memcpy(r->body + r->size, bytes, n);
	r->size += n;
	r->body[r->size] = '\0';
}

static enum MHD_Result argument_add(void *user, enum MHD_ValueKind kind, const char *key,
				    const char *value)
{
	(void)kind;
	if (json_object_set_new((json_t *)user, key, json_string(value != NULL ? value : "")) < 0)
		log_debug("api.argument_dropped", "reason=utf8");
	return MHD_YES;
}

/* Deeper than any request is; jansson's own limit is 2,048. */
static bool too_deep(const char *text)
{
	unsigned depth = 0;
	bool     quoted = false;

	for (; *text != '\0'; text++) {
		if (quoted && *text == '\\' && text[1] != '\0')
			text++;
		else if (*text == '"')
			quoted = !quoted;
		else if (!quoted && (*text == '{' || *text == '[') && ++depth > JSON_DEPTH_TEXT)
			return true;
		else if (!quoted && (*text == '}' || *text == ']') && depth > 0)
			depth--;
	}
	return false;
}

/* Arguments: those of the query, and the members of a JSON body. NULL: an error was replied to the
 * call. */
static json_t *arguments_read(struct MHD_Connection *connection, const struct request *r,
			      struct api_call *call)
{
	json_t      *args = json_object(), *body;
	json_error_t error;

	MHD_get_connection_values(connection, MHD_GET_ARGUMENT_KIND, argument_add, args);
	if (r->command == CTL_apply || r->size == 0)
		return args;
	if (too_deep(r->body)) {
		api_error(call, API_BAD_REQUEST, NULL, "the body is nested deeper than %u",
			  JSON_DEPTH_TEXT);
		json_decref(args);
		return NULL;
	}
	body = json_loadb(r->body, r->size, JSON_REJECT_DUPLICATES, &error);
	if (body == NULL)
		api_error(call, API_BAD_REQUEST, NULL, "the body is not JSON: line %d: %s",
			  error.line, error.text);
	else if (!json_is_object(body))
		api_error(call, API_BAD_REQUEST, NULL,
			  "the body is no object; write {\"key\": value}");
	else
		json_object_update(args, body);
	if (!json_is_object(body)) {
		json_decref(args);
		args = NULL;
	}
	json_decref(body);
	return args;
}

static enum MHD_Result request_answer(struct api *api, struct MHD_Connection *connection,
				      struct request *r)
{
	struct api_call call = {.control = api->control,
				.body = r->body != NULL ? r->body : "",
				.body_size = r->size};
	enum MHD_Result result;

	if (r->status != 0)
		return error_send(connection, r->status, r->error);
	memcpy(call.who, r->who, sizeof(call.who));
	call.args = arguments_read(connection, r, &call);
	if (call.args != NULL)
		handlers[r->command](&call);
	result = reply_send(connection, call.status, call.reply);
	json_decref(call.args);
	json_decref(call.reply);
	return result;
}

/* MHD calls it when the head is there, for each piece of the body, and when the body is complete.
 */
static enum MHD_Result on_request(void *user, struct MHD_Connection *connection, const char *url,
				  const char *method, const char *version, const char *piece,
				  size_t *piece_size, void **of_request)
{
	struct request *r = *of_request;

	(void)version;
	if (r == NULL) {
		*of_request = r = request_new(connection, url, method);
		if (r == NULL)
			return MHD_NO;
		/* Answered before the body comes: a client that waits for "100 Continue" sends
		 * none. */
		return r->status != 0 ? error_send(connection, r->status, r->error) : MHD_YES;
	}
	if (*piece_size > 0) {
		body_append(r, piece, *piece_size);
		*piece_size = 0;
		return MHD_YES;
	}
	return request_answer(user, connection, r);
}

static void on_completed(void *user, struct MHD_Connection *connection, void **of_request,
			 enum MHD_RequestTerminationCode why)
{
	struct request *r = *of_request;

	(void)user, (void)connection, (void)why;
	if (r != NULL) {
		if (r->body != NULL)
			explicit_bzero(r->body, r->size); /* it may hold passwords */
		free(r->body);
		free(r);
	}
	*of_request = NULL;
}

/* ---- running it ---- */

/* Let MHD work, and set the timer to when it wants to be called again whatever happens. */
static void api_run(struct api *api)
{
	struct itimerspec  at = {0};
	unsigned long long wait_ms = 0;
	bool               waits = false;

	for (unsigned i = 0; i < RUNS_MAX && !waits; i++) {
		MHD_run(api->daemon);
		if (MHD_get_timeout(api->daemon, &wait_ms) != MHD_YES)
			wait_ms = IDLE_S * 1000;
		waits = wait_ms > 0;
	}
	if (!waits)
		wait_ms = 1;
	at.it_value.tv_sec = (time_t)(wait_ms / 1000);
	at.it_value.tv_nsec = (long)(wait_ms % 1000) * 1000000;
	if (timerfd_settime(api->timer_fd, 0, &at, NULL) < 0)
		log_error("api.timer", "errno=%d", errno);
}

static void on_readable(void *user)
{
	api_run(user);
}

static void on_timer(void *user)
{
	struct api *api = user;
	uint64_t    count;

	if (read(api->timer_fd, &count, sizeof(count)) == sizeof(count))
		api_run(api);
}

static int socket_listen(const char *path, char error[256])
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int                fd;
	mode_t             before;
	int                err;

	if (!str_copy(address.sun_path, sizeof(address.sun_path), str_of(path))) {
		snprintf(error, 256, "the path of the socket is longer than %zu characters",
			 sizeof(address.sun_path) - 1);
		return -1;
	}
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	unlink(path);
	before = umask(0117); /* 0660 from the first moment on */
	err = fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
			      listen(fd, 64) < 0
		      ? errno
		      : 0;
	umask(before);
	if (err == 0)
		return fd;
	snprintf(error, 256, "%s: %s; is its folder there, and may this user write to it?", path,
		 strerror(err));
	if (fd >= 0)
		close(fd);
	return -1;
}

struct api *api_new(struct control *c, const char *socket_path, char error[256])
{
	struct api *api = calloc(1, sizeof(*api));
	struct stat about;
	int         fd = -1;

	if (api == NULL) {
		snprintf(error, 256, "no memory");
		return NULL;
	}
	api->control = c;
	str_copy(api->path, sizeof(api->path), str_of(socket_path));
	api->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (api->timer_fd < 0) {
		snprintf(error, 256, "timer: %s", strerror(errno));
		goto free_api;
	}
	fd = socket_listen(socket_path, error);
	if (fd < 0)
		goto close_timer;
	if (stat(socket_path, &about) == 0)
		api->inode = about.st_ino;
	api->daemon = MHD_start_daemon(
		MHD_USE_EPOLL, 0, NULL, NULL, on_request, api, MHD_OPTION_LISTEN_SOCKET, fd,
		MHD_OPTION_NOTIFY_COMPLETED, on_completed, NULL, MHD_OPTION_CONNECTION_LIMIT,
		CONNECTIONS_MAX, MHD_OPTION_CONNECTION_TIMEOUT, IDLE_S,
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)65536, MHD_OPTION_END);
	if (api->daemon == NULL) {
		snprintf(error, 256, "the HTTP server does not start on %s", socket_path);
		goto close_socket;
	}
	api->epoll_fd = MHD_get_daemon_info(api->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
	control_watch(c, api->epoll_fd, on_readable, api);
	control_watch(c, api->timer_fd, on_timer, api);
	return api;
close_socket:
	close(fd);
close_timer:
	close(api->timer_fd);
free_api:
	free(api);
	return NULL;
}

void api_free(struct api *api)
{
	struct stat about;

	if (api == NULL)
		return;
	control_unwatch(api->control, api->epoll_fd);
	control_unwatch(api->control, api->timer_fd);
	if (stat(api->path, &about) == 0 && about.st_ino == api->inode)
		unlink(api->path);
	MHD_stop_daemon(api->daemon); /* closes the listening socket */
	close(api->timer_fd);
	free(api);
}
