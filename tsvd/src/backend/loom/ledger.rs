//! What one execution has seen of each object: the cells of its calls, by thread and class.
//!
//! A *class* is what decides conflicts: access, role, key. Each (object, thread, class) has one loom cell, made by that
//! thread at its first event of the class, and written by that thread alone: calls that may overlap never share one.
//! Loom dates the creation of a cell at the creator's previous step, so the event itself is an explicit write after it.

use std::cell::Cell;
use std::collections::HashMap;
use std::fmt;
use std::panic::{AssertUnwindSafe, Location, catch_unwind, resume_unwind};

use ::loom::cell::UnsafeCell;

use super::steps::Act;
use crate::contract::{Access, Key, Kind, Object, Operation, conflict};

std::thread_local! {
    static MUTED: Cell<bool> = const { Cell::new(false) };
}

/// Whether a panic of loom on this thread is about to be retold in terms of contracts.
pub(crate) fn is_loom_muted() -> bool {
    MUTED.get()
}

#[derive(Default)]
pub(super) struct Ledger {
    objects: HashMap<[u64; 2], Record>,
    flights: u64,
}

/// One object.
struct Record {
    order: usize,
    slots: Vec<Slot>,
    in_flight: Vec<Flight>,
}

/// The last event of one thread in one class.
struct Slot {
    thread: usize,
    call: Call,
    cell: UnsafeCell<()>,
}

/// A call, as far as conflicts and messages need it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Call {
    pub(super) operation: &'static Operation,
    pub(super) site: &'static Location<'static>,
    pub(super) key: Option<u64>,
}

impl Call {
    pub(super) fn new(
        operation: &'static Operation,
        site: &'static Location<'static>,
        key: Option<Key<'_>>,
    ) -> Self {
        Self {
            operation,
            site,
            key: key.map(|key| key.hash),
        }
    }

    /// By role and key, a part of its object.
    pub(super) fn part(&self) -> (Option<&'static str>, Option<u64>) {
        (self.operation.role(), self.key)
    }

    /// In messages, as the access that it was.
    pub(super) fn told(&self, f: &mut fmt::Formatter<'_>, access: Access) -> fmt::Result {
        let contract = self.operation.contract();
        let contract = contract.rsplit("::").next().unwrap_or(contract);
        let (name, access) = (self.operation.name(), access.as_str());
        write!(f, "`{contract}::{name}` ({access}) at {}", self.site)
    }

    fn same_class(&self, other: &Self) -> bool {
        self.operation.access().writes() == other.operation.access().writes()
            && self.operation.role() == other.operation.role()
            && self.key == other.key
    }

    fn conflicts(&self, other: &Self) -> bool {
        conflict(self.operation, self.key, other.operation, other.key)
    }
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.told(f, self.operation.access())
    }
}

/// In messages, an object.
pub(super) fn named(
    f: &mut fmt::Formatter<'_>,
    object: Object,
    contract: &str,
    key: Option<&str>,
) -> fmt::Result {
    match object.kind() {
        Kind::Resource => {
            let name = object.resource_name().unwrap_or_default();
            write!(f, "resource `{name}`")?;
        }
        Kind::Id => write!(f, "one {contract} (by its id)")?,
        Kind::Place => f.write_str(object.type_name())?,
    }
    match key {
        Some(key) => write!(f, ", key {key}"),
        None => Ok(()),
    }
}

/// A call between its entry and its exit.
#[derive(Clone, Copy)]
pub(super) struct Flight {
    number: u64,
    thread: usize,
    object: Object,
    order_of_object: usize,
    call: Call,
}

impl Flight {
    pub(super) fn order_of_object(&self) -> usize {
        self.order_of_object
    }

    pub(super) fn act(&self, end: &'static str) -> Act {
        Act::call(self.call.operation, self.object, end)
    }

    pub(super) fn site(&self) -> &'static Location<'static> {
        self.call.site
    }

    pub(super) fn writes(&self) -> bool {
        self.call.operation.access().writes()
    }

    pub(super) fn object(&self) -> Object {
        self.object
    }

    /// It is `Drop::drop`.
    pub(super) fn ends_object(&self) -> bool {
        self.call.operation.drops()
    }
}

impl fmt::Debug for Flight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} on {:?}", self.call, self.object)
    }
}

/// Two calls that may not be in flight at once, and could be.
pub(super) struct Violation {
    this: Call,
    other: Call,
    how: How,
    object: Object,
    /// Of a call that was stopped at its entry; later its text is no longer at hand.
    key: Option<String>,
}

#[derive(Clone, Copy)]
enum How {
    Unordered,
    Overlapping,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let how = match self.how {
            How::Unordered => "is not ordered with",
            How::Overlapping => "overlaps",
        };
        write!(
            f,
            "tsvd: contract violated: {} {how} {} on ",
            self.this, self.other
        )?;
        let contract = self.this.operation.contract();
        named(f, self.object, contract, self.key.as_deref())?;
        f.write_str(
            "\nNothing makes one of the two finish before the other starts in this execution. Put both under one lock, \
             join the thread or publish with release and acquire; or narrow the contract by a key or role.",
        )
    }
}

impl Ledger {
    pub(super) fn enter(
        &mut self,
        operation: &'static Operation,
        site: &'static Location<'static>,
        object: Object,
        key: Option<Key<'_>>,
        thread: usize,
    ) -> Result<Flight, Box<Violation>> {
        let call = Call::new(operation, site, key);
        let record = self.record(object);
        record.event(call, thread).map_err(|other| {
            let key = key.and_then(|key| key.debug).map(|key| format!("{key:?}"));
            Box::new(Violation {
                this: call,
                other,
                how: How::Unordered,
                object,
                key,
            })
        })?;
        let order_of_object = record.order;
        self.flights += 1;
        let flight = Flight {
            number: self.flights,
            thread,
            object,
            order_of_object,
            call,
        };
        self.record(object).in_flight.push(flight);
        Ok(flight)
    }

    fn record(&mut self, object: Object) -> &mut Record {
        let order = self.objects.len();
        let record = self.objects.entry(object.words());
        record.or_insert_with(|| Record::new(order))
    }

    /// The place of the object among those that were used, in the order of their first uses.
    pub(super) fn order_of(&mut self, object: Object) -> usize {
        self.record(object).order
    }

    pub(super) fn exit(&mut self, flight: &Flight, thread: usize) -> Option<Violation> {
        let Flight { object, call, .. } = *flight;
        let record = self.objects.get_mut(&object.words())?;
        record.forget(flight);
        let violation = |other, how| Violation {
            this: call,
            other,
            how,
            object,
            key: None,
        };
        if let Err(other) = record.event(call, thread) {
            return Some(violation(other, How::Unordered));
        }
        record
            .entered_within(flight)
            .map(|other| violation(other, How::Overlapping))
    }

    /// The object is gone, and with it whatever guards were leaked on it.
    pub(super) fn retire(&mut self, object: Object) {
        if let Some(record) = self.objects.get_mut(&object.words()) {
            record.in_flight.clear();
        }
    }

    /// Ends a call without looking.
    pub(super) fn forget(&mut self, flight: &Flight) {
        if let Some(record) = self.objects.get_mut(&flight.object.words()) {
            record.forget(flight);
        }
    }
}

impl Record {
    fn new(order: usize) -> Self {
        Self {
            order,
            slots: Vec::new(),
            in_flight: Vec::new(),
        }
    }

    /// An entry or an exit: fails with the call of another thread that conflicts and does not happen before it.
    fn event(&mut self, call: Call, thread: usize) -> Result<(), Call> {
        for slot in &self.slots {
            if slot.thread != thread
                && call.conflicts(&slot.call)
                && !happens_before_now(&slot.cell)
            {
                return Err(slot.call);
            }
        }
        let own = self
            .slots
            .iter_mut()
            .find(|slot| slot.thread == thread && slot.call.same_class(&call));
        let own = match own {
            Some(slot) => slot,
            None => {
                self.slots.push(Slot {
                    thread,
                    call,
                    cell: UnsafeCell::new(()),
                });
                self.slots.last_mut().expect("just pushed")
            }
        };
        own.call = call;
        // Cannot fail: whoever read this cell wrote one of its own at once, which was checked above.
        own.cell.with_mut(|_| ());
        Ok(())
    }

    fn forget(&mut self, flight: &Flight) {
        if flight.call.operation.drops() {
            // The object is gone, and with it whatever guards were leaked on it.
            self.in_flight.clear();
        } else {
            self.in_flight.retain(|other| other.number != flight.number);
        }
    }

    /// A conflicting call of another thread that entered while `flight` was in flight, and still is.
    fn entered_within(&self, flight: &Flight) -> Option<Call> {
        let overlaps = |other: &&Flight| {
            other.number > flight.number
                && other.thread != flight.thread
                && other.call.conflicts(&flight.call)
        };
        self.in_flight.iter().find(overlaps).map(|other| other.call)
    }
}

/// Whether the last write of `cell` happens before this moment of the calling loom thread.
fn happens_before_now(cell: &UnsafeCell<()>) -> bool {
    MUTED.set(true);
    let outcome = catch_unwind(AssertUnwindSafe(|| cell.with(|_| ())));
    MUTED.set(false);
    let Err(panic) = outcome else { return true };
    let text = panic.downcast_ref::<String>().map_or("", String::as_str);
    if !text.trim_start().starts_with("Causality violation") {
        resume_unwind(panic);
    }
    false
}
