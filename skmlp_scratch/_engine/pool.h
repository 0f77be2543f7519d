/* A few threads that are kept, and spin briefly before they sleep: a step's parts are shorter than it takes to start
   a thread. Each takes the part of its own number first, of which its cache has most from the last job, then any that
   nobody has claimed. So does the caller, and nobody waits for a thread that sleeps. Where another caller has the
   threads, or where there are none, the caller does all parts itself. */

typedef void job(void *argument, int part);

#if defined __GNUC__ && !defined _WIN32
#include <pthread.h>
#include <sched.h>
#include <signal.h>

#define PATIENCE 8 /* jobs: some four steps */
#define SPINS 10000 /* some hundreds of microseconds: more than Python spends between two steps */

#if defined __x86_64__ || defined __i386__
#define PAUSE() __builtin_ia32_pause()
#elif defined __aarch64__
#define PAUSE() __asm__ volatile("yield")
#else
#define PAUSE() ((void)0)
#endif

static struct {
    pthread_mutex_t owner, sleep;
    pthread_cond_t wake;
    int n_threads, sleepers, unheard; /* the last: jobs that no sleeper was woken for */
    job *function;
    void *argument;
    uint64_t ticket; /* number of the job, and in the lowest byte a bit for each part that nobody has claimed */
    int unfinished;
} pool = {.owner = PTHREAD_MUTEX_INITIALIZER, .sleep = PTHREAD_MUTEX_INITIALIZER, .wake = PTHREAD_COND_INITIALIZER};

#define GET(field) __atomic_load_n(&pool.field, __ATOMIC_SEQ_CST)
#define SET(field, value) __atomic_store_n(&pool.field, value, __ATOMIC_SEQ_CST)

static int work_on_a_part(int own)
{
    uint64_t ticket = GET(ticket);
    while (ticket & 0xff) {
        int part = own;
        if (!(ticket >> own & 1))
            for (part = MAX_PARTS - 1; !(ticket >> part & 1); part--) continue;
        /* These belong to this ticket's job if the exchange succeeds: a job is over only when all its parts are. */
        job *function = GET(function);
        void *argument = GET(argument);
        uint64_t rest = ticket & ~(1ull << part);
        if (!__atomic_compare_exchange_n(&pool.ticket, &ticket, rest, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)) continue;
        function(argument, part);
        __atomic_sub_fetch(&pool.unfinished, 1, __ATOMIC_SEQ_CST);
        return 1;
    }
    return 0;
}

static void *helper(void *number)
{
    for (;;) {
        int spins = 0;
        while (spins < SPINS)
            if (work_on_a_part((int)(intptr_t)number)) spins = 0;
            else PAUSE(), spins++;
        pthread_mutex_lock(&pool.sleep);
        __atomic_add_fetch(&pool.sleepers, 1, __ATOMIC_SEQ_CST);
        while (!(GET(ticket) & 0xff)) pthread_cond_wait(&pool.wake, &pool.sleep);
        __atomic_sub_fetch(&pool.sleepers, 1, __ATOMIC_SEQ_CST);
        pthread_mutex_unlock(&pool.sleep);
    }
    return NULL;
}

/* Threads do not live on in a forked child, and locks may be held by those that do not. */
static void forget_threads(void)
{
    pthread_mutex_init(&pool.owner, NULL);
    pthread_mutex_init(&pool.sleep, NULL);
    pthread_cond_init(&pool.wake, NULL);
    pool.n_threads = pool.sleepers = pool.unfinished = 0;
    pool.ticket = 0;
}

/* Signals are for the interpreter's threads. */
static void start_threads(int wanted)
{
    sigset_t all, before;
    sigfillset(&all);
    if (pthread_sigmask(SIG_SETMASK, &all, &before)) return;
    while (pool.n_threads < wanted) {
        pthread_t thread;
        if (pthread_create(&thread, NULL, helper, (void *)(intptr_t)(pool.n_threads + 1))) break;
        pthread_detach(thread);
        pool.n_threads++;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

/* The count of jobs in a row begins anew with each fit: many short fits wake no thread. */
static void forget_jobs(void) { SET(unheard, 0); }

/* Waking a thread takes as long as a small step: only a large job, or one of many in a row, does it. */
static void run_parts(job *function, void *argument, int n_parts, int wakes)
{
    if (n_parts < 2 || pthread_mutex_trylock(&pool.owner)) {
        for (int part = 0; part < n_parts; part++) function(argument, part);
        return;
    }
    if (pool.n_threads < n_parts - 1) start_threads(n_parts - 1);
    SET(function, function);
    SET(argument, argument);
    SET(unfinished, n_parts);
    SET(ticket, ((GET(ticket) >> 8) + 1) << 8 | ((1ull << n_parts) - 1));
    if (GET(sleepers) && (wakes || __atomic_add_fetch(&pool.unheard, 1, __ATOMIC_SEQ_CST) > PATIENCE)) {
        SET(unheard, 0);
        pthread_mutex_lock(&pool.sleep);
        pthread_cond_broadcast(&pool.wake);
        pthread_mutex_unlock(&pool.sleep);
    }
    while (work_on_a_part(0)) continue;
    for (int spins = 0; GET(unfinished); spins++)
        if (spins < SPINS) PAUSE();
        else sched_yield();
    pthread_mutex_unlock(&pool.owner);
}

static int prepare_pool(void) { return pthread_atfork(NULL, NULL, forget_threads); }

#else /* no threads */
static void forget_jobs(void) {}
static void run_parts(job *function, void *argument, int n_parts, int wakes)
{
    (void)wakes;
    for (int part = 0; part < n_parts; part++) function(argument, part);
}
static int prepare_pool(void) { return 0; }
#endif
