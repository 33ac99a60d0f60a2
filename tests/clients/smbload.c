/*
 * smbload - many SMB clients in one process
 *
 * Opens thousands of connections to one share, each with open files, and lets
 * them open and close files as fast as the server can, to see what the server
 * grants at which moment.  Speaks just enough SMB 2.1 for an anonymous
 * session.
 *
 *   smbload -p PORT [-a ADDRESS,...] [-s SHARE] [-c CONNECTIONS] [-f FILES]
 *           [-n NAME] [-A ACCESS] [-d SHARE-MODE] [-o LEASE] [-r READ-LENGTH]
 *           [-b PAUSE] [-w WINDOW] [-l LOG]
 *
 * NAME is a template for the files to open: %c is the number of the
 * connection, %f that of the file.  ACCESS and SHARE-MODE are numbers, LEASE
 * is like "RWH" (leases are acknowledged when the server breaks them), PAUSE
 * is how many milliseconds a connection waits after a refused open, WINDOW is
 * how many connections are set up at the same time, LOG gets one line for
 * each answered CREATE: when it was sent, when it was answered, connection,
 * status.
 *
 * First it connects, opens the files and says READY.  Then it takes commands
 * from its standard input, one a line, and answers each with one line:
 *
 *   open              open the files that are not open        OPENED
 *   churn SECS        every connection loops CREATE, READ if
 *                     there is a READ-LENGTH, CLOSE           CHURNED
 *   stop              end the churn early                     CHURNED
 *   close C           close the files of one connection       CLOSED
 *   closebut C        close the files of all others           CLOSED
 *   closeall          close all files                         CLOSED
 *   drop [C]          close TCP connections without a word    DROPPED
 *   reset [C]         the same with a TCP reset               DROPPED
 *   connect           connect again what was dropped          CONNECTED
 *   since TIME        count the CREATEs since that moment     SINCE
 *   state             say how things are                      STATE
 *   quit
 *
 * A line is a time, a word and fields "name=value".  Lines that are no answer:
 * LASTCLOSE (no file is open any more), DEAD (a connection was lost), ERROR.
 * All times are CLOCK_REALTIME in seconds, to compare with those of others.
 *
 * A CREATE to which the server said STATUS_PENDING is parked: nobody waits
 * for it, an answer is given without it, and its fields say how many there
 * are.
 */

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MAX_ADDRESSES 16
#define MAX_NAME 256
#define MAX_REQUEST 2048
#define MAX_STATUSES 12
#define READ_CHUNK 16384

/* The frame: a length of four bytes, then the SMB2 header, then the body. */
#define FRAME_SIZE 4
#define HEADER_SIZE 64

enum smb2_command {
	SMB2_NEGOTIATE = 0,
	SMB2_SESSION_SETUP = 1,
	SMB2_TREE_CONNECT = 3,
	SMB2_CREATE = 5,
	SMB2_CLOSE = 6,
	SMB2_READ = 8,
	SMB2_OPLOCK_BREAK = 18,
};

#define STATUS_SUCCESS 0
#define STATUS_PENDING 0x00000103
#define STATUS_MORE_PROCESSING_REQUIRED 0xC0000016

#define NTLM_FLAGS 0x00088205
#define NTLM_ANONYMOUS 0x00000800

/* What a connection is waiting for; the states table says what then. */
enum state {
	DEAD,
	CONNECTING,
	NEGOTIATING,
	GREETING,	/* first SESSION_SETUP */
	AUTHENTICATING, /* second SESSION_SETUP */
	ATTACHING,	/* TREE_CONNECT */
	CREATING,
	READING,
	CLOSING,
	PAUSING,	/* after a refused open */
	IDLE,
	N_STATES,
};

struct file_id {
	uint8_t bytes[16];
};

struct conn {
	int number;
	int fd;
	enum state state;
	uint64_t next_mid;
	uint64_t session;
	uint32_t tree;

	struct file_id *files;
	int n_open;
	bool give_up;		/* an open failed in this phase */

	bool churning;		/* the CREATE under way belongs to a churn */
	bool churn_open;
	bool churn_read;
	struct file_id churn_file;

	double sent;		/* when the CREATE under way was sent */
	bool parked;		/* ... and it was answered STATUS_PENDING */
	double resume;		/* when PAUSING ends */
	struct conn *next_paused;

	uint8_t *input;
	size_t input_length;
	size_t input_size;
};

/* One CREATE that was answered. */
struct record {
	double sent;
	double answered;
	int conn;
	uint32_t status;
	bool parked;
};

/*
 * What all connections are doing.  A connection that has nothing under way
 * asks next(), which starts the next request or leaves it idle; when none is
 * busy the phase is over and report() answers the command.
 */
struct phase {
	void (*next)(struct conn *conn);
	void (*report)(double seconds);
};

static struct {
	const char *addresses[MAX_ADDRESSES];
	int n_addresses;
	int port;
	const char *share;
	const char *name;
	int conns;
	int files;
	int window;
	int read_length;
	double pause;
	uint32_t access;
	uint32_t share_mode;
	uint32_t lease;
	FILE *log;
} options = {
	.share = "pkg",
	.name = "f%c_%f",
	.conns = 10,
	.files = 1,
	.window = 32,
	.pause = 0.001,
	.access = 0x00120089, /* read */
	.share_mode = 7,
};

static struct conn *conns;
static int epoll_fd;

static int in_state[N_STATES];
static int n_parked;
static int n_open;
static int n_started;	  /* connections begun in this phase */
static int n_failed;	  /* opens refused in this phase */
static int n_breaks;
static double last_break;
static bool ready;	  /* READY was said */

static const struct phase *phase;
static double phase_began;
static double churn_until;
static int close_only, close_but; /* numbers of connections, or -1 */

static struct record *records;
static size_t n_records, max_records;
static size_t churn_first_record;

static struct conn *first_paused, *last_paused;

static uint8_t request[FRAME_SIZE + HEADER_SIZE + MAX_REQUEST];

/* Small things. */

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

static void die(const char *what)
{
	fprintf(stderr, "smbload: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void *checked(void *memory)
{
	if (memory == NULL)
		die("memory");
	return memory;
}

/* Say one line; the driver waits for it. */
static void say(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	printf("%.6f ", now());
	vprintf(format, arguments);
	putchar('\n');
	va_end(arguments);
}

static void put16(uint8_t *at, uint16_t value)
{
	at[0] = value;
	at[1] = value >> 8;
}

static void put32(uint8_t *at, uint32_t value)
{
	put16(at, value);
	put16(at + 2, value >> 16);
}

static void put64(uint8_t *at, uint64_t value)
{
	put32(at, value);
	put32(at + 4, value >> 32);
}

static uint16_t get16(const uint8_t *at)
{
	return at[0] | at[1] << 8;
}

static uint32_t get32(const uint8_t *at)
{
	return get16(at) | (uint32_t)get16(at + 2) << 16;
}

static uint64_t get64(const uint8_t *at)
{
	return get32(at) | (uint64_t)get32(at + 4) << 32;
}

static size_t put_utf16(uint8_t *at, const char *text)
{
	size_t n = 0;

	for (; *text != '\0'; text++) {
		at[n++] = *text;
		at[n++] = 0;
	}
	return n;
}

/* States and phases. */

/* How many connections the phase waits for. */
static int n_busy(void)
{
	int busy = options.conns - in_state[DEAD] - in_state[IDLE] - n_parked;

	/* Those that are not yet begun are counted as dead. */
	if (phase != NULL)
		busy += options.conns - n_started;
	return busy;
}

static void begin_phase(const struct phase *what)
{
	phase = what;
	phase_began = now();
	n_failed = 0;
	for (int i = 0; i < options.conns; i++)
		conns[i].give_up = false;
}

/* Answer the command when nobody is busy any more. */
static void end_phase_if_done(void)
{
	const struct phase *done = phase;

	if (done == NULL || n_busy() > 0)
		return;
	phase = NULL;
	done->report(now() - phase_began);
	if (options.log != NULL)
		fflush(options.log);
}

static void set_parked(struct conn *conn, bool parked)
{
	n_parked += parked - conn->parked;
	conn->parked = parked;
}

static void set_state(struct conn *conn, enum state state)
{
	in_state[conn->state]--;
	in_state[state]++;
	conn->state = state;
}

static void add_open(int n)
{
	bool was_open = n_open > 0;

	n_open += n;
	if (was_open && n_open == 0)
		say("LASTCLOSE");
}

static void unpause(struct conn *conn)
{
	struct conn **link = &first_paused;

	while (*link != NULL && *link != conn)
		link = &(*link)->next_paused;
	if (*link != NULL)
		*link = conn->next_paused;

	last_paused = first_paused;
	while (last_paused != NULL && last_paused->next_paused != NULL)
		last_paused = last_paused->next_paused;
}

static void lose(struct conn *conn, const char *why)
{
	if (conn->state == DEAD)
		return;
	if (conn->state == PAUSING)
		unpause(conn);
	set_parked(conn, false);
	set_state(conn, DEAD);
	close(conn->fd);
	conn->fd = -1;
	conn->input_length = 0;
	add_open(-conn->n_open - conn->churn_open);
	conn->n_open = 0;
	conn->churn_open = false;
	if (why != NULL)
		say("DEAD conn=%d dead=%d why=%s", conn->number,
		    in_state[DEAD], why);
}

/* Requests. */

/* The body of the next request, with nothing in it. */
static uint8_t *new_body(void)
{
	memset(request, 0, sizeof(request));
	return request + FRAME_SIZE + HEADER_SIZE;
}

/*
 * Send the request whose body is written.  There is one under way on a
 * connection (two with the acknowledgement of a break), so it always fits
 * into the buffer of the socket.
 */
static void send_body(struct conn *conn, enum smb2_command command,
		      size_t length)
{
	uint8_t *header = request + FRAME_SIZE;

	length += HEADER_SIZE;
	request[2] = length >> 8;
	request[3] = length;
	memcpy(header, "\xfeSMB", 4);
	put16(header + 4, HEADER_SIZE);
	put16(header + 6, 1);		/* credit charge */
	put16(header + 12, command);
	put16(header + 14, 16);		/* credits to ask for */
	put64(header + 24, conn->next_mid++);
	put32(header + 36, conn->tree);
	put64(header + 40, conn->session);
	length += FRAME_SIZE;
	if (send(conn->fd, request, length, MSG_NOSIGNAL) != (ssize_t)length)
		lose(conn, "send");
}

static void send_request(struct conn *conn, enum smb2_command command,
			 size_t length, enum state state)
{
	set_state(conn, state);
	send_body(conn, command, length);
}

/*
 * The identity of a client is its own: a server that knows it would hand the
 * connection to the process that serves that client already.
 */
static void send_negotiate(struct conn *conn)
{
	uint8_t *body = new_body();

	put16(body, 36);
	put16(body + 2, 1);		/* dialects */
	put16(body + 4, 1);		/* signing possible */
	put32(body + 12, getpid());
	put32(body + 16, conn->number);
	put64(body + 20, (uint64_t)(phase_began * 1e6));
	put16(body + 36, 0x0210);
	send_request(conn, SMB2_NEGOTIATE, 38, NEGOTIATING);
}

static void send_session_setup(struct conn *conn, const uint8_t *token,
			       size_t length, enum state state)
{
	uint8_t *body = new_body();

	put16(body, 25);
	body[3] = 1;			/* signing possible */
	put16(body + 12, HEADER_SIZE + 24);
	put16(body + 14, length);
	memcpy(body + 24, token, length);
	send_request(conn, SMB2_SESSION_SETUP, 24 + length, state);
}

static void send_ntlm_negotiate(struct conn *conn)
{
	uint8_t token[32] = "NTLMSSP";

	put32(token + 8, 1);
	put32(token + 12, NTLM_FLAGS);
	send_session_setup(conn, token, sizeof(token), GREETING);
}

static void send_ntlm_authenticate(struct conn *conn)
{
	uint8_t token[64] = "NTLMSSP";

	put32(token + 8, 3);
	for (int field = 12; field < 60; field += 8)
		put32(token + field + 4, sizeof(token));
	put32(token + 60, NTLM_FLAGS | NTLM_ANONYMOUS);
	send_session_setup(conn, token, sizeof(token), AUTHENTICATING);
}

static void send_tree_connect(struct conn *conn)
{
	uint8_t *body = new_body();
	char path[MAX_NAME];
	size_t length;

	snprintf(path, sizeof(path), "\\\\localhost\\%s", options.share);
	length = put_utf16(body + 8, path);
	put16(body, 9);
	put16(body + 4, HEADER_SIZE + 8);
	put16(body + 6, length);
	send_request(conn, SMB2_TREE_CONNECT, 8 + length, ATTACHING);
}

static void make_name(char *name, int conn, int file)
{
	const char *from = options.name;
	size_t n = 0;

	for (; *from != '\0' && n < MAX_NAME - 12; from++) {
		if (*from != '%')
			name[n++] = *from == '/' ? '\\' : *from;
		else if (*++from == 'c')
			n += sprintf(name + n, "%d", conn);
		else if (*from == 'f')
			n += sprintf(name + n, "%d", file);
		else
			break;
	}
	name[n] = '\0';
}

/* The create context for a lease; returns its length. */
static size_t put_lease(uint8_t *at, int conn, int file)
{
	put16(at + 4, 16);		/* offset of the name */
	put16(at + 6, 4);
	put16(at + 10, 24);		/* offset of the data */
	put32(at + 12, 32);
	memcpy(at + 16, "RqLs", 4);
	put32(at + 24, conn + 1);	/* the key */
	put32(at + 28, file + 1);
	put32(at + 32, getpid());
	put32(at + 40, options.lease);
	return 24 + 32;
}

static void send_create(struct conn *conn, int file)
{
	uint8_t *body = new_body();
	char name[MAX_NAME];
	size_t length, end;

	make_name(name, conn->number, file);
	length = put_utf16(body + 56, name);
	put16(body, 57);
	put32(body + 4, 2);		/* impersonation */
	put32(body + 24, options.access);
	put32(body + 28, 0x80);		/* normal */
	put32(body + 32, options.share_mode);
	put32(body + 36, 3);		/* open or create */
	put32(body + 40, 0x40);		/* no directory */
	put16(body + 44, HEADER_SIZE + 56);
	put16(body + 46, length);
	end = 56 + (length > 0 ? length : 1);
	if (options.lease != 0) {
		end = (end + 7) & ~(size_t)7;
		body[3] = 0xFF;		/* the oplock is a lease */
		put32(body + 48, HEADER_SIZE + end);
		put32(body + 52, put_lease(body + end, conn->number, file));
		end += 24 + 32;
	}
	conn->sent = now();
	send_request(conn, SMB2_CREATE, end, CREATING);
}

static void send_read(struct conn *conn, const struct file_id *file)
{
	uint8_t *body = new_body();

	put16(body, 49);
	body[2] = HEADER_SIZE + 16;
	put32(body + 4, options.read_length);
	memcpy(body + 16, file->bytes, 16);
	send_request(conn, SMB2_READ, 49, READING);
}

static void send_close(struct conn *conn, const struct file_id *file)
{
	uint8_t *body = new_body();

	put16(body, 24);
	memcpy(body + 8, file->bytes, 16);
	send_request(conn, SMB2_CLOSE, 24, CLOSING);
}

static void send_break_ack(struct conn *conn, const uint8_t *key,
			   uint32_t state)
{
	uint8_t *body = new_body();

	put16(body, 36);
	memcpy(body + 8, key, 16);
	put32(body + 24, state);
	send_body(conn, SMB2_OPLOCK_BREAK, 36);
}

/* What a connection does next. */

static void pause_conn(struct conn *conn)
{
	set_state(conn, PAUSING);
	conn->resume = now() + options.pause;
	conn->next_paused = NULL;
	if (first_paused == NULL)
		first_paused = conn;
	else
		last_paused->next_paused = conn;
	last_paused = conn;
}

/*
 * A file that a churn has opened is closed first, whatever the phase is by
 * now: its CREATE may have been parked for long.
 */
static void advance(struct conn *conn)
{
	if (conn->churn_open && options.read_length > 0 && !conn->churn_read) {
		conn->churn_read = true;
		send_read(conn, &conn->churn_file);
	} else if (conn->churn_open) {
		send_close(conn, &conn->churn_file);
	} else {
		set_state(conn, IDLE);
		if (phase != NULL)
			phase->next(conn);
	}
}

/* Have every idle connection look at the new phase. */
static void wake_idle(void)
{
	for (int i = 0; i < options.conns; i++)
		if (conns[i].state == IDLE)
			advance(&conns[i]);
}

static void next_open(struct conn *conn)
{
	conn->churning = false;
	if (conn->n_open < options.files && !conn->give_up)
		send_create(conn, conn->n_open);
}

static void next_close(struct conn *conn)
{
	if (close_only >= 0 && conn->number != close_only)
		return;
	if (close_but >= 0 && conn->number == close_but)
		return;
	if (conn->n_open > 0)
		send_close(conn, &conn->files[conn->n_open - 1]);
}

static void next_churn(struct conn *conn)
{
	conn->churning = true;
	conn->churn_read = false;
	if (now() >= churn_until)
		return;
	if (conn->give_up) {
		conn->give_up = false;
		pause_conn(conn);
	} else {
		send_create(conn, 0);
	}
}

static void next_nothing(struct conn *conn)
{
	(void)conn;
}

/* Answers of the server. */

static void keep_record(struct conn *conn, uint32_t status)
{
	struct record *record;

	if (n_records == max_records) {
		max_records = max_records > 0 ? 2 * max_records : 65536;
		records = checked(realloc(records,
					  max_records * sizeof(*records)));
	}
	record = &records[n_records++];
	record->sent = conn->sent;
	record->answered = now();
	record->conn = conn->number;
	record->status = status;
	record->parked = conn->parked;
	if (options.log != NULL)
		fprintf(options.log, "%.6f %.6f %d %08x%s\n", record->sent,
			record->answered, record->conn, status,
			record->parked ? " parked" : "");
}

static void got_negotiate(struct conn *conn, const uint8_t *header)
{
	(void)header;
	send_ntlm_negotiate(conn);
}

static void got_challenge(struct conn *conn, const uint8_t *header)
{
	conn->session = get64(header + 40);
	send_ntlm_authenticate(conn);
}

static void got_session(struct conn *conn, const uint8_t *header)
{
	(void)header;
	send_tree_connect(conn);
}

static void got_tree(struct conn *conn, const uint8_t *header)
{
	conn->tree = get32(header + 36);
	advance(conn);
}

static void got_create(struct conn *conn, const uint8_t *header)
{
	uint32_t status = get32(header + 8);
	struct file_id *file = &conn->churn_file;

	keep_record(conn, status);
	set_parked(conn, false);
	if (status != STATUS_SUCCESS) {
		n_failed++;
		conn->give_up = true;
		advance(conn);
		return;
	}
	if (conn->churning)
		conn->churn_open = true;
	else
		file = &conn->files[conn->n_open++];
	memcpy(file->bytes, header + HEADER_SIZE + 64, sizeof(file->bytes));
	add_open(1);
	advance(conn);
}

static void got_read(struct conn *conn, const uint8_t *header)
{
	(void)header;
	advance(conn);
}

static void got_close(struct conn *conn, const uint8_t *header)
{
	(void)header;
	if (conn->churn_open)
		conn->churn_open = false;
	else
		conn->n_open--;
	add_open(-1);
	advance(conn);
}

/* Which answer a state waits for; any_status: errors are no surprise. */
static const struct {
	enum smb2_command command;
	void (*got)(struct conn *conn, const uint8_t *header);
	uint32_t status;
	bool any_status;
} states[N_STATES] = {
	[NEGOTIATING] = { SMB2_NEGOTIATE, got_negotiate, 0, false },
	[GREETING] = { SMB2_SESSION_SETUP, got_challenge,
		       STATUS_MORE_PROCESSING_REQUIRED, false },
	[AUTHENTICATING] = { SMB2_SESSION_SETUP, got_session, 0, false },
	[ATTACHING] = { SMB2_TREE_CONNECT, got_tree, 0, false },
	[CREATING] = { SMB2_CREATE, got_create, 0, true },
	/* The server may have closed a file by force. */
	[READING] = { SMB2_READ, got_read, 0, true },
	[CLOSING] = { SMB2_CLOSE, got_close, 0, true },
};

static void got_notification(struct conn *conn, const uint8_t *header)
{
	const uint8_t *body = header + HEADER_SIZE;

	if (get16(body) != 44)
		return;
	n_breaks++;
	last_break = now();
	if (get32(body + 4) & 1)
		send_break_ack(conn, body + 8, get32(body + 28));
}

static void got_message(struct conn *conn, const uint8_t *header,
			size_t length)
{
	uint32_t status = get32(header + 8);
	uint16_t command = get16(header + 12);
	char why[64];

	if (length < HEADER_SIZE + 4) {
		lose(conn, "short-message");
	} else if (get64(header + 24) == UINT64_MAX) {
		got_notification(conn, header);
	} else if (command == SMB2_OPLOCK_BREAK) {
		return; /* the answer to an acknowledgement */
	} else if (status == STATUS_PENDING) {
		if (command == SMB2_CREATE)
			set_parked(conn, true);
	} else if (states[conn->state].got == NULL ||
		   states[conn->state].command != command) {
		lose(conn, "unexpected-message");
	} else if (!states[conn->state].any_status &&
		   status != states[conn->state].status) {
		snprintf(why, sizeof(why), "command-%u-status-%08x", command,
			 status);
		lose(conn, why);
	} else {
		states[conn->state].got(conn, header);
	}
}

/* Take complete messages from the input, keep the rest. */
static void take_messages(struct conn *conn)
{
	uint8_t *at = conn->input;
	size_t left = conn->input_length;

	while (conn->state != DEAD && left >= FRAME_SIZE) {
		size_t length = at[1] << 16 | at[2] << 8 | at[3];

		if (left < FRAME_SIZE + length)
			break;
		got_message(conn, at + FRAME_SIZE, length);
		at += FRAME_SIZE + length;
		left -= FRAME_SIZE + length;
	}
	if (conn->state == DEAD)
		return;
	memmove(conn->input, at, left);
	conn->input_length = left;
}

static void read_input(struct conn *conn)
{
	ssize_t n;

	if (conn->input_size - conn->input_length < READ_CHUNK / 2) {
		conn->input_size += READ_CHUNK;
		conn->input = checked(realloc(conn->input, conn->input_size));
	}
	n = read(conn->fd, conn->input + conn->input_length,
		 conn->input_size - conn->input_length);
	if (n < 0 && errno == EAGAIN)
		return;
	if (n <= 0) {
		lose(conn, n == 0 ? "eof" : "error");
		return;
	}
	conn->input_length += n;
	take_messages(conn);
}

/* Connecting. */

static void start_conn(struct conn *conn)
{
	struct epoll_event event = { .events = EPOLLOUT, .data.ptr = conn };
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_port = htons(options.port),
	};
	int one = 1;

	inet_pton(AF_INET,
		  options.addresses[conn->number % options.n_addresses],
		  &address.sin_addr);
	conn->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	if (conn->fd < 0)
		die("socket");
	setsockopt(conn->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	conn->next_mid = 0;
	conn->session = 0;
	conn->tree = 0;
	set_state(conn, CONNECTING);
	if (connect(conn->fd, (struct sockaddr *)&address,
		    sizeof(address)) < 0 && errno != EINPROGRESS) {
		lose(conn, "connect");
		return;
	}
	if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, conn->fd, &event) < 0)
		die("epoll");
}

static void tcp_connected(struct conn *conn)
{
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = conn };
	socklen_t length = sizeof(int);
	int error = 0;

	getsockopt(conn->fd, SOL_SOCKET, SO_ERROR, &error, &length);
	if (error != 0) {
		lose(conn, "connect");
		return;
	}
	epoll_ctl(epoll_fd, EPOLL_CTL_MOD, conn->fd, &event);
	send_negotiate(conn);
}

/* Begin as many connections as the window allows. */
static void start_more(void)
{
	while (n_started < options.conns) {
		struct conn *conn = &conns[n_started];
		int being_set_up = 0;

		for (int s = CONNECTING; s <= ATTACHING; s++)
			being_set_up += in_state[s];
		if (being_set_up >= options.window)
			return;
		n_started++;
		if (conn->state == DEAD)
			start_conn(conn);
	}
}

/* Reports. */

static int compare_doubles(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* "p50=... max=..." of the time that granted opens took, in microseconds. */
static void format_latencies(char *text, size_t size)
{
	size_t n = 0, count = n_records - churn_first_record;
	double *times = checked(malloc((count + 1) * sizeof(*times)));

	times[0] = 0;
	for (size_t i = churn_first_record; i < n_records; i++)
		if (records[i].status == STATUS_SUCCESS)
			times[n++] = 1e6 *
				(records[i].answered - records[i].sent);
	qsort(times, n, sizeof(*times), compare_doubles);
	snprintf(text, size, "p50=%.0f p90=%.0f p99=%.0f max=%.0f",
		 times[n / 2], times[n * 9 / 10], times[n * 99 / 100],
		 times[n > 0 ? n - 1 : 0]);
	free(times);
}

/* "statuses=00000000:123,c0000043:4" of the records that pass a test. */
static void format_statuses(char *text, size_t size, size_t from,
			    double sent_since)
{
	struct { uint32_t status; unsigned long count; } seen[MAX_STATUSES];
	size_t n_seen = 0, used, s;

	for (size_t i = from; i < n_records; i++) {
		if (records[i].sent < sent_since)
			continue;
		for (s = 0; s < n_seen; s++)
			if (seen[s].status == records[i].status)
				break;
		if (s == MAX_STATUSES)
			continue;
		if (s == n_seen) {
			seen[n_seen].status = records[i].status;
			seen[n_seen++].count = 0;
		}
		seen[s].count++;
	}
	used = snprintf(text, size, "statuses=");
	for (s = 0; s < n_seen && used < size; s++)
		used += snprintf(text + used, size - used, "%s%08x:%lu",
				 s > 0 ? "," : "", seen[s].status,
				 seen[s].count);
}

static void report_opened(double seconds)
{
	const char *what = ready ? "OPENED" : "READY";

	ready = true;
	say("%s conns=%d dead=%d open=%d failed=%d parked=%d secs=%.3f",
	    what, options.conns, in_state[DEAD], n_open, n_failed, n_parked,
	    seconds);
}

static void report_closed(double seconds)
{
	say("CLOSED open=%d parked=%d secs=%.3f", n_open, n_parked, seconds);
}

static void report_connected(double seconds)
{
	say("CONNECTED conns=%d dead=%d secs=%.3f", options.conns,
	    in_state[DEAD], seconds);
}

static void report_churned(double seconds)
{
	char statuses[512], latencies[128];
	size_t granted = 0;
	double last_sent = 0, last_granted = 0, first_refused = 0;

	for (size_t i = churn_first_record; i < n_records; i++) {
		const struct record *record = &records[i];

		if (record->status != STATUS_SUCCESS) {
			if (first_refused == 0)
				first_refused = record->answered;
			continue;
		}
		granted++;
		last_granted = record->answered;
		if (record->sent > last_sent)
			last_sent = record->sent;
	}
	format_statuses(statuses, sizeof(statuses), churn_first_record, 0);
	format_latencies(latencies, sizeof(latencies));
	say("CHURNED granted=%zu refused=%zu parked=%d dead=%d secs=%.3f "
	    "rate=%.1f %s last_granted_sent=%.6f last_granted=%.6f "
	    "first_refused=%.6f %s", granted,
	    n_records - churn_first_record - granted, n_parked,
	    in_state[DEAD], seconds, granted / (seconds + 1e-9), latencies,
	    last_sent, last_granted, first_refused, statuses);
}

/*
 * The CREATEs since a moment: how many that were sent later have been
 * granted, and how many answers came later whenever they were sent.
 */
static void report_since(double moment)
{
	char statuses[512];
	size_t sent = 0, granted = 0, answered = 0;
	double first = 0;

	for (size_t i = 0; i < n_records; i++) {
		const struct record *record = &records[i];
		bool ok = record->status == STATUS_SUCCESS;

		if (ok && record->answered >= moment)
			answered++;
		if (record->sent < moment)
			continue;
		sent++;
		if (!ok)
			continue;
		granted++;
		if (first == 0 || record->sent < first)
			first = record->sent;
	}
	format_statuses(statuses, sizeof(statuses), 0, moment);
	say("SINCE moment=%.6f sent=%zu granted=%zu granted_answers=%zu "
	    "first_granted_sent=%.6f %s", moment, sent, granted, answered,
	    first, statuses);
}

static void report_state(void)
{
	say("STATE conns=%d dead=%d idle=%d parked=%d open=%d breaks=%d "
	    "last_break=%.6f last_answer=%.6f creates=%zu", options.conns,
	    in_state[DEAD], in_state[IDLE], n_parked, n_open, n_breaks,
	    last_break, n_records > 0 ? records[n_records - 1].answered : 0,
	    n_records);
}

static const struct phase opening = { next_open, report_opened };
static const struct phase closing = { next_close, report_closed };
static const struct phase churning = { next_churn, report_churned };
static const struct phase connecting = { next_nothing, report_connected };

/* Commands. */

static void command_open(const char *argument)
{
	(void)argument;
	begin_phase(&opening);
	wake_idle();
}

static void command_churn(const char *argument)
{
	begin_phase(&churning);
	churn_until = phase_began + atof(argument);
	churn_first_record = n_records;
	wake_idle();
}

static void command_close(const char *argument)
{
	close_only = atoi(argument);
	close_but = -1;
	begin_phase(&closing);
	wake_idle();
}

static void command_closebut(const char *argument)
{
	close_only = -1;
	close_but = atoi(argument);
	begin_phase(&closing);
	wake_idle();
}

static void command_closeall(const char *argument)
{
	(void)argument;
	close_only = -1;
	close_but = -1;
	begin_phase(&closing);
	wake_idle();
}

static void command_connect(const char *argument)
{
	(void)argument;
	begin_phase(&connecting);
	n_started = 0;
}

static void command_stop(const char *argument)
{
	(void)argument;
	churn_until = 0;
	if (phase != &churning)
		say("ERROR nothing-to-stop");
}

/* Close one connection or all, without and with a reset. */
static void drop(const char *argument, bool reset)
{
	struct linger linger = { .l_onoff = reset, .l_linger = 0 };
	int number = *argument != '\0' ? atoi(argument) : -1;
	int dropped = 0;

	for (int i = 0; i < options.conns; i++) {
		if (conns[i].state == DEAD || (number >= 0 && i != number))
			continue;
		setsockopt(conns[i].fd, SOL_SOCKET, SO_LINGER, &linger,
			   sizeof(linger));
		lose(&conns[i], NULL);
		dropped++;
	}
	say("DROPPED dropped=%d dead=%d open=%d", dropped, in_state[DEAD],
	    n_open);
}

static void command_drop(const char *argument)
{
	drop(argument, false);
}

static void command_reset(const char *argument)
{
	drop(argument, true);
}

static void command_since(const char *argument)
{
	report_since(atof(argument));
}

static void command_state(const char *argument)
{
	(void)argument;
	report_state();
}

static void command_quit(const char *argument)
{
	(void)argument;
	if (options.log != NULL)
		fclose(options.log);
	exit(0);
}

/* at_once: may be given while another one is under way. */
static const struct {
	const char *name;
	void (*run)(const char *argument);
	bool at_once;
} commands[] = {
	{ "open", command_open, false },
	{ "churn", command_churn, false },
	{ "close", command_close, false },
	{ "closebut", command_closebut, false },
	{ "closeall", command_closeall, false },
	{ "connect", command_connect, false },
	{ "stop", command_stop, true },
	{ "drop", command_drop, true },
	{ "reset", command_reset, true },
	{ "since", command_since, true },
	{ "state", command_state, true },
	{ "quit", command_quit, true },
};

static void run_command(char *line)
{
	char *argument = line + strcspn(line, " ");

	if (*argument != '\0')
		*argument++ = '\0';
	for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++) {
		if (strcmp(line, commands[i].name) != 0)
			continue;
		if (phase != NULL && !commands[i].at_once)
			say("ERROR busy");
		else
			commands[i].run(argument);
		return;
	}
	say("ERROR unknown-command");
}

/* Read commands; at the end of the input everything ends. */
static void read_commands(void)
{
	static char lines[4096];
	static size_t length;
	char *end;
	ssize_t n = read(STDIN_FILENO, lines + length,
			 sizeof(lines) - 1 - length);

	if (n <= 0)
		command_quit("");
	length += n;
	lines[length] = '\0';
	while ((end = strchr(lines, '\n')) != NULL) {
		*end++ = '\0';
		run_command(lines);
		length -= end - lines;
		memmove(lines, end, length + 1);
	}
}

/* The main loop. */

static void resume_paused(void)
{
	double time = now();

	while (first_paused != NULL && first_paused->resume <= time) {
		struct conn *conn = first_paused;

		first_paused = conn->next_paused;
		if (first_paused == NULL)
			last_paused = NULL;
		advance(conn);
	}
}

static void handle_event(struct conn *conn)
{
	if (conn == NULL)
		read_commands();
	else if (conn->state == CONNECTING)
		tcp_connected(conn);
	else if (conn->state != DEAD)
		read_input(conn);
}

static void loop(void)
{
	struct epoll_event events[256];

	for (;;) {
		int n;

		if (phase != NULL)
			start_more();
		end_phase_if_done();
		n = epoll_wait(epoll_fd, events, 256,
			       first_paused != NULL ? 1 : 1000);
		for (int i = 0; i < n; i++)
			handle_event(events[i].data.ptr);
		resume_paused();
	}
}

static uint32_t parse_lease(const char *text)
{
	uint32_t state = 0;

	for (; *text != '\0'; text++)
		state |= *text == 'R' ? 1 : *text == 'H' ? 2 :
			 *text == 'W' ? 4 : 0;
	return state;
}

static void parse_addresses(char *list)
{
	char *address = strtok(list, ",");

	options.n_addresses = 0;
	for (; address != NULL && options.n_addresses < MAX_ADDRESSES;
	     address = strtok(NULL, ","))
		options.addresses[options.n_addresses++] = address;
}

static void usage(void)
{
	fputs("usage: smbload -p PORT [-a ADDRESS,...] [-s SHARE] [-c CONNS]\n"
	      "       [-f FILES] [-n NAME] [-A ACCESS] [-d SHARE-MODE]\n"
	      "       [-o LEASE] [-r READ-LENGTH] [-b PAUSE] [-w WINDOW]\n"
	      "       [-l LOG]\n", stderr);
	exit(2);
}

static void parse_option(int option)
{
	switch (option) {
	case 'a':
		parse_addresses(optarg);
		break;
	case 'p':
		options.port = atoi(optarg);
		break;
	case 's':
		options.share = optarg;
		break;
	case 'c':
		options.conns = atoi(optarg);
		break;
	case 'f':
		options.files = atoi(optarg);
		break;
	case 'n':
		options.name = optarg;
		break;
	case 'A':
		options.access = strtoul(optarg, NULL, 0);
		break;
	case 'd':
		options.share_mode = strtoul(optarg, NULL, 0);
		break;
	case 'o':
		options.lease = parse_lease(optarg);
		break;
	case 'r':
		options.read_length = atoi(optarg);
		break;
	case 'b':
		options.pause = atof(optarg) / 1000;
		break;
	case 'w':
		options.window = atoi(optarg);
		break;
	case 'l':
		options.log = fopen(optarg, "w");
		if (options.log == NULL)
			die(optarg);
		break;
	default:
		usage();
	}
}

static void allow_many_files(void)
{
	struct rlimit limit;

	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

static void make_conns(void)
{
	conns = checked(calloc(options.conns, sizeof(*conns)));
	for (int i = 0; i < options.conns; i++) {
		conns[i].number = i;
		conns[i].fd = -1;
		conns[i].files = checked(calloc(options.files + 1,
						sizeof(struct file_id)));
	}
	in_state[DEAD] = options.conns;
}

int main(int argc, char **argv)
{
	struct epoll_event commands_come = { .events = EPOLLIN };
	static char loopback[] = "127.0.0.1";
	int option;

	parse_addresses(loopback);
	while ((option = getopt(argc, argv, "a:p:s:c:f:n:A:d:o:r:b:w:l:"))
	       != -1)
		parse_option(option);
	if (options.port == 0 || options.conns <= 0 || options.files < 0 ||
	    options.n_addresses == 0 || optind != argc)
		usage();
	allow_many_files();
	setvbuf(stdout, NULL, _IOLBF, 0);
	epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (epoll_fd < 0)
		die("epoll");
	epoll_ctl(epoll_fd, EPOLL_CTL_ADD, STDIN_FILENO, &commands_come);
	make_conns();
	begin_phase(&opening);
	loop();
	return 0;
}
