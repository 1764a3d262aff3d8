//! One thread that rings alarms, begun with the first of them.

use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};

use crate::backend::detect::{NOW, ticker};
use crate::engine::alarm::Alarm;

struct Timer {
    alarms: Mutex<Alarms>,
    changed: Condvar,
}

struct Alarms {
    /// In no order: there are few.
    set: Vec<(Instant, Arc<Alarm>)>,
    thread: Thread,
}

#[derive(Clone, Copy, PartialEq)]
enum Thread {
    None,
    Runs,
    /// It could not be begun, and is not tried again.
    Refused,
}

static TIMER: Timer = Timer {
    alarms: Mutex::new(Alarms {
        set: Vec::new(),
        thread: Thread::None,
    }),
    changed: Condvar::new(),
};

/// How long the thread stays when there is nothing to do, before it looks whether it is still wanted.
const IDLE: Duration = Duration::from_secs(1);

/// Rings `alarm` at `deadline`; false where there can be no thread for it.
pub(super) fn set_alarm(alarm: &Arc<Alarm>, deadline: Instant) -> bool {
    let mut alarms = TIMER.alarms.lock();
    if alarms.thread == Thread::None {
        alarms.thread = match ticker::begin("tsvd timer", ring) {
            Ok(()) => Thread::Runs,
            Err(_) => Thread::Refused,
        };
    }
    if alarms.thread == Thread::Refused {
        return false;
    }
    alarms.set.push((deadline, Arc::clone(alarm)));
    drop(alarms);
    TIMER.changed.notify_one();
    true
}

/// What the thread does: waits for the next alarm, and rings those that are due under no lock.
fn ring() {
    while !NOW.is_off() {
        let mut alarms = TIMER.alarms.lock();
        let now = Instant::now();
        let is_due = |set: &mut (Instant, Arc<Alarm>)| set.0 <= now || set.1.is_off();
        let due: Vec<_> = alarms.set.extract_if(.., is_due).collect();
        if due.is_empty() {
            let next = alarms.set.iter().map(|(deadline, _)| *deadline).min();
            TIMER
                .changed
                .wait_until(&mut alarms, next.unwrap_or(now + IDLE));
        }
        drop(alarms);
        due.iter().for_each(|(_, alarm)| alarm.ring());
    }
}
