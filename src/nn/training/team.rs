//! Threads that work together on the parts of one thing after the other.
//!
//! A step of a small network takes a fraction of a millisecond, and putting a thread to sleep and waking it again takes a
//! good part of that. So the threads of a training are its own from its first step to its last: whoever has nothing to do
//! looks for a new call for about as long as sleeping and waking would take, and only then goes to sleep. That costs at
//! most twice what the better of both would have (Karlin, Li, Manasse & Owicki 1991, *Empirical studies of competitive
//! spinning for a shared-memory multiprocessor*). On a machine with more threads than processors a waiting thread soon
//! sleeps and leaves its processor to the one it waits for.
//!
//! Parts are claimed one by one under a lock, by the caller too: a thread that comes late, or never, delays nothing.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How long a thread looks before it sleeps.
const AWAKE: Duration = Duration::from_micros(100);

/// Something in parts, any of which may be done by any thread, in any order and at the same time.
pub(super) trait Work: Send + Sync {
    /// Does a part, counted from 0.
    fn part(&self, number: usize);
}

/// A caller and the threads that help it. They end with it.
pub(super) struct Team {
    desk: Arc<Desk>,
    threads: Vec<JoinHandle<()>>,
}

/// Where calls lie.
#[derive(Default)]
struct Desk {
    call: Mutex<Call>,
    /// The number of the last call, and how many of its parts are not done: for looking without the lock.
    number: AtomicU64,
    left: AtomicUsize,
    begun: Condvar,
    done: Condvar,
}

#[derive(Default)]
struct Call {
    work: Option<Arc<dyn Work>>,
    /// The next part that nobody has claimed, and how many there are.
    next: usize,
    count: usize,
    /// How many threads sleep until there is a call.
    asleep: usize,
    /// What a part ended with that did not end well.
    panic: Option<Box<dyn Any + Send>>,
    ended: bool,
}

impl Team {
    /// A team of so many threads, with the caller among them; of fewer where the system has no more.
    pub(super) fn new(threads: usize) -> Self {
        let desk = Arc::new(Desk::default());
        let help = |number: usize| {
            let desk = desk.clone();
            std::thread::Builder::new().name(format!("training-{number}")).spawn(move || desk.help()).ok()
        };
        let threads = (1..threads).map_while(help).collect();
        Self { desk, threads }
    }

    /// Has all parts done, and `meanwhile` by the caller before it takes parts itself. A part that panics makes this
    /// panic when the others are done.
    pub(super) fn run(&self, work: Arc<dyn Work>, count: usize, meanwhile: impl FnOnce()) {
        self.desk.begin(work, count, !self.threads.is_empty());
        meanwhile();
        self.desk.work();
        self.desk.wait();
    }
}

impl Drop for Team {
    fn drop(&mut self) {
        self.desk.lock().ended = true;
        self.desk.number.fetch_add(1, Ordering::Release);
        self.desk.begun.notify_all();
        for thread in self.threads.drain(..) {
            // Panics of parts are caught, so there is nothing to hear of.
            let _ = thread.join();
        }
    }
}

impl Desk {
    fn lock(&self) -> MutexGuard<'_, Call> {
        self.call.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn begin(&self, work: Arc<dyn Work>, count: usize, helped: bool) {
        let mut call = self.lock();
        (call.work, call.next, call.count) = (Some(work), 0, count);
        self.left.store(count, Ordering::Release);
        self.number.fetch_add(1, Ordering::Release);
        if helped && call.asleep > 0 && count > 1 {
            self.begun.notify_all();
        }
    }

    /// Does parts until all are claimed.
    fn work(&self) {
        loop {
            let mut call = self.lock();
            let number = call.next;
            let work = if number < call.count { call.work.clone() } else { None };
            let Some(work) = work else { return };
            call.next += 1;
            drop(call);
            let end = catch_unwind(AssertUnwindSafe(|| work.part(number)));
            drop(work);
            // Under the lock, so that the caller cannot miss it between looking and sleeping.
            let mut call = self.lock();
            if let Err(panic) = end {
                call.panic.get_or_insert(panic);
            }
            if self.left.fetch_sub(1, Ordering::AcqRel) == 1 {
                self.done.notify_one();
            }
        }
    }

    /// Waits until all parts are done.
    fn wait(&self) {
        look(|| self.left.load(Ordering::Acquire) == 0);
        let mut call = self.lock();
        while self.left.load(Ordering::Acquire) > 0 {
            call = self.done.wait(call).unwrap_or_else(PoisonError::into_inner);
        }
        call.work = None;
        if let Some(panic) = call.panic.take() {
            drop(call);
            resume_unwind(panic);
        }
    }

    /// The life of a thread that helps.
    fn help(&self) {
        let mut seen = 0;
        loop {
            look(|| self.number.load(Ordering::Acquire) != seen);
            let mut call = self.lock();
            while self.number.load(Ordering::Acquire) == seen && !call.ended {
                call.asleep += 1;
                call = self.begun.wait(call).unwrap_or_else(PoisonError::into_inner);
                call.asleep -= 1;
            }
            if call.ended {
                return;
            }
            seen = self.number.load(Ordering::Acquire);
            drop(call);
            self.work();
        }
    }
}

/// Looks whether something has come true, for a while.
fn look(mut there: impl FnMut() -> bool) {
    let began = Instant::now();
    loop {
        for _ in 0..64 {
            if there() {
                return;
            }
            std::hint::spin_loop();
        }
        if began.elapsed() >= AWAKE {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Counts how often each part was done.
    struct Counted(Vec<AtomicUsize>);

    impl Work for Counted {
        fn part(&self, number: usize) {
            self.0[number].fetch_add(1, Ordering::Relaxed);
        }
    }

    struct Broken;

    impl Work for Broken {
        fn part(&self, number: usize) {
            assert!(number != 2, "the third part is broken");
        }
    }

    #[test]
    fn each_part_of_each_call_is_done_once_before_the_call_ends() {
        // More threads than any machine of ours has processors, so that some come late.
        for threads in [1, 2, 7, 40] {
            let team = Team::new(threads);
            for parts in (0..300).map(|call| call % 9) {
                let counted = Arc::new(Counted((0..parts).map(|_| AtomicUsize::new(0)).collect()));
                let mut met = 0;
                team.run(counted.clone(), parts, || met += 1);
                assert!(counted.0.iter().all(|count| count.load(Ordering::Relaxed) == 1));
                assert_eq!(met, 1);
            }
        }
    }

    #[test]
    fn threads_that_have_gone_to_sleep_are_woken() {
        let team = Team::new(3);
        for _ in 0..3 {
            std::thread::sleep(4 * AWAKE);
            let counted = Arc::new(Counted((0..5).map(|_| AtomicUsize::new(0)).collect()));
            team.run(counted.clone(), 5, || {});
            assert!(counted.0.iter().all(|count| count.load(Ordering::Relaxed) == 1));
        }
    }

    #[test]
    fn a_part_that_panics_is_heard_of_and_the_team_goes_on() {
        let team = Team::new(3);
        let end = catch_unwind(AssertUnwindSafe(|| team.run(Arc::new(Broken), 5, || {})));
        let said = end.err().and_then(|panic| panic.downcast_ref::<&str>().map(|said| (*said).to_owned()));
        assert_eq!(said.as_deref(), Some("the third part is broken"));
        let counted = Arc::new(Counted(vec![AtomicUsize::new(0)]));
        team.run(counted.clone(), 1, || {});
        assert_eq!(counted.0[0].load(Ordering::Relaxed), 1);
    }
}
