//! An eye on the process while it works.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use super::process::resident_parts;
use super::{MemoryManager, mapped};

/// What the watch does when the process is far over its limit and does not stop: the last resort before the system's own.
pub type Alarm = Box<dyn Fn(u64) + Send + Sync>;

/// How often it looks.
const INTERVAL: Duration = Duration::from_millis(20);
/// Share of the limit that pages of mapped files may take, in sixteenths.
const MAPPED_SIXTEENTHS: u64 = 2;
/// Looks in a row that find the process far over its limit before the alarm is raised: what is cancelled needs a moment.
const PATIENCE: u32 = 100;

/// A thread that looks at the memory of the process every few milliseconds until it is dropped.
///
/// - Pages of mapped files beyond an eighth of the limit are given back to the system.
/// - When the process has allocated more than a sixteenth above its limit, [`MemoryManager::check`] answers with an error from then on, until
///   the use is below the limit again: what is being computed ends.
/// - When that does not help within two seconds and the resident memory is a quarter above the limit, the alarm is raised.
#[derive(Debug)]
pub struct Watch {
    stop: Arc<(Mutex<bool>, Condvar)>,
    thread: Option<JoinHandle<()>>,
}

impl Watch {
    /// Begins to watch.
    pub fn start(manager: &Arc<MemoryManager>, alarm: Alarm) -> Self {
        let stop = Arc::new((Mutex::new(false), Condvar::new()));
        let (signal, manager) = (Arc::clone(&stop), Arc::clone(manager));
        let thread =
            std::thread::Builder::new().name("memory".to_owned()).spawn(move || watch(&manager, &alarm, &signal));
        // Without the thread the run works as well, only unwatched.
        Self { stop, thread: thread.ok() }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        *self.stop.0.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.stop.1.notify_all();
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

fn watch(manager: &MemoryManager, alarm: &Alarm, (stop, wake): &(Mutex<bool>, Condvar)) {
    let limit = manager.limit();
    let raised = AtomicBool::new(false);
    let mut over = 0;
    loop {
        {
            let stopped = stop.lock().unwrap_or_else(PoisonError::into_inner);
            let (stopped, _) = wake.wait_timeout(stopped, INTERVAL).unwrap_or_else(PoisonError::into_inner);
            if *stopped {
                return;
            }
        }
        let (own, files) = resident_parts();
        if files > (limit / 16).saturating_mul(MAPPED_SIXTEENTHS) {
            mapped::release();
        }
        let used = manager.used();
        // What is freed in a moment needs no alarm; a tenth above the limit is what is promised.
        manager.set_exceeded(used > limit.saturating_add(limit / 16));
        over = if own > limit.saturating_add(limit / 4) { over + 1 } else { 0 };
        if over > PATIENCE && !raised.swap(true, Ordering::Relaxed) {
            alarm(own);
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_process_over_its_limit_is_told_so() {
        let manager = MemoryManager::new(1);
        // Enough that the allocator has counted it, whatever the drift of this thread.
        let held = vec![0_u8; 64 << 20];
        let watch = Watch::start(&manager, Box::new(|_| ()));
        let began = std::time::Instant::now();
        while manager.check().is_ok() && began.elapsed() < Duration::from_secs(10) {
            std::thread::sleep(INTERVAL);
        }
        assert!(manager.check().is_err());
        drop((watch, held));
    }
}
