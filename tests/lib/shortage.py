"""Memory that is not to be had, at each place of our code that asks for it.

A library, preloaded into smbd or the tool, notes from which places of drain.so
or smbdrain memory is asked for, and gives none to the one that a file names. A
process reads that file when it first asks, a child of smbd too.
"""

_SOURCE = r'''
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#define MAX_PLACES 2000

void *talloc_vasprintf(const void *ctx, const char *fmt, va_list ap);

static const char *place_of(const void *caller)
{
	static char place[256];
	Dl_info info;
	const char *name;

	if (dladdr(caller, &info) == 0) {
		return NULL;
	}
	name = strrchr(info.dli_fname, '/');
	name = (name != NULL) ? name + 1 : info.dli_fname;
	if (strcmp(name, "drain.so") != 0 && strcmp(name, "smbdrain") != 0) {
		return NULL;
	}
	snprintf(place, sizeof(place), "%s+%lx\n", name,
		 (long)((char *)caller - (char *)info.dli_fbase));
	return place;
}

static int is_new(const void *caller)
{
	static const void *seen[MAX_PLACES];
	static int count;
	int i;

	for (i = 0; i < count; i++) {
		if (seen[i] == caller) {
			return 0;
		}
	}
	if (count < MAX_PLACES) {
		seen[count++] = caller;
	}
	return 1;
}

static void note(const char *place)
{
	FILE *f = fopen(PLACES, "a");

	if (f != NULL) {
		fputs(place, f);
		fclose(f);
	}
}

static int fails(const void *caller)
{
	static char failing[256];
	static int reader;
	const char *place = place_of(caller);
	FILE *f;

	if (place == NULL) {
		return 0;
	}
	if (is_new(caller)) {
		note(place);
	}
	if (reader != getpid()) {
		reader = getpid();
		failing[0] = '\0';
		f = fopen(FAILING, "r");
		if (f != NULL) {
			(void)!fgets(failing, sizeof(failing), f);
			fclose(f);
		}
	}
	return strcmp(place, failing) == 0;
}

#define ASKED(name, parameters, arguments) \
void *name parameters \
{ \
	static void *(*next) parameters; \
	if (next == NULL) { \
		*(void **)&next = dlsym(RTLD_NEXT, #name); \
	} \
	return fails(__builtin_return_address(0)) ? NULL : next arguments; \
}

ASKED(_talloc_zero, (const void *c, size_t s, const char *n), (c, s, n))
ASKED(_talloc_array, (const void *c, size_t s, unsigned k, const char *n),
      (c, s, k, n))
ASKED(_talloc_zero_array, (const void *c, size_t s, unsigned k, const char *n),
      (c, s, k, n))
ASKED(_talloc_realloc_array, (const void *c, void *p, size_t s, unsigned k,
			      const char *n), (c, p, s, k, n))
ASKED(_talloc_memdup, (const void *c, const void *p, size_t s, const char *n),
      (c, p, s, n))
ASKED(talloc_named_const, (const void *c, size_t s, const char *n), (c, s, n))
ASKED(talloc_strdup, (const void *c, const char *s), (c, s))
ASKED(talloc_strndup, (const void *c, const char *s, size_t n), (c, s, n))
ASKED(_tevent_req_create, (void *c, void *s, size_t n, const char *t,
			   const char *l), (c, s, n, t, l))
ASKED(_tevent_add_timer, (void *e, void *c, struct timeval t, void *h, void *p,
			  const char *n, const char *l), (e, c, t, h, p, n, l))

void *talloc_asprintf(const void *ctx, const char *fmt, ...)
{
	va_list ap;
	void *text = NULL;

	va_start(ap, fmt);
	if (!fails(__builtin_return_address(0))) {
		text = talloc_vasprintf(ctx, fmt, ap);
	}
	va_end(ap);
	return text;
}
'''


class Shortage:
    """For processes with .environment; preloaded is the fixture"""

    def __init__(self, directory, preloaded):
        self._places = directory / 'places'
        self._failing = directory / 'failing'
        self._places.touch()
        self._places.chmod(0o666)  # smbd may be anybody
        self.environment = preloaded(
            _SOURCE.replace('PLACES,', f'"{self._places}",')
            .replace('FAILING,', f'"{self._failing}",'))

    def places(self):
        """Those that have asked, since this was last called"""
        places = list(dict.fromkeys(self._places.read_text().splitlines()))
        self._places.write_text('')
        return places

    def at(self, place):
        """From now on processes that begin to ask get nothing there"""
        self._failing.write_text(f'{place}\n')
