// SPDX-License-Identifier: GPL-2.0
/*
 * The guest that is migrated: its first process, and only one. Touches TOTAL MiB of
 * memory, and fills the first DATA MiB of it. Then it goes on to write to WRITES of the
 * filled pages, each STRIDE pages after the one before, and to check CHECKS of them each
 * millisecond. It tells when it has checked all of them, or that one of them is not what
 * it wrote.
 *
 * usage: init TOTAL DATA WRITES STRIDE CHECKS
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>

#define PAGE_WORDS	(4096 / sizeof(uint64_t))
#define MIB_PAGES	256

static uint64_t *memory;
/* How often each page has been written to */
static uint32_t *generations;

static uint64_t *word(size_t page)
{
	/* Not the same one in all pages */
	return &memory[page * PAGE_WORDS + page % PAGE_WORDS];
}

static uint64_t value(size_t page)
{
	return (uint64_t)(page + 1) << 32 | generations[page];
}

static void write_page(size_t page)
{
	generations[page]++;
	*word(page) = value(page);
}

static void *allocate(size_t size)
{
	void *address = mmap(NULL, size, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (address == MAP_FAILED) {
		puts("guest: no memory");
		exit(1);
	}
	return address;
}

int main(int argc, char **argv)
{
	size_t total, data, writes, stride, checks, page, writing = 0, checking = 0;
	unsigned long passes = 0;
	struct timespec tick;

	if (argc != 6) {
		puts("guest: needs TOTAL DATA WRITES STRIDE CHECKS");
		return 1;
	}
	setlinebuf(stdout);
	total = strtoul(argv[1], NULL, 0) * MIB_PAGES;
	data = strtoul(argv[2], NULL, 0) * MIB_PAGES;
	writes = strtoul(argv[3], NULL, 0);
	stride = strtoul(argv[4], NULL, 0);
	checks = strtoul(argv[5], NULL, 0);
	memory = allocate(total * 4096);
	generations = allocate(data * sizeof(*generations));

	for (page = 0; page < data; page++)
		write_page(page);
	for (; page < total; page++)
		*(volatile uint64_t *)word(page) = 0;
	puts("guest: ready");

	clock_gettime(CLOCK_MONOTONIC, &tick);
	for (;;) {
		size_t i;

		for (i = 0; i < writes; i++) {
			writing = (writing + stride) % data;
			write_page(writing);
		}
		for (i = 0; i < checks; i++) {
			if (*word(checking) != value(checking)) {
				printf("guest: page %zu is wrong\n", checking);
				return 1;
			}
			if (++checking == data) {
				checking = 0;
				printf("guest: pass %lu, all pages are right\n", ++passes);
			}
		}
		tick.tv_nsec += 1000000;
		if (tick.tv_nsec >= 1000000000) {
			tick.tv_nsec -= 1000000000;
			tick.tv_sec++;
		}
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &tick, NULL);
	}
}
