/* Passwords at rest, and the key they are sealed with. */
#include "secret.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/evp.h>

#include "appliance.h"
#include "test.h"

static struct appliance a;
static struct secrets  *secrets;

static int start(void **state)
{
	char error[256];

	appliance_make(&a);
	mkdir(a.file.cpm.state_dir, 0700);
	secrets = secrets_open(a.file.cpm.state_dir, true, error);
	return secrets != NULL ? 0 : -1;
}

static int stop(void **state)
{
	secrets_free(secrets);
	appliance_remove(&a);
	return 0;
}

static struct conf_secret plain_of(const char *text, size_t n)
{
	struct conf_secret s = {.form = CONF_SECRET_PLAIN, .size = (uint8_t)n};

	memcpy(s.bytes, text, n);
	return s;
}

static void what_was_sealed_opens_again(void **state)
{
	static const char longest[] =
		"0123456789012345678901234567890123456789012345678901234567890123";

	for (size_t n = 1; n <= 64; n++) {
		struct conf_secret plain = plain_of(longest, n), sealed = plain, opened;

		assert_int_equal(secret_seal(secrets, "account a", &sealed, false), 0);
		assert_int_equal(sealed.form, CONF_SECRET_SEALED);
		assert_int_equal(secret_open(secrets, "account a", &sealed, &opened), 0);
		assert_memory_equal(&opened, &plain, sizeof(plain));
		assert_true(secret_is(secrets, "account a", &sealed, &plain));
		assert_int_equal(secret_open(secrets, "account b", &sealed, &opened), -EBADMSG);
	}
}

static void any_wrong_byte_or_cut_of_what_was_sealed_is_found(void **state)
{
	struct conf_secret sealed = plain_of("password", 8), opened;

	assert_int_equal(secret_seal(secrets, "account a", &sealed, false), 0);
	for (unsigned i = 0; i < sealed.size; i++) {
		struct conf_secret wrong = sealed;

		if (i >= 1 && i < 17)
			continue; /* the salt of the digest is no part of the seal */
		wrong.bytes[i] ^= 1;
		assert_int_equal(secret_open(secrets, "account a", &wrong, &opened), -EBADMSG);
	}
	for (uint8_t n = 0; n < sealed.size; n++) {
		struct conf_secret wrong = sealed;

		wrong.size = n;
		assert_int_equal(secret_open(secrets, "account a", &wrong, &opened), -EBADMSG);
	}
}

static void two_seals_of_one_password_differ_and_so_do_their_digests(void **state)
{
	struct conf_secret x = plain_of("password", 8), y = x, dx, dy, again;

	assert_int_equal(secret_seal(secrets, "account a", &x, false), 0);
	assert_int_equal(secret_seal(secrets, "account a", &y, false), 0);
	assert_memory_not_equal(x.bytes, y.bytes, x.size);
	assert_int_equal(secret_digest(secrets, "account a", &x, &dx), 0);
	assert_int_equal(secret_digest(secrets, "account a", &y, &dy), 0);
	assert_memory_not_equal(dx.bytes, dy.bytes, dx.size);
	assert_int_equal(secret_digest(secrets, "account a", &x, &again), 0);
	assert_memory_equal(&dx, &again, sizeof(dx));
	assert_true(world_secret_fits(&dx, STR("password")));
	assert_false(world_secret_fits(&dx, STR("Password")));
}

static void hex_of(const uint8_t bytes[], size_t n, char *hex)
{
	for (size_t i = 0; i < n; i++)
		sprintf(hex + 2 * i, "%02x", bytes[i]);
}

/* RFC 7616, 3.9.1: what a client answers to its challenge, by each algorithm. */
static const struct {
	const char *algorithm, *response;
	size_t      at, size; /* in the digest */
} ha1_cases[] = {
	{"MD5", "8ca523f5e9506fed4657c9700eebdbec", 0, 16},
	{"SHA256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1", 16, 32},
};

static void a_subscribers_digest_answers_the_challenge_of_the_standard(void **state)
{
	struct conf_secret sealed = plain_of("Circle of Life", 14), digest;

	assert_int_equal(secret_seal(secrets, "subscriber +46", &sealed, false), 0);
	assert_int_equal(secret_subscriber(secrets, "subscriber +46", &sealed, STR("Mufasa"),
					   STR("http-auth@example.org"), &digest),
			 0);
	assert_int_equal(digest.form, CONF_SECRET_DIGEST);
	assert_int_equal(digest.size, 48);
	for (unsigned i = 0; i < 2; i++) {
		char    ha1[65], ha2[65], response[65], text[400];
		uint8_t raw[32];

		hex_of(digest.bytes + ha1_cases[i].at, ha1_cases[i].size, ha1);
		assert_int_equal(EVP_Q_digest(NULL, ha1_cases[i].algorithm, NULL,
					      "GET:/dir/index.html", 19, raw, NULL),
				 1);
		hex_of(raw, ha1_cases[i].size, ha2);
		snprintf(text, sizeof(text),
			 "%s:7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v:00000001:"
			 "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ:auth:%s",
			 ha1, ha2);
		assert_int_equal(EVP_Q_digest(NULL, ha1_cases[i].algorithm, NULL, text,
					      strlen(text), raw, NULL),
				 1);
		hex_of(raw, ha1_cases[i].size, response);
		assert_string_equal(response, ha1_cases[i].response);
	}
	assert_int_equal(
		secret_subscriber(secrets, "subscriber +47", &sealed, STR("a"), STR("b"), &digest),
		-EBADMSG);
}

static void fails_to_open(bool create, const char *why)
{
	char            error[256] = "";
	struct secrets *s = secrets_open(a.file.cpm.state_dir, create, error);

	assert_null(s);
	if (strstr(error, why) == NULL)
		fail_msg("%s", error);
}

static void a_key_that_is_missing_cut_or_open_to_others_is_refused(void **state)
{
	char path[128];
	int  fd;

	snprintf(path, sizeof(path), "%s/secret.key", a.file.cpm.state_dir);
	assert_int_equal(chmod(path, 0640), 0);
	fails_to_open(true, "chmod 600");
	assert_int_equal(chmod(path, 0600), 0);
	assert_int_equal(truncate(path, 31), 0);
	fails_to_open(true, "is no key of 32 bytes");
	assert_int_equal(unlink(path), 0);
	fails_to_open(false, "put it back");
	fd = open(path, O_RDONLY);
	assert_int_equal(fd, -1); /* none was made */
}

static void the_service_managers_credential_comes_first(void **state)
{
	char               dir[128], path[160], error[256];
	struct conf_secret sealed = plain_of("password", 8), opened;
	struct secrets    *other;
	int                fd;

	snprintf(dir, sizeof(dir), "%s/credentials", a.dir);
	mkdir(dir, 0700);
	snprintf(path, sizeof(path), "%s/cpm.key", dir);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0400);
	assert_int_equal(write(fd, "0123456789abcdef0123456789abcdef", 32), 32);
	close(fd);
	assert_int_equal(secret_seal(secrets, "account a", &sealed, false), 0);
	setenv("CREDENTIALS_DIRECTORY", dir, 1);
	other = secrets_open(a.file.cpm.state_dir, false, error);
	unsetenv("CREDENTIALS_DIRECTORY");
	assert_non_null(other);
	assert_int_equal(secret_open(other, "account a", &sealed, &opened), -EBADMSG);
	secrets_free(other);
}

static void control_does_not_start_with_another_key_than_sealed_its_database(void **state)
{
	char path[128], error[256] = "";
	int  fd;

	control_start(&a);
	control_stop(&a);
	snprintf(path, sizeof(path), "%s/secret.key", a.file.cpm.state_dir);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	assert_int_equal(write(fd, "0123456789abcdef0123456789abcdef", 32), 32);
	close(fd);
	a.loop = event_loop_new();
	assert_null(control_new(&a.file, a.loop, error));
	assert_non_null(strstr(error, "sealed with another key"));
	unlink(path);
	assert_null(control_new(&a.file, a.loop, error));
	assert_non_null(strstr(error, "put it back"));
}

/* Hi() of RFC 5802, 2.2, by its definition. */
static void salted(const char *digest, size_t size, const uint8_t salt[16], const char *password,
		   uint8_t to[32])
{
	uint8_t block[20], u[32];
	size_t  n;

	memcpy(block, salt, 16);
	memcpy(block + 16, "\0\0\0\1", 4);
	assert_non_null(EVP_Q_mac(NULL, "HMAC", NULL, digest, NULL, password, strlen(password),
				  block, sizeof(block), u, sizeof(u), &n));
	memcpy(to, u, size);
	for (unsigned i = 1; i < SCRAM_ITERATIONS; i++) {
		assert_non_null(EVP_Q_mac(NULL, "HMAC", NULL, digest, NULL, password,
					  strlen(password), u, size, u, sizeof(u), &n));
		for (size_t k = 0; k < size; k++)
			to[k] ^= u[k];
	}
}

static void assert_keys(const char *digest, size_t size, const uint8_t salt[16],
			const uint8_t stored[], const uint8_t server[])
{
	uint8_t password[32], key[32], hash[32];
	size_t  n;

	salted(digest, size, salt, "pencil", password);
	EVP_Q_mac(NULL, "HMAC", NULL, digest, NULL, password, size, (const uint8_t *)"Client Key",
		  10, key, sizeof(key), &n);
	EVP_Q_digest(NULL, digest, NULL, key, size, hash, NULL);
	assert_memory_equal(stored, hash, size);
	EVP_Q_mac(NULL, "HMAC", NULL, digest, NULL, password, size, (const uint8_t *)"Server Key",
		  10, key, sizeof(key), &n);
	assert_memory_equal(server, key, size);
}

static void what_proves_a_subscriber_to_sasl_follows_from_its_password_by_the_standard(void **state)
{
	static const uint8_t     none[48];
	struct conf_secret       sealed = plain_of("pencil", 6), digest, opened;
	struct scram_credentials scram;
	uint8_t                  text[22], hash[32];

	assert_int_equal(secret_seal(secrets, "subscriber +46", &sealed, true), 0);
	assert_true(secret_has_scram(&sealed));
	assert_int_equal(secret_open(secrets, "subscriber +46", &sealed, &opened), 0);
	assert_int_equal(opened.size, 6);
	assert_memory_equal(opened.bytes, "pencil", 6);
	assert_int_equal(
		secret_subscriber(secrets, "subscriber +46", &sealed, STR(""), STR(""), &digest),
		0);
	assert_int_equal(digest.size, CONF_SECRET_SIZE_MAX);
	assert_memory_equal(digest.bytes, none, 48);
	memcpy(&scram, digest.bytes + 48, sizeof(scram));
	assert_keys("SHA1", 20, scram.salt, scram.stored_sha1, scram.server_sha1);
	assert_keys("SHA256", 32, scram.salt, scram.stored_sha256, scram.server_sha256);
	memcpy(text, scram.salt, 16);
	memcpy(text + 16, "pencil", 6);
	EVP_Q_digest(NULL, "SHA256", NULL, text, sizeof(text), hash, NULL);
	assert_memory_equal(scram.plain, hash, 32);
	for (unsigned i = 0; i < sealed.size; i++) {
		struct conf_secret wrong = sealed;

		if (i >= 1 && i < 17)
			continue;
		wrong.bytes[i] ^= 1;
		assert_int_equal(secret_open(secrets, "subscriber +46", &wrong, &opened), -EBADMSG);
	}
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, start, stop)
	const struct CMUnitTest tests[] = {
		T(what_was_sealed_opens_again),
		T(any_wrong_byte_or_cut_of_what_was_sealed_is_found),
		T(two_seals_of_one_password_differ_and_so_do_their_digests),
		T(a_subscribers_digest_answers_the_challenge_of_the_standard),
		T(what_proves_a_subscriber_to_sasl_follows_from_its_password_by_the_standard),
		T(a_key_that_is_missing_cut_or_open_to_others_is_refused),
		T(the_service_managers_credential_comes_first),
		T(control_does_not_start_with_another_key_than_sealed_its_database),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
