// SPDX-License-Identifier: GPL-2.0
/*
 * A flat model: for each page of a window of guest memory, the leaf that
 * translates it and its level. Random operations are applied to the model and
 * to the real tables, which are then compared.
 */
#include <signal.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#define WINDOW		(PAGE_SHIFT == 12 ? SZ_2G : PAGE_SHIFT == 14 ? SZ_256M : SZ_4G)
#define NR_MODEL	(WINDOW / PAGE_SIZE)
#define OPS_PER_RUN	250

static u64 nr_ops = PAGE_SHIFT == 16 ? 2500 : 20000;
static bool shrink = true;

enum op_type {
	OP_MAP, OP_UNMAP, OP_WRPROTECT, OP_RELAX, OP_MKYOUNG, OP_AGE, OP_SPLIT,
	OP_SPLIT_CHUNKS, OP_FLUSH, OP_GET_LEAF, OP_ANNOTATE, OP_COLLAPSE, NR_OPS
};

static const char * const op_names[] = {
	"map", "unmap", "wrprotect", "relax", "mkyoung", "age", "split",
	"split_chunks", "flush", "get_leaf", "annotate", "collapse",
};

struct op {
	u8 type;
	u8 flag;		/* shared walk, mkold, force_pte: see use */
	u32 page, nr;
	u64 prot;
	u64 pa;
	u32 cache;
	u32 fail_at;
	u64 chunk;		/* collapse: the host's block size */
};

static struct {
	u64 base;
	u64 *val;
	s8 *level;
	u32 dirty_start, dirty_end;
} m;

/* The part of block @pte that is at @offset, as split makes it. */
static u64 split_pte(u64 pte, u64 offset, s8 level)
{
	u64 attr = pte & ~(pa_bits(-1ULL) | 3);

	if (!split_keeps.memtype)
		attr = (attr & ~S2_MEMATTR) | s2_normal();
	if (!split_keeps_af())
		attr |= S2_AF;
	return leaf_pte(pa_of(pte) + offset, attr, level);
}

/* -- the model ------------------------------------------------------------- */

static u64 ia_of(u32 page)
{
	return m.base + page * PAGE_SIZE;
}

static u64 leaf_pages(s8 level)
{
	return kvm_granule_size(level) >> PAGE_SHIFT;
}

/* First page of the leaf that translates @page, and the first beyond it. */
static u32 leaf_start(u32 page)
{
	return m.val[page] ? ALIGN_DOWN(page, leaf_pages(m.level[page])) : page;
}

static u32 leaf_end(u32 page)
{
	return leaf_start(page) + (m.val[page] ? leaf_pages(m.level[page]) : 1);
}

static void model_set(u32 page, u32 nr, u64 val, s8 level)
{
	m.dirty_start = min(m.dirty_start, page);
	m.dirty_end = max(m.dirty_end, page + nr);
	memset(&m.level[page], level, nr);
	while (nr--)
		m.val[page++] = val;
}

static void model_clear(u32 page, u32 end)
{
	u32 next;

	for (; page < end; page = next) {
		next = leaf_end(page);
		if (m.val[page])
			model_set(leaf_start(page), leaf_pages(m.level[page]), 0, 0);
	}
}

/* Pages of the leaves in the range that are cacheable. */
static u64 model_cacheable(u32 start, u32 end)
{
	u64 nr = 0;
	u32 p;

	for (p = start; p < end; p = leaf_end(p))
		if ((m.val[p] & 1) && (m.val[p] & S2_MEMATTR) == s2_normal())
			nr += leaf_pages(m.level[p]);
	return nr;
}

static void model_verify(u32 start, u32 end, bool full)
{
	u32 p, next, i, step;

	for (p = start; p < end; p = next) {
		struct leaf l = lookup(&vm.pgt, ia_of(p));
		u32 first = l.ia > m.base ? (l.ia - m.base) >> PAGE_SHIFT : 0;

		next = min_t(u64, (l.ia + kvm_granule_size(l.level) - m.base) >> PAGE_SHIFT,
			     NR_MODEL);
		step = full ? 1 : max_t(u32, 1, (next - first) / 5);
		for (i = first; i < next; i += step) {
			u32 q = i + step >= next ? next - 1 : i;

			if (m.val[q] != l.pte || (l.pte && m.level[q] != l.level))
				test_fail("ia %#lx is %#lx at level %d, expected %#lx at %d",
					  ia_of(q), l.pte, l.level, m.val[q], m.level[q]);
		}
	}
}

/* -- operations ------------------------------------------------------------ */

/* The largest leaf within the operation that maps @page. */
static s8 map_level(const struct op *op, u32 page)
{
	s8 level = max_t(s8, vm.pgt.start_level, KVM_PGTABLE_MIN_BLOCK_LEVEL);

	for (; level < KVM_PGTABLE_LAST_LEVEL; level++) {
		u64 size = kvm_granule_size(level);
		u64 start = ALIGN_DOWN(ia_of(page), size);

		if (!vm_force_pte && start >= ia_of(op->page) &&
		    start + size <= ia_of(op->page + op->nr) &&
		    IS_ALIGNED(op->pa + start - ia_of(op->page), size))
			break;
	}
	return level;
}

static u64 map_pte(const struct op *op, u64 attr, u32 page, s8 level)
{
	u64 start = ALIGN_DOWN(ia_of(page), kvm_granule_size(level));

	return leaf_pte(op->pa + start - ia_of(op->page), attr, level);
}

/* After a failure each page is as before, done, or a victim of the break. */
static void map_failed(const struct op *op, u64 attr, u32 start, u32 end)
{
	u32 p, next;

	for (p = start; p < end; p = next) {
		struct leaf l = lookup(&vm.pgt, ia_of(p));
		bool in = p >= op->page && p < op->page + op->nr;
		s8 level;

		/* Never coarser than what is to be compared */
		next = p + 1;
		if (l.pte == m.val[p] && (!l.pte || l.level == m.level[p])) {
			next = leaf_end(p);
			continue;
		}
		level = in ? map_level(op, p) : 0;
		if (in && l.level == level && l.pte == map_pte(op, attr, p, level)) {
			next = ((l.ia - m.base) >> PAGE_SHIFT) + leaf_pages(level);
			model_clear(p, next);
			model_set(p, next - p, l.pte, level);
			continue;
		}
		if (l.pte || (!in && m.level[p] == KVM_PGTABLE_LAST_LEVEL))
			test_fail("failed map left ia %#lx as %#lx", ia_of(p), l.pte);
		model_set(p, 1, 0, 0);
	}
}

static void op_map(const struct op *op)
{
	u32 start = leaf_start(op->page), end = leaf_end(op->page + op->nr - 1), p;
	u64 attr = 0;
	int expected, ret;

	vm_force_pte = op->flag & 2;
	hw_fail_alloc = op->fail_at;
	expected = s2_attr(op->prot, &attr);
	ret = vm_map(ia_of(op->page), op->nr * PAGE_SIZE, op->pa, op->prot,
		     op->flag & 1 ? KVM_PGTABLE_WALK_SHARED : 0);
	if (ret == -ENOMEM && op->fail_at && !hw_fail_alloc) {
		hw_fail_alloc = 0;
		map_failed(op, attr, start, end);
		return;
	}
	if (op->fail_at && !hw_fail_alloc && ret != -ENOMEM)
		test_fail("map returned %d after a failed allocation", ret);
	hw_fail_alloc = 0;

	for (p = op->page; p < op->page + op->nr && !expected; ) {
		s8 level = map_level(op, p);
		u32 nr = leaf_pages(level);
		u64 pte = map_pte(op, attr, p, level);

		/* Present but for the permissions: not for map to change */
		if ((m.val[p] & 1) && m.level[p] == level && !((m.val[p] ^ pte) & ~S2_PERMS)) {
			expected = -EAGAIN;
			break;
		}
		model_clear(p, p + nr);
		model_set(p, nr, pte, level);
		p += nr;
	}
	if (ret != expected)
		test_fail("map returned %d, expected %d", ret, expected);
}

/* One annotation for each page, of which page-tables are made as needed. */
static void op_annotate(const struct op *op)
{
	u64 val = (u64)KVM_HOST_INVALID_PTE_TYPE_DONATION << 60 | (op->pa >> 8 & 0xff0) << 2;
	int ret;
	u32 p;

	ret = kvm_pgtable_stage2_annotate(&vm.pgt, ia_of(op->page), op->nr * PAGE_SIZE,
					  &vm.mc, KVM_HOST_INVALID_PTE_TYPE_DONATION,
					  val & ~KVM_INVALID_PTE_TYPE_MASK);
	if (ret)
		test_fail("annotate returned %d", ret);
	hw_barrier();	/* left to the caller */
	model_clear(op->page, op->page + op->nr);
	for (p = op->page; p < op->page + op->nr; p++)
		model_set(p, 1, val, KVM_PGTABLE_LAST_LEVEL);
}

static void check_no_empty_table(u64 *table, s8 level, u64 ia, u64 start, u64 end, bool root)
{
	u64 size = kvm_granule_size(level), i;
	bool used = false;

	for (i = 0; i < PTRS_PER_PTE; i++, ia += size) {
		used |= !!table[i];
		if (is_table(table[i], level) && ia < end && start < ia + size)
			check_no_empty_table(child_of(table[i]), level + 1, ia, start, end, false);
	}
	if (!used && !root)
		test_fail("empty level %d table below ia %#lx", level, ia);
}

static void op_unmap(const struct op *op)
{
	u32 end = op->page + op->nr;
	u64 cmos = hw_stats.cmos, expected = model_cacheable(op->page, end), i;
	struct kvm_pgtable *pgt = &vm.pgt;
	u64 span = kvm_granule_size(pgt->start_level) * PTRS_PER_PTE;

	if (kvm_pgtable_stage2_unmap(pgt, ia_of(op->page), op->nr * PAGE_SIZE))
		test_fail("unmap failed");
	if (hw_stats.cmos - cmos != (cpus_have_final_cap(ARM64_HAS_STAGE2_FWB) ? 0 : expected))
		test_fail("unmap cleaned %lu pages", (hw_stats.cmos - cmos));
	model_clear(op->page, end);
	for (i = ia_of(op->page) / span; i * span < ia_of(end); i++)
		check_no_empty_table(pgt->pgd + i * PTRS_PER_PTE, pgt->start_level, i * span,
				     ia_of(op->page), ia_of(end), true);
}

static void model_attrs(u32 start, u32 end, u64 set, u64 clr)
{
	u32 p;

	for (p = start; p < end; p = leaf_end(p))
		if (m.val[p] & 1)
			model_set(leaf_start(p), leaf_pages(m.level[p]),
				  (m.val[p] & ~clr) | set, m.level[p]);
}

static void op_wrprotect(const struct op *op)
{
	if (vm_wrprotect(ia_of(op->page), op->nr * PAGE_SIZE))
		test_fail("wrprotect failed");
	model_attrs(op->page, op->page + op->nr, 0, BIT(7));
}

static void op_relax(const struct op *op)
{
	u64 prot = op->prot & ~(u64)(KVM_PGTABLE_PROT_DEVICE | KVM_PGTABLE_PROT_NORMAL_NC), attr;
	int expected = 0, ret;

	ret = kvm_pgtable_stage2_relax_perms(&vm.pgt, ia_of(op->page), prot,
					     op->flag & 1 ? KVM_PGTABLE_WALK_SHARED : 0);
	if (prot & GENMASK(58, 55) || s2_attr(prot, &attr))
		expected = -EINVAL;
	else if (!(m.val[op->page] & 1))
		expected = -EAGAIN;
	if (ret != expected)
		test_fail("relax_perms returned %d, expected %d", ret, expected);
	if (ret)
		return;
	/* More than is documented: PX alone takes UX away, and the reverse */
	if (m.val[op->page] & 1 && prot & KVM_PGTABLE_PROT_X &&
	    s2_perms_reduced(m.val[op->page] & GENMASK(54, 53), attr & GENMASK(54, 53)))
		__kvm_tlb_flush_vmid(&vm.mmu);
	model_attrs(op->page, op->page + 1,
		    (attr & (BIT(6) | BIT(7))) |
		    (prot & KVM_PGTABLE_PROT_X ? attr & GENMASK(54, 53) : 0),
		    prot & KVM_PGTABLE_PROT_X ? GENMASK(54, 53) : 0);
}

static void op_mkyoung(const struct op *op)
{
	kvm_pgtable_stage2_mkyoung(&vm.pgt, ia_of(op->page),
				   op->flag & 1 ? KVM_PGTABLE_WALK_SHARED : 0);
	model_attrs(op->page, op->page + 1, S2_AF, 0);
}

static void op_age(const struct op *op)
{
	bool mkold = op->flag & 1, young = false;
	u32 p;

	for (p = op->page; p < op->page + op->nr; p = leaf_end(p))
		young |= (m.val[p] & 1) && (m.val[p] & S2_AF);
	if (kvm_pgtable_stage2_test_clear_young(&vm.pgt, ia_of(op->page), op->nr * PAGE_SIZE,
						mkold) != young)
		test_fail("test_clear_young did not return %d", young);
	if (mkold)
		model_attrs(op->page, op->page + op->nr, 0, S2_AF);
	if (op->flag & 2)
		kvm_tlb_flush_vmid_range(&vm.mmu, ia_of(op->page), op->nr * PAGE_SIZE);
	else
		hw_barrier();	/* the core leaves the flush for later */
}

/*
 * The leaves of a range that was split: translations are kept, levels may only
 * have grown, and no block is split behind one that is not. Returns the number
 * of new tables; @left: blocks in the range.
 */
static u64 check_split(const struct op *op, u64 *left)
{
	u32 p = leaf_start(op->page), end = leaf_end(op->page + op->nr - 1), next, block = -1;
	u64 tables = 0;

	for (*left = 0; p < end; p = next) {
		struct leaf l = lookup(&vm.pgt, ia_of(p));
		u32 nr = leaf_pages(l.level);
		bool in = p < op->page + op->nr && p + nr > op->page;
		u64 pte = m.val[p], offset;

		next = p + 1;
		if (!pte && !l.pte)
			continue;
		if (l.level > m.level[p] && (pte & 1)) {
			offset = l.ia - ALIGN_DOWN(l.ia, kvm_granule_size(m.level[p]));
			pte = split_pte(pte, offset, l.level);
			if (*left && (!offset || (in && l.level == 3)))
				test_fail("ia %#lx split, but not the one before", l.ia);
			if (offset == 0 && l.level == 3 && m.level[p] == 1)
				tables++;
			if (m.level[p] == 1 && l.level == 2 && p >> 9 >> 9 != block) {
				block = p >> 9 >> 9;	/* 4K granule only */
				tables += offset == 0;
			}
			if (l.level == 3 && IS_ALIGNED(p, PTRS_PER_PTE))
				tables++;
		} else if (l.level != m.level[p]) {
			test_fail("split of ia %#lx from level %d to %d", l.ia, m.level[p],
				  l.level);
		}
		if (l.pte != pte)
			test_fail("split left %#lx at ia %#lx, expected %#lx", l.pte, l.ia, pte);
		next = p + nr;
		if (pte & 1 && l.level < 3 && in)
			(*left)++;
		if (l.level != m.level[p])
			model_set(p, nr, pte, l.level);
	}
	return tables;
}

static void op_split(const struct op *op)
{
	struct kvm_mmu_memory_cache *mc = &vm.mmu.split_page_cache;
	u64 left, tables, cmos = hw_stats.cmos;
	bool failed;
	int ret;

	vm_fill_cache(op->cache);
	hw_fail_alloc = op->fail_at;
	ret = vm_split(ia_of(op->page), op->nr * PAGE_SIZE);
	failed = op->fail_at && !hw_fail_alloc;
	hw_fail_alloc = 0;
	if (hw_stats.cmos != cmos)
		test_fail("cache maintenance in a split");

	tables = check_split(op, &left);
	if (!failed && tables != op->cache - mc->nobjs)
		test_fail("%lu tables made of %d", tables, (int)op->cache - mc->nobjs);
	if (ret && ret != -ENOMEM)
		test_fail("split returned %d", ret);
	if (!ret && (left || failed))
		test_fail("split returned 0 with %lu blocks left", left);
	/* All of a level-1 block is split, and may fail, beyond the range */
	if (ret && !failed && (!left || mc->nobjs))
		test_fail("split gave up with %lu blocks left and %d tables", left, mc->nobjs);
}

/* As the ioctls do it: nothing may be left whatever the size of the chunk. */
static void op_split_chunks(const struct op *op)
{
	u64 start = ia_of(op->page), left;
	int ret;

	if (op->flag & 1) {
		wrprotect(start, op->nr * PAGE_SIZE);
		model_attrs(op->page, op->page + op->nr, 0, BIT(7));
	}
	ret = vm_split_chunks(start, ia_of(op->page + op->nr), op->chunk);
	if (op->flag & 1)
		kvm_tlb_flush_vmid_range(&vm.mmu, start, op->nr * PAGE_SIZE);
	check_split(op, &left);
	if (ret || left)
		test_fail("split by %#lx returned %d with %lu blocks left", op->chunk, ret, left);
}

static void op_flush(const struct op *op)
{
	u64 cmos = hw_stats.cmos, expected = model_cacheable(op->page, op->page + op->nr);

	if (cpus_have_final_cap(ARM64_HAS_STAGE2_FWB))
		expected = 0;
	if (kvm_pgtable_stage2_flush(&vm.pgt, ia_of(op->page), op->nr * PAGE_SIZE))
		test_fail("flush failed");
	if (hw_stats.cmos - cmos != expected)
		test_fail("flush cleaned %lu pages of %lu", hw_stats.cmos - cmos, expected);
}

static void op_get_leaf(const struct op *op)
{
	struct leaf l = lookup(&vm.pgt, ia_of(op->page));
	u64 pte;
	s8 level;

	if (kvm_pgtable_get_leaf(&vm.pgt, ia_of(op->page) + 7, &pte, &level) ||
	    pte != l.pte || level != l.level)
		test_fail("get_leaf");
}

/*
 * The block that could map what its pages map: one piece of memory, the same but for
 * permissions to write and execute and the Access flag. 0 if there is none.
 */
static u64 collapsed_pte(u32 page, s8 level)
{
	u64 nr = leaf_pages(level), pa = 0, xn = KVM_PTE_LEAF_ATTR_HI_S2_XN;
	u64 ored = S2_AF | KVM_PTE_LEAF_ATTR_LO_S2_S2AP_W, attr = 0;
	u32 p;

	for (p = page; p < page + nr; p++) {
		u64 val = m.val[p], here = val & ~(pa_bits(-1ULL) | 3);
		u64 offset = (p - leaf_start(p)) * PAGE_SIZE;

		if (!(val & 1) || m.level[p] <= level)
			return 0;
		if (p == page) {
			pa = pa_of(val);
			attr = here;
		}
		if (pa % kvm_granule_size(level) ||
		    pa_of(val) + offset != pa + (p - page) * PAGE_SIZE ||
		    (attr ^ here) & ~(ored | xn))
			return 0;
		attr |= here & ored;
		if ((attr ^ here) & xn)
			attr = (attr & ~xn) | FIELD_PREP(KVM_PTE_LEAF_ATTR_HI_S2_XN, 2);
	}
	return leaf_pte(pa, attr, level);
}

/* Level by level, the largest blocks first. */
static void op_collapse(const struct op *op)
{
	s8 level = max_t(s8, vm.pgt.start_level, KVM_PGTABLE_MIN_BLOCK_LEVEL);
	u32 nr_blocks[KVM_PGTABLE_LAST_LEVEL] = {}, end = op->page + op->nr, p;

	host.size = op->chunk;
	host.salt = op->flag & 1 ? op->prot | 1 : 0;
	for (; level < KVM_PGTABLE_LAST_LEVEL; level++) {
		u64 nr = leaf_pages(level), pte;

		for (p = ALIGN(op->page, nr); p + nr <= end; p += nr) {
			if (!host_has_block(ia_of(p), nr * PAGE_SIZE))
				continue;
			pte = collapsed_pte(p, level);
			if (!pte)
				continue;
			model_set(p, nr, pte, level);
			nr_blocks[level]++;
		}
	}
	vm_collapse(ia_of(op->page), op->nr * PAGE_SIZE, nr_blocks);
}

static void (* const op_fns[])(const struct op *op) = {
	op_map, op_unmap, op_wrprotect, op_relax, op_mkyoung, op_age, op_split,
	op_split_chunks, op_flush, op_get_leaf, op_annotate, op_collapse,
};

/* -- runs ------------------------------------------------------------------ */

static struct op random_op(void)
{
	static const u8 weights[NR_OPS] = { 25, 12, 8, 8, 5, 7, 12, 8, 3, 5, 4, 16 };
	u32 block = leaf_pages(2), center = NR_MODEL / 2, w = rnd(collapses ? 113 : 97);
	struct op op = { .flag = rnd(4) };
	s64 page;

	while (w >= weights[op.type])
		w -= weights[op.type++];

	/* Around a few blocks in the middle, where tables meet */
	page = center + ((s64)rnd(4) - 2) * block;
	if (rnd(2))
		page += (s64)rnd(5) - 2;
	else if (rnd(2))
		page += rnd(block);
	op.page = page;
	switch (rnd(rnd(8) ? 8 : 10)) {
	case 0 ... 2:
		op.nr = 1 + rnd(4);
		break;
	case 3 ... 4:
		op.nr = 1 + rnd(block);
		break;
	case 5 ... 6:
		op.page = ALIGN_DOWN(op.page, block);
		op.nr = block;
		break;
	case 7:
		op.nr = 64;
		break;
	case 8:
		op.nr = block * (1 + rnd(3)) + rnd(3);
		break;
	case 9:
		if (rnd(8) == 0)
			op.page = rnd(2) ? 0 : center;
		op.nr = rnd(8) ? 2 * block : center;
		break;
	}
	if (op.type == OP_COLLAPSE && rnd(4)) {
		op.page = rnd(8) ? ALIGN_DOWN(op.page, block) : 0;
		op.nr = op.page ? block * (1 + rnd(3)) + rnd(3) : NR_MODEL;
	}
	op.nr = min_t(u32, op.nr, NR_MODEL - op.page);

	op.prot = (rnd(8) ? KVM_PGTABLE_PROT_R : 0) | (rnd(3) ? KVM_PGTABLE_PROT_W : 0) |
		  (rnd(2) ? KVM_PGTABLE_PROT_X : 0);
	if (rnd(8) == 0)
		op.prot ^= rnd(2) ? KVM_PGTABLE_PROT_PX : KVM_PGTABLE_PROT_UX;
	if (rnd(8) == 0)
		op.prot |= rnd(2) ? KVM_PGTABLE_PROT_DEVICE : KVM_PGTABLE_PROT_NORMAL_NC;
	if (rnd(8) == 0)
		op.prot |= (u64)rnd(16) << 55;

	op.pa = PAGE_SHIFT == 16 || system_supports_lpa2() ? BIT(51) | BIT(35) : BIT(35);
	op.pa += op.page * PAGE_SIZE;
	if (rnd(6) == 0)
		op.pa += (u64)rnd(3) << kvm_granule_shift(rnd(2) ? 2 : 3);
	if (op.type == OP_MAP && rnd(8))
		op.flag &= ~2;		/* force_pte */
	if (op.type == OP_MAP && KVM_PGTABLE_MIN_BLOCK_LEVEL < 2 && rnd(25) == 0) {
		op.page = rnd(2) ? 0 : center;
		op.nr = leaf_pages(1);
		op.pa = ALIGN_DOWN(op.pa, kvm_granule_size(1));
	}

	op.cache = rnd(4) ? rnd(5) : rnd(4) || PAGE_SHIFT != 12 ? rnd(40) : PTRS_PER_PTE + rnd(4);
	if (rnd(6) == 0)
		op.fail_at = rnd(8) ? 1 + rnd(4) : 1 + rnd(520);
	op.chunk = kvm_granule_size(KVM_PGTABLE_MIN_BLOCK_LEVEL +
				    rnd(4 - KVM_PGTABLE_MIN_BLOCK_LEVEL));
	if (op.chunk == PAGE_SIZE && op.type == OP_SPLIT_CHUNKS)
		op.nr = min_t(u32, op.nr, 2 * block);
	return op;
}

static void print_op(const struct op *op)
{
	fprintf(stderr, "  %-12s ia %#lx pages %u flag %u", op_names[op->type], ia_of(op->page),
		op->nr, op->flag);
	if (op->type == OP_MAP || op->type == OP_RELAX)
		fprintf(stderr, " pa %#lx prot %#lx", op->pa, op->prot);
	if (op->type == OP_SPLIT)
		fprintf(stderr, " cache %u", op->cache);
	if (op->type == OP_SPLIT_CHUNKS || op->type == OP_COLLAPSE)
		fprintf(stderr, " chunk %#lx", op->chunk);
	if (op->type == OP_COLLAPSE)
		fprintf(stderr, " salt %#lx", op->prot);
	if ((op->type == OP_SPLIT || op->type == OP_MAP) && op->fail_at)
		fprintf(stderr, " fail allocation %u", op->fail_at);
	fputc('\n', stderr);
}

static void model_start(void)
{
	static const u8 ia_4k[] = { 32, 34, 36, 39, 40, 42, 44, 48, 52 };
	static const u8 ia_16k[] = { 36, 38, 40, 42, 47, 48, 52 };
	static const u8 ia_64k[] = { 34, 40, 42, 44, 46, 48, 52 };
	u64 span, limit;
	u32 ia;

	do {
		ia = PAGE_SHIFT == 12 ? ia_4k[rnd(ARRAY_SIZE(ia_4k))] :
		     PAGE_SHIFT == 14 ? ia_16k[rnd(ARRAY_SIZE(ia_16k))] :
					ia_64k[rnd(ARRAY_SIZE(ia_64k))];
	} while (ia > 48 && PAGE_SHIFT != 16 && !system_supports_lpa2());

	if (!m.val) {
		m.val = calloc(NR_MODEL, sizeof(*m.val));
		m.level = calloc(NR_MODEL, sizeof(*m.level));
	}
	if (m.dirty_end > m.dirty_start) {
		memset(m.val + m.dirty_start, 0, (m.dirty_end - m.dirty_start) * sizeof(*m.val));
		memset(m.level + m.dirty_start, 0, m.dirty_end - m.dirty_start);
	}
	m.dirty_start = NR_MODEL;
	m.dirty_end = 0;

	hw_reset(rnd(BIT(HW_BBML2 + 1)));
	vm_init(ia);

	/* The window at an end of the space, or across two root tables */
	limit = BIT(ia);
	span = kvm_granule_size(vm.pgt.start_level - 1);
	m.base = rnd(2) ? 0 : limit - WINDOW;
	if (rnd(2) && span < limit && span >= WINDOW / 2)
		m.base = span * (1 + rnd(limit / span - 1)) - WINDOW / 2;
}

static void model_step(const struct op *op)
{
	static u32 steps;
	u32 start = op->page > 2 ? op->page - 2 : 0;
	u32 end = min_t(u64, op->page + op->nr + 2, NR_MODEL);

	/* Blocks are aligned, and so is the window: they cannot cross its end. */
	op_fns[op->type](op);
	hw_quiesce();
	model_verify(start, end, false);
	check_tables(&vm.pgt, ia_of(start), ia_of(end));
	if (++steps % 100 == 0) {
		model_verify(0, NR_MODEL, true);
		vm_check();
	}
}

static void model_end(void)
{
	model_verify(0, NR_MODEL, true);
	vm_check();
	vm_destroy();
}

/* One split of what there is around @center, which goes wrong if it is told to. */
static void split_mixture(u32 center, u32 cache, u32 fail_at)
{
	s32 block = leaf_pages(2);
	struct op map[] = {
		{ .page = center - 4 * block, .nr = block },
		{ .page = center - 2 * block, .nr = 2 * block },
		{ .page = center, .nr = block },
		{ .page = center + block + 1, .nr = 2 },
		{ .page = center + 2 * block, .nr = 2 * block },
	};
	struct op split = {
		.type = OP_SPLIT, .page = center - 4 * block + block / 2, .nr = 7 * block,
		.cache = cache, .fail_at = fail_at,
	};
	u32 i;

	model_start();
	if (KVM_PGTABLE_MIN_BLOCK_LEVEL < 2) {
		map[0].page = center - leaf_pages(1);
		map[0].nr = leaf_pages(1);
		map[1].nr = 0;
	}
	for (i = 0; i < ARRAY_SIZE(map); i++) {
		map[i].prot = KVM_PGTABLE_PROT_RW | KVM_PGTABLE_PROT_SW1;
		map[i].pa = BIT(35) + map[i].page * PAGE_SIZE;
		if (map[i].nr)
			model_step(&map[i]);
	}
	model_step(&split);
	vm_check();

	/* Once there are tables, the rest follows */
	split.cache = split_nr_tables(WINDOW);
	split.fail_at = 0;
	model_step(&split);
	model_end();
}

/*
 * Blocks of both sizes with pages and holes between them: each allocation fails
 * once, or the cache ends there. What has been split by then stays split, the
 * rest stays as it is.
 */
static void test_split_failures(void)
{
	u32 full = KVM_PGTABLE_MIN_BLOCK_LEVEL < 2 ? 3 + PTRS_PER_PTE + 1 : 6, i;

	for (i = 1; i <= full; i += i == 8 ? full - 16 : 1)
		split_mixture(NR_MODEL / 2, full, i);
	split_mixture(NR_MODEL / 2, full, 0);
	for (i = 0; i <= 10; i++)
		split_mixture(NR_MODEL / 2, i, 0);
	for (i = full - 6; i > 10 && i < full; i++)
		split_mixture(NR_MODEL / 2, i, 0);
}

/* One run: a fresh VM and OPS_PER_RUN operations, of which @keep are done. */
static void model_run(u64 run_seed, const bool *keep, bool print)
{
	int i;

	rnd_seed(run_seed);
	model_start();
	if (print)
		fprintf(stderr, "ia_bits %u, start level %d, caps %#lx\n", vm.pgt.ia_bits,
			vm.pgt.start_level, hw_caps);
	for (i = 0; i < OPS_PER_RUN; i++) {
		struct op op = random_op();

		if (keep && !keep[i])
			continue;
		if (print)
			print_op(&op);
		model_step(&op);
	}
	model_end();
}

/* Whatever else the machine is busy with */
static void limit_cpu(int seconds)
{
	struct itimerval timer = { .it_value.tv_sec = seconds };

	setitimer(ITIMER_PROF, &timer, NULL);
}

/* In a child, so that a crash or a hang is a failure like any other. */
static bool model_run_fails(u64 run_seed, const bool *keep, bool print)
{
	int status;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (!pid) {
		limit_cpu(20);
		if (!print && !freopen("/dev/null", "w", stderr))
			_exit(2);
		if (sigsetjmp(test_env, 0))
			_exit(1);
		model_run(run_seed, keep, print);
		_exit(0);
	}
	return waitpid(pid, &status, 0) != pid || status;
}

/* Drop what the failure does not need: halves, quarters ... single operations. */
static void model_shrink(u64 run_seed)
{
	bool keep[OPS_PER_RUN], saved[OPS_PER_RUN];
	int len, i, tries = 0;

	memset(keep, true, sizeof(keep));
	for (len = OPS_PER_RUN / 2; len; len = len > 1 ? len / 2 : 0) {
		for (i = 0; i < OPS_PER_RUN && tries < 400; i += len) {
			int n = min(len, OPS_PER_RUN - i);

			if (!memchr(keep + i, true, n))
				continue;
			memcpy(saved, keep, sizeof(keep));
			memset(keep + i, false, n);
			tries++;
			if (!model_run_fails(run_seed, keep, false))
				memcpy(keep, saved, sizeof(keep));
		}
	}
	fprintf(stderr, "minimal trace of run %lu:\n", run_seed);
	model_run_fails(run_seed, keep, true);
}

/* Batches of runs in a child; a failing batch is searched for the run. */
static void test_model(void)
{
	u64 run = 0, nr = DIV_ROUND_UP(nr_ops, OPS_PER_RUN);
	u64 *done;
	int status;
	pid_t pid;

	done = mmap(NULL, PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	fflush(NULL);
	pid = fork();
	if (!pid) {
		if (sigsetjmp(test_env, 0))
			_exit(1);
		for (run = 0; run < nr; run++) {
			limit_cpu(20);
			__atomic_store_n(done, run, __ATOMIC_RELAXED);
			model_run(seed * 1000003 + run, NULL, false);
		}
		_exit(0);
	}
	if (waitpid(pid, &status, 0) != pid || status) {
		run = seed * 1000003 + *done;
		if (shrink)
			model_shrink(run);
		munmap(done, PAGE_SIZE);
		test_fail("model: seed %lu, run %lu%s", seed, run, shrink ? "" : " (not shrunk)");
	}
	munmap(done, PAGE_SIZE);
}
