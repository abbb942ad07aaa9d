#include "pool.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"

/* Runs tasks until none is left.  Called, and returns, with the lock held. */
static void run_tasks(pool *p) {
  while (p->next < p->tasks) {
    size_t index = p->next++;
    p->running++;
    pthread_mutex_unlock(&p->lock);
    p->task(p->argument, index);
    pthread_mutex_lock(&p->lock);
    p->running--;
  }
  if (p->running == 0) pthread_cond_signal(&p->done);
}

static void *worker(void *argument) {
  pool *p = (pool *)argument;
  pthread_mutex_lock(&p->lock);
  while (!p->stopping) {
    run_tasks(p);
    if (!p->stopping) pthread_cond_wait(&p->work, &p->lock);
  }
  pthread_mutex_unlock(&p->lock);
  return NULL;
}

static void run(void *context, size_t tasks, void (*task)(void *argument, size_t index),
                void *argument) {
  pool *p = (pool *)context;
  pthread_mutex_lock(&p->lock);
  p->task = task;
  p->argument = argument;
  p->tasks = tasks;
  p->next = 0;
  pthread_cond_broadcast(&p->work);
  run_tasks(p);
  while (p->running) pthread_cond_wait(&p->done, &p->lock);
  p->tasks = 0;
  pthread_mutex_unlock(&p->lock);
}

/* A thread begins with the signals that its maker blocks: all of them, so that the caller's thread
 * alone handles any (file.h). */
static int start_thread(pthread_t *thread, pool *p) {
  sigset_t all, before;
  pthread_attr_t attributes;
  sigfillset(&all);
  if (pthread_attr_init(&attributes) != 0) return -1;
  (void)pthread_attr_setstacksize(&attributes, POOL_STACK_BYTES);
  (void)pthread_sigmask(SIG_SETMASK, &all, &before);
  int error = pthread_create(thread, &attributes, worker, p);
  (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
  (void)pthread_attr_destroy(&attributes);
  return error;
}

int pool_start(pool *p, size_t threads) {
  memset(p, 0, sizeof *p);
  pthread_mutex_init(&p->lock, NULL);
  pthread_cond_init(&p->work, NULL);
  pthread_cond_init(&p->done, NULL);
  while (p->started + 1 < threads && start_thread(&p->thread[p->started], p) == 0) p->started++;
  p->parallel.run = run;
  p->parallel.context = p;
  p->parallel.threads = p->started + 1;
  return CLI_OK;
}

void pool_stop(pool *p) {
  pthread_mutex_lock(&p->lock);
  p->stopping = 1;
  pthread_cond_broadcast(&p->work);
  pthread_mutex_unlock(&p->lock);
  for (size_t i = 0; i < p->started; i++) pthread_join(p->thread[i], NULL);
  pthread_mutex_destroy(&p->lock);
  pthread_cond_destroy(&p->work);
  pthread_cond_destroy(&p->done);
}

size_t pool_processors(void) {
  long online = sysconf(_SC_NPROCESSORS_ONLN);
  if (online < 1) return 1;
  return online < POOL_THREADS_MAX ? (size_t)online : POOL_THREADS_MAX;
}
