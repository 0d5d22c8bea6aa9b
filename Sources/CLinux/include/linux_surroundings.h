#ifndef TINE_LINUX_SURROUNDINGS_H
#define TINE_LINUX_SURROUNDINGS_H
#include <stdbool.h>
#include <stdint.h>

/// Resources that can be limited (setrlimit(2)).
enum linux_resource {
  linux_open_files,
  linux_file_size,
  linux_processor_time,
  linux_address_space,
  linux_data_segment,
  linux_stack,
  linux_processes,
  linux_core_file,
};

/// What stands for no limit.
extern const uint64_t linux_no_limit;

/// The limit that counts, and how far it may be raised.
int linux_get_limit(enum linux_resource resource, uint64_t *soft, uint64_t *hard);
int linux_set_limit(enum linux_resource resource, uint64_t soft, uint64_t hard);

/// Opens those of the descriptors 0, 1 and 2 that are closed, so that no file that is opened later gets such a number. They cannot be read
/// from or written to.
int linux_occupy_standard_descriptors(void);

/// Closes all descriptors from `first` on, but for one (-1: for none).
int linux_close_descriptors(int first, int kept);

/// Gives signals that are ignored their default action back, and lets those through that are held back.
void linux_restore_signals(void);

/// Ignores the signals that tell a process of a limit (SIGXFSZ, SIGXCPU): the call fails instead.
void linux_ignore_limit_signals(void);

/// setpriority(2): the niceness of this process.
int linux_set_niceness(int niceness);

/// Back to SCHED_OTHER, without real-time priority.
int linux_set_ordinary_scheduling(void);

/// ioprio_set(2): the I/O priority follows the niceness again.
int linux_clear_io_priority(void);

/// Runs on every processor that it may run on.
int linux_use_all_processors(void);

/// set_mempolicy(2) with MPOL_DEFAULT.
int linux_clear_memory_policy(void);

/// No signal when its parent ends, timers as exact as usual, huge pages as usual, Linux as it is (personality(2)).
void linux_clear_process_settings(void);
#endif
