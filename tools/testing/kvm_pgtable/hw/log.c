// SPDX-License-Identifier: GPL-2.0
/* What has happened lately, to be told when something of it was wrong. */
enum hw_violation {
	HW_NO_BREAK,		/* valid replaced by a conflicting valid entry */
	HW_NO_TLBI,		/* made while a TLB may still hold what was broken */
	HW_EARLY_FREE,		/* table freed while a walker may still use it */
	HW_NOT_VISIBLE,		/* table linked before its contents are visible */
	HW_NO_BARRIER,		/* entry left without a barrier behind it */
	HW_STALE,		/* translation left in the TLB by the operation */
	HW_WILD,		/* access outside of the tables */
	HW_LEFT_VALID,		/* block left in front of one that is broken */
	HW_EARLY_LINK,		/* table linked before the batch is invalidated */
	HW_INCOMPLETE,		/* block broken for a table that is not complete */
	HW_NEEDLESS_BREAK,	/* entry broken that could have been replaced */
	HW_UNLOCKED,		/* block and pages left in the TLB with the lock dropped */
};

static u64 hw_expect;		/* violations expected, as a mask ... */
static u64 hw_seen;		/* ... and found */
static bool hw_quiet;

static struct event {
	enum { EV_STORE, EV_RELEASE, EV_TLBI, EV_BARRIER, EV_FREE } type;
	u64 ia, size, old, val;
	int level;
} events[256];
static u64 nr_events;

static void log_event(int type, u64 ia, u64 size, int level, u64 old, u64 val)
{
	events[nr_events++ % ARRAY_SIZE(events)] = (struct event) {
		.type = type, .ia = ia, .size = size, .level = level,
		.old = old, .val = val,
	};
}

static bool concerns(const struct event *e, u64 ia, u64 size)
{
	return e->type == EV_BARRIER || (e->ia < ia + size && ia < e->ia + e->size);
}

/* The last two dozen that concern the range; barriers in a row are one. */
static void print_events(u64 ia, u64 size)
{
	static const char * const name[] = {
		"store", "store-release", "tlbi", "barrier", "free",
	};
	u64 i = nr_events, oldest = max(nr_events, ARRAY_SIZE(events)) - ARRAY_SIZE(events);
	int nr = 0, last = -1;

	while (i > oldest && nr < 24)
		nr += concerns(&events[--i % ARRAY_SIZE(events)], ia, size);

	for (; i < nr_events; i++) {
		struct event *e = &events[i % ARRAY_SIZE(events)];

		if (!concerns(e, ia, size) || (e->type == EV_BARRIER && last == EV_BARRIER))
			continue;
		last = e->type;
		fprintf(stderr, e->type == EV_BARRIER ? "\t%s" : "\t%-13s", name[e->type]);
		if (e->type != EV_BARRIER)
			fprintf(stderr, " ia %#lx size %#lx", e->ia, e->size);
		if (e->type != EV_BARRIER && e->level != TLBI_TTL_UNKNOWN)
			fprintf(stderr, " level %d", e->level);
		if (e->type == EV_STORE || e->type == EV_RELEASE)
			fprintf(stderr, " %#lx -> %#lx", e->old, e->val);
		fputc('\n', stderr);
	}
}

static void violation(enum hw_violation kind, u64 ia, u64 size)
{
	static const char * const what[] = {
		[HW_NO_BREAK]	 = "valid entry replaced without a break",
		[HW_NO_TLBI]	 = "entry made before the TLB forgot the old one",
		[HW_EARLY_FREE]	 = "table freed before its invalidation",
		[HW_NOT_VISIBLE] = "table linked before its contents are visible",
		[HW_NO_BARRIER]	 = "change of a live entry without a barrier after it",
		[HW_STALE]	 = "stale translation left behind",
		[HW_WILD]	 = "access outside of a table",
		[HW_LEFT_VALID]	 = "block left valid in front of one that is broken",
		[HW_EARLY_LINK]	 = "table linked before the invalidation of the batch",
		[HW_INCOMPLETE]	 = "block broken for a table that is not complete",
		[HW_NEEDLESS_BREAK] = "block broken although it could have been replaced",
		[HW_UNLOCKED]	 = "lock dropped with a block and its pages in the TLB",
	};

	hw_seen |= BIT(kind);
	if (!hw_quiet && !(hw_expect & hw_seen & ~BIT(kind))) {
		fprintf(stderr, "%s%s at ia %#lx:\n", hw_expect ? "(expected) " : "",
			what[kind], ia);
		print_events(ia, size);
	}
	if (!hw_expect)
		test_fail("%s", what[kind]);
}

static void log_reset(void)
{
	nr_events = 0;
	hw_expect = 0;
	hw_seen = 0;
}
