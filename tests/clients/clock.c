/*
 * clock - say what time it is
 *
 * What a benchmark has started when it wants to know when: linked statically,
 * it runs some 0.3 ms after the exec, date(1) takes some milliseconds.
 */

#include <stdio.h>
#include <time.h>

int main(void)
{
	struct timespec t;

	if (clock_gettime(CLOCK_REALTIME, &t) != 0)
		return 1;
	printf("%lld.%09ld\n", (long long)t.tv_sec, t.tv_nsec);
	return 0;
}
