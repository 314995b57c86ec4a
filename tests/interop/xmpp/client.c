/* libstrophe, driven as client.py is: client USER PASSWORD RESOURCE reads "send ID TO TEXT" and
 * "quit" from stdin and says what happens. It answers requests for receipts. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <strophe.h>

#define RECEIPTS "urn:xmpp:receipts"

static xmpp_ctx_t *context;

static xmpp_stanza_t *child_new(xmpp_stanza_t *parent, const char *name, const char *space)
{
	xmpp_stanza_t *child = xmpp_stanza_new(context);

	xmpp_stanza_set_name(child, name);
	xmpp_stanza_set_ns(child, space);
	xmpp_stanza_add_child(parent, child);
	xmpp_stanza_release(child);
	return child;
}

static int on_message(xmpp_conn_t *conn, xmpp_stanza_t *m, void *data)
{
	const char *from = xmpp_stanza_get_from(m), *id = xmpp_stanza_get_id(m),
		   *type = xmpp_stanza_get_type(m);
	xmpp_stanza_t *received = xmpp_stanza_get_child_by_name_and_ns(m, "received", RECEIPTS);
	char          *body = xmpp_message_get_body(m);

	if (type != NULL && strcmp(type, "error") == 0) {
		xmpp_stanza_t *error = xmpp_stanza_get_child_by_name(m, "error");

		printf("error %s %s\n", id, xmpp_stanza_get_name(xmpp_stanza_get_children(error)));
		return 1;
	}
	if (received != NULL)
		printf("receipt %s\n", xmpp_stanza_get_id(received));
	if (body != NULL)
		printf("message %s %s\n", from, body);
	xmpp_free(context, body);
	if (xmpp_stanza_get_child_by_name_and_ns(m, "request", RECEIPTS) != NULL) {
		xmpp_stanza_t *answer = xmpp_message_new(context, type, from, NULL);

		xmpp_stanza_set_id(child_new(answer, "received", RECEIPTS), id);
		xmpp_send(conn, answer);
		xmpp_stanza_release(answer);
	}
	return 1;
}

static void on_connection(xmpp_conn_t *conn, xmpp_conn_event_t event, int error,
			  xmpp_stream_error_t *stream_error, void *data)
{
	xmpp_stanza_t *presence;

	if (event != XMPP_CONN_CONNECT) {
		printf("disconnected\n");
		xmpp_stop(context);
		return;
	}
	xmpp_handler_add(conn, on_message, NULL, "message", NULL, NULL);
	presence = xmpp_presence_new(context);
	xmpp_send(conn, presence);
	xmpp_stanza_release(presence);
	printf("started %s\n", xmpp_conn_get_bound_jid(conn));
}

static void command(xmpp_conn_t *conn, char *line)
{
	char *word = strtok(line, " "), *id = strtok(NULL, " "), *to = strtok(NULL, " "),
	     *text = strtok(NULL, "");

	if (word != NULL && strcmp(word, "quit") == 0) {
		xmpp_disconnect(conn);
	} else if (text != NULL) {
		xmpp_stanza_t *m = xmpp_message_new(context, "chat", to, id);

		xmpp_message_set_body(m, text);
		child_new(m, "request", RECEIPTS);
		xmpp_send(conn, m);
		xmpp_stanza_release(m);
	}
}

static int on_tick(xmpp_conn_t *conn, void *data)
{
	char line[4096];

	if (fgets(line, sizeof(line), stdin) != NULL) {
		line[strcspn(line, "\n")] = 0;
		command(conn, line);
	}
	clearerr(stdin);
	return 1;
}

int main(int argc, char **argv)
{
	char         jid[256];
	xmpp_conn_t *conn;

	if (argc != 4)
		return 2;
	setvbuf(stdout, NULL, _IOLBF, 0);
	fcntl(STDIN_FILENO, F_SETFL, O_NONBLOCK);
	xmpp_initialize();
	context = xmpp_ctx_new(NULL, xmpp_get_default_logger(XMPP_LEVEL_DEBUG));
	conn = xmpp_conn_new(context);
	snprintf(jid, sizeof(jid), "%s@example.org/%s", argv[1], argv[3]);
	xmpp_conn_set_jid(conn, jid);
	xmpp_conn_set_pass(conn, argv[2]);
	xmpp_conn_set_flags(conn, XMPP_CONN_FLAG_DISABLE_TLS);
	xmpp_timed_handler_add(conn, on_tick, 50, NULL);
	if (xmpp_connect_client(conn, "198.18.0.1", 5222, on_connection, NULL) != XMPP_EOK)
		return 1;
	xmpp_run(context);
	xmpp_conn_release(conn);
	xmpp_ctx_free(context);
	return 0;
}
