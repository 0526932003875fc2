// SPDX-License-Identifier: GPL-2.0
/* What the page-table code calls for memory of its tables. */
static struct { void *table; s8 level; } *rcu_list;
static size_t nr_rcu, max_rcu;

/* @capacity < 0: as much as is asked for */
static void *mm_zalloc_page(void *arg)
{
	struct kvm_mmu_memory_cache *mc = arg;

	if (!mc || mc->capacity < 0)
		return hw_alloc(PAGE_SIZE);
	if (hw_fail_alloc && !--hw_fail_alloc)
		return NULL;
	if (!mc->nobjs)
		test_fail("allocation from an empty cache");
	return mc->objects[--mc->nobjs];
}

static void *mm_zalloc_pages_exact(size_t size)
{
	return hw_alloc(size);
}

static void mm_free_pages_exact(void *va, size_t size)
{
	size_t i;

	for (i = 0; i < size; i += PAGE_SIZE) {
		if (hw_page(va + i)->count != 1)
			test_fail("root freed with references");
		hw_free(va + i);
	}
}

static void mm_free_unlinked_table(void *va, s8 level)
{
	if (nr_rcu == max_rcu) {
		max_rcu = max_rcu ? 2 * max_rcu : 16;
		rcu_list = realloc(rcu_list, max_rcu * sizeof(*rcu_list));
	}
	rcu_list[nr_rcu].table = va;
	rcu_list[nr_rcu++].level = level;
}

static void add_references(void *va, int nr)
{
	struct page *p = hw_page(va);

	hw_stats.refs++;
	if (!p)
		return violation(HW_WILD, 0, -1ULL);
	if (p->count + nr)
		p->count += nr;
	else
		hw_free((void *)((u64)va & PAGE_MASK));
}

static void mm_get_page(void *va)
{
	add_references(va, 1);
}

static void mm_put_page(void *va)
{
	add_references(va, -1);
}

#ifdef HAVE_PUT_PAGE_NR
static void mm_put_page_nr(void *va, int nr)
{
	add_references(va, -nr);
}
#endif

static int mm_page_count(void *va)
{
	struct page *p = hw_page(va);

	return p ? p->count : 0;
}

static void mm_cmo(void *va, size_t size)
{
	hw_stats.cmos += size >> PAGE_SHIFT;
}

static void mm_icache(void *va, size_t size)
{
}

static struct kvm_pgtable_mm_ops s2_mm_ops = {
	.zalloc_page		= mm_zalloc_page,
	.zalloc_pages_exact	= mm_zalloc_pages_exact,
	.free_pages_exact	= mm_free_pages_exact,
	.free_unlinked_table	= mm_free_unlinked_table,
#ifdef HAVE_GET_PAGE_NR
	.get_page_nr		= add_references,
#endif
	.get_page		= mm_get_page,
	.put_page		= mm_put_page,
#ifdef HAVE_PUT_PAGE_NR
	.put_page_nr		= mm_put_page_nr,
#endif
	.page_count		= mm_page_count,
	.phys_to_virt		= hw_va,
	.virt_to_phys		= hw_pa,
	.dcache_clean_inval_poc	= mm_cmo,
	.icache_inval_pou	= mm_icache,
};

static struct kvm_pgtable_mm_ops hyp_mm_ops = {
	.zalloc_page		= mm_zalloc_page,
	.get_page		= mm_get_page,
	.put_page		= mm_put_page,
	.page_count		= mm_page_count,
	.phys_to_virt		= hw_va,
	.virt_to_phys		= hw_pa,
};

/* The grace period of all that was freed is over. */
static void rcu_drain(void)
{
	size_t i;

	for (i = 0; i < nr_rcu; i++)
		kvm_pgtable_stage2_free_unlinked(&s2_mm_ops, rcu_list[i].table,
						 rcu_list[i].level);
	nr_rcu = 0;
}

static void mm_ops_reset(void)
{
	nr_rcu = 0;
}
