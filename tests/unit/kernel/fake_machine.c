/* See fake_machine.h. Physical memory is one host allocation whose free pages are poisoned, so that
 * AddressSanitizer finds uses of freed pages. */
#include "fake_machine.h"
#include "device.h"
#include "log.h"
#include "machine.h"
#include "syscall_handlers.h"
#include <pthread.h>
#include <sanitizer/asan_interface.h>
#include <semaphore.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define RAM_BASE 0x40000000ull
#define CODE 0x20000000ull
#define TLB_SIZE 4096

/* --- what the boot code and the arch would define --- */
struct machine machine;
struct sw_info_page *info_page;
paddr_t info_page_address;
struct memory *info_page_memory;
uint64_t reserved_bytes, kernel_image_bytes;
bool early_console_active = false, panicked;
const char bundle_start[1], bundle_end[1];

void early_console_write(const char *text, size_t length)
{
    fwrite(text, 1, length, stderr);
}

int early_console_read(void)
{
    return -1;
}

void early_console_reset(void) {}

void panic(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    printf("Bail out! panic: ");
    vprintf(format, arguments);
    printf("\n");
    fflush(stdout);
    abort();
}

void crash_record_process(struct thread *thread, const char *reason, vaddr_t address)
{
    (void)thread, (void)reason, (void)address;
}

status_t sys_crash_read(struct thread *thread, struct job *authority, uint32_t index,
                        vaddr_t buffer, uint32_t capacity, uint64_t *out_length,
                        uint64_t *out_number, uint64_t *out_earlier)
{
    (void)thread, (void)authority, (void)index, (void)buffer, (void)capacity, (void)out_length;
    (void)out_number, (void)out_earlier;
    return SW_NOT_FOUND;
}

status_t sys_crash_seen(struct thread *thread, struct job *authority, uint64_t number)
{
    (void)thread, (void)authority, (void)number;
    return SW_OK;
}

void info_page_set_wall(uint64_t wall_ns)
{
    (void)wall_ns;
}

/* --- pages --- */
uint64_t page_total, page_free_count, page_reserve,
    fake_page_limit; /* no reserve: tests set their own limits */
static char *ram;
static uint32_t *free_pages;
static bool *page_used;
static uint64_t *page_taken, barriers; /* page_taken: `barriers` then */
uint64_t fake_unordered_uses;

static void ram_init(uint64_t pages)
{
    ram = aligned_alloc(PAGE_SIZE, pages * PAGE_SIZE);
    free_pages = malloc(pages * sizeof *free_pages);
    page_used = calloc(pages, 1);
    page_taken = calloc(pages, sizeof *page_taken);
    page_total = page_free_count = pages;
    for (uint64_t i = 0; i < pages; i++)
        free_pages[i] = (uint32_t)i;
    ASAN_POISON_MEMORY_REGION(ram, pages * PAGE_SIZE);
}

paddr_t page_allocate(void)
{
    if (page_free_count <= fake_page_limit)
        return 0;
    uint64_t pick = (uint64_t)rand() % page_free_count; /* nobody may rely on an order */
    uint32_t page = free_pages[pick];
    free_pages[pick] = free_pages[--page_free_count];
    page_used[page] = true;
    page_taken[page] = barriers;
    ASAN_UNPOISON_MEMORY_REGION(ram + (uint64_t)page * PAGE_SIZE, PAGE_SIZE);
    memset(ram + (uint64_t)page * PAGE_SIZE, 0xa5, PAGE_SIZE);
    return RAM_BASE + (uint64_t)page * PAGE_SIZE;
}

paddr_t page_allocate_zero(void)
{
    paddr_t page = page_allocate();
    if (page)
        memset(page_pointer(page), 0, PAGE_SIZE);
    return page;
}

void page_free(paddr_t page)
{
    uint64_t index = (page - RAM_BASE) / PAGE_SIZE;
    ASSERT(page % PAGE_SIZE == 0 && index < page_total && page_used[index]);
    page_used[index] = false;
    free_pages[page_free_count++] = (uint32_t)index;
    ASAN_POISON_MEMORY_REGION(ram + index * PAGE_SIZE, PAGE_SIZE);
}

void arch_page_filled(void)
{
    barriers++;
}

void *page_pointer(paddr_t address)
{
    ASSERT(address >= RAM_BASE && address < RAM_BASE + page_total * PAGE_SIZE);
    return ram + (address - RAM_BASE);
}

paddr_t page_address(const void *pointer)
{
    return RAM_BASE + (paddr_t)((const char *)pointer - ram);
}

/* --- CPUs --- */
enum cpu_place { PLACE_USER, PLACE_IDLE };

struct tlb_entry {
    bool valid;
    uint16_t asid;
    uint64_t page, leaf;
};

static struct fake_cpu {
    pthread_t host;
    sem_t go, quiet;
    enum cpu_place place;
    void (*job)(void);
    bool kicked;
    uint64_t timer;
    const struct space *space; /* TTBR0 */
    struct tlb_entry tlb[TLB_SIZE];
} fakes[CPU_MAX];
static uint32_t fake_count;
static _Thread_local uint32_t self;
static uint64_t now = 1000000;
static bool locked;
void (*fake_release_hook)(void), (*fake_slice_hook)(void);
uint64_t fake_flushes, fake_shared_flushes, fake_kicks, fake_stale_uses;
uint32_t fake_interrupt;

struct cpu *cpu_this(void)
{
    return &cpus[self];
}

void lock_take(void)
{
    ASSERT(!locked);
    locked = true;
}

void lock_release(void)
{
    ASSERT(locked);
    if (fake_release_hook)
        fake_release_hook();
    locked = false;
}

static void *cpu_main(void *argument)
{
    self = (uint32_t)(uintptr_t)argument;
    for (;;) {
        while (sem_wait(&fakes[self].go))
            ;
        fakes[self].job();
        fakes[self].place = PLACE_USER;
        sem_post(&fakes[self].quiet);
    }
    return NULL;
}

/* The CPU goes on until it is in user mode or idle. job NULL: it wakes from idle. */
static void cpu_go(uint32_t number, void (*job)(void))
{
    if (job)
        fakes[number].job = job;
    sem_post(&fakes[number].go);
    while (sem_wait(&fakes[number].quiet))
        ;
}

void arch_idle(void)
{
    ASSERT(!locked);
    fakes[self].place = PLACE_IDLE;
    sem_post(&fakes[self].quiet);
    while (sem_wait(&fakes[self].go))
        ;
}

void arch_kick(uint32_t cpu_mask)
{
    fake_kicks++;
    for (uint32_t i = 0; i < fake_count; i++)
        if (cpu_mask & 1u << i)
            fakes[i].kicked = true;
}

void arch_timer_set(uint64_t when)
{
    fakes[self].timer = when;
}

void arch_interrupt_dispatch(void)
{
    struct cpu *cpu = cpu_this();
    if (fakes[self].kicked)
        cpu->resched = true;
    fakes[self].kicked = false;
    if (self == 0 && fake_interrupt) {
        uint32_t number = fake_interrupt;
        fake_interrupt = 0;
        cpu->resched = true;
        device_interrupt(number);
    }
    if (fakes[self].timer <= now) {
        cpu->resched = true;
        cpu->programmed = SW_NEVER;
        fakes[self].timer = SW_NEVER;
    }
}

uint64_t arch_now(void)
{
    return now;
}

uint64_t arch_since_boot(void)
{
    return now;
}

void arch_fp_save(struct arch_fp *fp)
{
    fp->fpsr++;
}

void arch_fp_restore(const struct arch_fp *fp)
{
    (void)fp;
}

void arch_power(uint32_t kind)
{
    panic("power %u", kind);
}

void arch_interrupt_mask(uint32_t number)
{
    (void)number;
}

void arch_interrupt_unmask(uint32_t number)
{
    (void)number;
}

bool arch_interrupt_is_masked(uint32_t number)
{
    (void)number;
    return true;
}

void arch_interrupt_configure(uint32_t number, bool edge)
{
    (void)number, (void)edge;
}

volatile void *arch_device_map(paddr_t address, uint64_t length)
{
    (void)address, (void)length;
    return NULL;
}

uint64_t arch_register_read(const volatile void *address, uint32_t width)
{
    (void)address, (void)width;
    return 0;
}

void arch_register_write(volatile void *address, uint32_t width, uint64_t value)
{
    (void)address, (void)width, (void)value;
}

void arch_code_sync(const void *start, size_t length)
{
    (void)start, (void)length;
}

/* --- MMU --- */
uint64_t arch_pte(paddr_t page, uint32_t protection, bool device)
{
    (void)device;
    return protection ? page | ARCH_PTE_VALID | (uint64_t)protection << 1 : 0;
}

uint64_t arch_table_entry(paddr_t table)
{
    return table | ARCH_PTE_VALID;
}

paddr_t arch_pte_page(uint64_t entry)
{
    return entry & 0x0000fffffffff000ull;
}

void arch_tables_sync(void) {}

static struct tlb_entry *tlb_slot(uint32_t cpu, uint16_t asid, vaddr_t address)
{
    return &fakes[cpu].tlb[(address / PAGE_SIZE + asid * 239u) % TLB_SIZE];
}

static void tlb_drop(uint32_t cpu, uint16_t asid, vaddr_t address)
{
    struct tlb_entry *entry = tlb_slot(cpu, asid, address);
    if (entry->asid == asid && entry->page == address / PAGE_SIZE)
        entry->valid = false;
}

static void tlb_drop_asid(uint32_t cpu, uint16_t asid)
{
    for (uint32_t i = 0; i < TLB_SIZE; i++)
        if (fakes[cpu].tlb[i].asid == asid)
            fakes[cpu].tlb[i].valid = false;
}

void arch_tlb_flush_page(uint16_t asid, vaddr_t address)
{
    fake_flushes++;
    tlb_drop(self, asid, address);
}

void arch_tlb_flush_asid(uint16_t asid)
{
    fake_flushes++;
    tlb_drop_asid(self, asid);
}

void arch_tlb_flush_page_shared(uint16_t asid, vaddr_t address)
{
    fake_shared_flushes++;
    for (uint32_t i = 0; i < CPU_MAX; i++)
        tlb_drop(i, asid, address);
}

void arch_tlb_flush_asid_shared(uint16_t asid)
{
    fake_shared_flushes++;
    for (uint32_t i = 0; i < CPU_MAX; i++)
        tlb_drop_asid(i, asid);
}

void arch_tlb_flush_all_shared(void)
{
    for (uint32_t i = 0; i < CPU_MAX; i++)
        memset(fakes[i].tlb, 0, sizeof fakes[i].tlb);
}

void arch_space_activate(const struct space *space)
{
    ASSERT(!space || !(space->stale & 1u << self)); /* walks may begin now */
    fakes[self].space = space;
}

uint16_t arch_asid_count(void)
{
    return 16; /* few, so that they run out in every test */
}

static uint64_t walk(const struct space *space, vaddr_t address)
{
    paddr_t table = space->root;
    for (int shift = 30; shift >= 12; shift -= 9) {
        uint64_t entry = ((uint64_t *)page_pointer(table))[address >> shift & 511];
        if (!(entry & ARCH_PTE_VALID))
            return 0;
        fake_unordered_uses +=
            page_taken[(arch_pte_page(entry) - RAM_BASE) / PAGE_SIZE] == barriers;
        if (shift == 12)
            return entry;
        table = arch_pte_page(entry);
    }
    return 0;
}

/* What the CPU's MMU gives for an access; NULL: a fault. */
static void *translate(vaddr_t address, uint32_t access)
{
    const struct space *space = fakes[self].space;
    if (!space || address >= USER_LIMIT)
        return NULL;
    struct tlb_entry *entry = tlb_slot(self, space->asid, address);
    uint64_t leaf = walk(space, address);
    if (!entry->valid || entry->asid != space->asid || entry->page != address / PAGE_SIZE) {
        if (!(leaf & ARCH_PTE_VALID))
            return NULL;
        *entry = (struct tlb_entry){ true, space->asid, address / PAGE_SIZE, leaf };
    }
    if (!(entry->leaf >> 1 & access)) {
        entry->valid =
            false; /* as if it had fallen out meanwhile: the kernel decides on the tables */
        return NULL;
    }
    if (leaf != entry->leaf) {
        fake_stale_uses++;
        printf("# stale translation: cpu %u address %lx entry %lx tables %lx\n", self,
               (unsigned long)address, (unsigned long)entry->leaf, (unsigned long)leaf);
    }
    return (char *)page_pointer(arch_pte_page(entry->leaf)) + address % PAGE_SIZE;
}

static size_t user_copy(void *kernel, vaddr_t user, size_t length, bool to_user)
{
    while (length) {
        void *pointer = translate(user, to_user ? SW_MAP_WRITE : SW_MAP_READ);
        if (!pointer)
            break;
        size_t room = PAGE_SIZE - user % PAGE_SIZE, piece = length < room ? length : room;
        if (to_user)
            memmove(pointer, kernel, piece);
        else
            memmove(kernel, pointer, piece);
        kernel = (char *)kernel + piece, user += piece, length -= piece;
    }
    return length;
}

size_t arch_copy_from_user(void *to, vaddr_t from, size_t length)
{
    return user_copy(to, from, length, false);
}

bool arch_load_user(vaddr_t address, uint32_t *out_value)
{
    return user_copy(out_value, address, sizeof(*out_value), false) == 0;
}

size_t arch_copy_to_user(vaddr_t to, const void *from, size_t length)
{
    return user_copy((void *)(uintptr_t)from, to, length, true);
}

/* --- the test's side --- */
static void job_start(void)
{
    lock_take();
    cpus[self].online = true;
    sched_exit();
    lock_release();
}

static void job_interrupt(void)
{
    kernel_interrupt(cpus[self].current);
}

static void job_syscall(void)
{
    kernel_syscall(cpus[self].current);
}

void fake_settle(void)
{
    bool again = true;
    for (uint32_t rounds = 0; again; rounds++) {
        ASSERT(rounds < 100000);
        again = false;
        for (uint32_t i = 0; i < fake_count; i++) {
            if (!fakes[i].kicked && fakes[i].timer > now && (i || !fake_interrupt))
                continue;
            again = true;
            cpu_go(i, fakes[i].place == PLACE_USER ? job_interrupt : NULL);
        }
    }
}

uint64_t fake_now(void)
{
    return now;
}

void fake_advance(uint64_t ns)
{
    uint64_t end = now + ns;
    for (;;) {
        uint64_t next = end;
        for (uint32_t i = 0; i < fake_count; i++)
            if (fakes[i].timer < next)
                next = fakes[i].timer;
        now = next > now ? next : now;
        fake_settle();
        if (next >= end)
            return;
    }
}

static int cpu_of(const struct thread *thread)
{
    for (uint32_t i = 0; i < fake_count; i++)
        if (fakes[i].place == PLACE_USER && cpus[i].current == thread)
            return (int)i;
    return -1;
}

int fake_run(struct thread *thread)
{
    for (uint32_t attempt = 0; attempt < 1000; attempt++) {
        fake_settle();
        int cpu = cpu_of(thread);
        if (cpu >= 0)
            return cpu;
        fake_advance(1000000);
    }
    return -1;
}

int64_t fake_call(struct thread *thread, uint32_t number, uint64_t a, uint64_t b, uint64_t c,
                  uint64_t d, uint64_t e, uint64_t f)
{
    int cpu = fake_run(thread);
    ASSERT(cpu >= 0);
    uint64_t *x = thread->frame.x;
    x[0] = a, x[1] = b, x[2] = c, x[3] = d, x[4] = e, x[5] = f;
    x[8] = number;
    uint64_t pc = thread->frame.pc += 4; /* behind the svc */
    object_get(&thread->object);
    cpu_go((uint32_t)cpu, job_syscall);
    fake_settle();
    int64_t result = SW_SYS_PENDING;
    while ((cpu = cpu_of(thread)) >= 0) {
        result = (int64_t)x[0];
        if (thread->frame.pc == pc)
            break;
        if (fake_slice_hook) {
            fake_slice_hook();
            cpu = thread->state == THREAD_ENDED ? -1 : fake_run(thread);
            if (cpu < 0) {
                result = SW_SYS_PENDING;
                break;
            }
        }
        thread->frame.pc += 4; /* a slice of a long call: made again */
        cpu_go((uint32_t)cpu, job_syscall);
        fake_settle();
        result = SW_SYS_PENDING;
    }
    object_put(&thread->object);
    return result;
}

static struct {
    struct thread *thread;
    vaddr_t address;
    void *memory;
    size_t length;
    uint32_t access;
} user_job;

/* User mode touches memory: what faults goes to the kernel, then the instruction is made again.
 * When the kernel chooses another thread, or none, the rest is left to the next turn. */
static void job_user(void)
{
    struct thread *thread = user_job.thread;
    while (user_job.length) {
        void *pointer = translate(user_job.address, user_job.access);
        if (!pointer) {
            if (kernel_fault(thread, user_job.access, user_job.address, 0) == thread)
                continue;
            return;
        }
        size_t room = PAGE_SIZE - user_job.address % PAGE_SIZE;
        size_t piece = user_job.length < room ? user_job.length : room;
        if (user_job.access == SW_MAP_WRITE)
            memcpy(pointer, user_job.memory, piece);
        else
            memcpy(user_job.memory, pointer, piece);
        user_job.memory = (char *)user_job.memory + piece;
        user_job.address += piece;
        user_job.length -= piece;
    }
}

static bool user_access(struct thread *thread, vaddr_t address, void *memory, size_t length,
                        uint32_t access)
{
    user_job.thread = thread;
    user_job.address = address;
    user_job.memory = memory;
    user_job.length = length;
    user_job.access = access;
    object_get(&thread->object);
    while (user_job.length && thread->state != THREAD_ENDED) {
        int cpu = fake_run(thread);
        ASSERT(cpu >= 0);
        cpu_go((uint32_t)cpu, job_user);
        fake_settle();
    }
    object_put(&thread->object);
    return user_job.length == 0;
}

bool fake_store(struct thread *thread, vaddr_t to, const void *from, size_t length)
{
    return user_access(thread, to, (void *)(uintptr_t)from, length, SW_MAP_WRITE);
}

bool fake_load(struct thread *thread, void *to, vaddr_t from, size_t length)
{
    return user_access(thread, from, to, length, SW_MAP_READ);
}

bool fake_execute(struct thread *thread, vaddr_t address)
{
    uint32_t word;
    return user_access(thread, address, &word, sizeof word, SW_MAP_EXECUTE);
}

/* --- programs --- */
void (*fake_program_hook)(struct sw_program *program, struct sw_spawn *spawn);

static void program_fill(struct sw_program *program)
{
    *program = (struct sw_program){
        .version = SW_PROGRAM_VERSION,
        .segment_count = 2,
        .entry = CODE,
        .base = CODE,
        .segments = {
            { .address = CODE, .size = PAGE_SIZE, .file_size = PAGE_SIZE, .flags = SW_SEGMENT_EXECUTE },
            { .address = FAKE_DATA, .size = FAKE_DATA_PAGES * PAGE_SIZE, .offset = PAGE_SIZE, .file_size = 100,
              .flags = SW_SEGMENT_WRITE },
        },
    };
}

struct thread *fake_start(uint32_t cpu_count, uint64_t ram_pages)
{
    fake_count = cpu_count;
    ram_init(ram_pages);
    info_page_address = page_allocate_zero();
    info_page = page_pointer(info_page_address);
    info_page->cpu_count = cpu_count;
    random_init("test", 4, true);
    log_level_minimum = SW_LOG_ERROR;
    job_init();
    sched_init();
    status_t status = memory_create_fixed(job_root, info_page_address, 1, false, &info_page_memory);
    ASSERT(status == SW_OK);
    struct memory *code, *start;
    paddr_t page;
    status = memory_create(job_root, 2, &code);
    ASSERT(status == SW_OK);
    for (uint32_t i = 0; i < 2; i++) {
        status = memory_page(code, i, true, &page);
        ASSERT(status == SW_OK);
        memset(page_pointer(page), 0x11 * (int)(i + 1), PAGE_SIZE);
    }
    code->sealed = true;
    code->synced = 2;
    status = memory_create(job_root, 1, &start);
    ASSERT(status == SW_OK);
    uint32_t rights =
        SW_RIGHT_READ | SW_RIGHT_MAP | SW_RIGHT_EXECUTE | SW_RIGHT_DUPLICATE | SW_RIGHT_TRANSFER;
    struct sent_handle handles[2] = {
        { &job_root->object, JOB_RIGHTS | JOB_AUTHORITIES },
        { &code->object, rights },
    };
    object_hold(&job_root->object);
    object_hold(&code->object);
    struct sw_program program;
    program_fill(&program);
    struct process_image image = {
        .program = &program,
        .memory = { code },
        .memory_rights = { rights },
        .start = start,
        .handles = handles,
        .handle_count = 2,
        .band = 3,
        .caps = SW_CAP_ALL,
        .name = "keeper",
    };
    struct process *keeper;
    status = process_create_image(job_root, &image, &keeper);
    ASSERT(status == SW_OK);
    object_put(&code->object);
    object_put(&start->object);
    object_put(&keeper->object);
    for (uint32_t i = 0; i < cpu_count; i++) {
        fakes[i].timer = SW_NEVER;
        sem_init(&fakes[i].go, 0, 0);
        sem_init(&fakes[i].quiet, 0, 0);
        pthread_create(&fakes[i].host, NULL, cpu_main, (void *)(uintptr_t)i);
        cpu_go(i, job_start);
    }
    fake_settle();
    return list_first(&keeper->threads, struct thread, process_link);
}

int64_t fake_spawn_status(struct thread *parent, handle_t job, const struct sw_transfer *transfers,
                          uint32_t transfer_count, uint32_t band)
{
    vaddr_t at = FAKE_DATA + 8 * PAGE_SIZE;
    struct sw_program program;
    struct sw_spawn spawn = {
        .program = at,
        .start = at + PAGE_SIZE,
        .start_length = 100,
        .transfer_count = transfer_count,
        .transfers = at + 2 * PAGE_SIZE,
        .caps = SW_CAP_ALL,
        .memory = { SW_START_HANDLE(1) },
        .band = band,
        .name = "child",
    };
    program_fill(&program);
    if (fake_program_hook)
        fake_program_hook(&program, &spawn);
    char start[100] = { 1 };
    if (!fake_store(parent, at, &program, sizeof program) ||
        !fake_store(parent, at + PAGE_SIZE, start, sizeof start) ||
        !fake_store(parent, at + 2 * PAGE_SIZE, transfers, transfer_count * sizeof *transfers) ||
        !fake_store(parent, at + 3 * PAGE_SIZE, &spawn, sizeof spawn))
        return SW_FAULT;
    return SYS(parent, PROCESS_CREATE, job, at + 3 * PAGE_SIZE);
}

struct thread *fake_spawn(struct thread *parent, handle_t job, const struct sw_transfer *transfers,
                          uint32_t transfer_count, uint32_t band, handle_t *out_process)
{
    struct sw_transfer program = { .handle = SW_START_HANDLE(1), .rights = SW_RIGHTS_SAME };
    if (!transfers)
        transfers = &program, transfer_count = 1;
    if (fake_spawn_status(parent, job, transfers, transfer_count, band) != SW_OK)
        return NULL;
    *out_process = (handle_t)parent->frame.x[1];
    struct process *process = process_by_pid((uint32_t)parent->frame.x[2]);
    return process ? list_first(&process->threads, struct thread, process_link) : NULL;
}
