//! Shapes over pairs of calls of one object: two looks at what changes, an answer that is fetched by a second call.

use std::sync::Mutex;

use tsvd::report::{Access, Pattern};
use tsvd::sync::atomic::AtomicU8;
use tsvd::sync::atomic::Ordering::SeqCst;

use crate::{found, share, silent, work};

/// A circuit breaker: open after a failure.
#[derive(Default)]
struct Breaker(Mutex<(bool, u32)>);

#[tsvd::contract(thread_safe, read(is_open, failures, both), write(trip))]
impl Breaker {
    fn is_open(&self) -> bool {
        self.0.lock().unwrap().0
    }

    fn failures(&self) -> u32 {
        self.0.lock().unwrap().1
    }

    fn both(&self) -> (bool, u32) {
        *self.0.lock().unwrap()
    }

    fn trip(&self) {
        *self.0.lock().unwrap() = (true, 1);
    }
}

/// Closed, with a failure: a state that never was.
#[tsvd::expect_atomic]
fn state(breaker: &Breaker) -> (bool, u32) {
    (breaker.is_open(), breaker.failures())
}

#[tsvd::expect_atomic]
fn state_at_once(breaker: &Breaker) -> (bool, u32) {
    breaker.both()
}

fn state_while_it_trips(state: fn(&Breaker) -> (bool, u32)) {
    share(
        Breaker::default(),
        |breaker, _| {
            state(breaker);
        },
        |breaker, _| breaker.trip(),
    );
}

#[test]
fn state_of_two_fields() {
    found(
        "state",
        Pattern::ReadWriteRead,
        [
            ("is_open", Access::Read),
            ("trip", Access::Write),
            ("failures", Access::Read),
        ],
        || state_while_it_trips(state),
    );
}

#[test]
fn state_of_two_fields_in_one_call_is_silent() {
    silent(false, || state_while_it_trips(state_at_once));
}

const CONNECTING: u8 = 0;
const OPEN: u8 = 1;

/// Closed, if the connection opens between the looks.
#[tsvd::expect_atomic]
fn describe(connection: &AtomicU8) -> &'static str {
    if connection.load(SeqCst) == OPEN {
        return "open";
    }
    if connection.load(SeqCst) == CONNECTING {
        return "connecting";
    }
    "closed"
}

#[tsvd::expect_atomic]
fn describe_at_once(connection: &AtomicU8) -> &'static str {
    match connection.load(SeqCst) {
        OPEN => "open",
        CONNECTING => "connecting",
        _ => "closed",
    }
}

fn description_while_it_opens(describe: fn(&AtomicU8) -> &'static str) {
    description_while(describe, |connection, round| {
        connection.store(other_state(round), SeqCst);
    });
}

fn description_while(describe: fn(&AtomicU8) -> &'static str, other: fn(&AtomicU8, u32)) {
    let describes = |connection: &AtomicU8, _| _ = describe(connection);
    share(AtomicU8::new(CONNECTING), describes, other);
}

fn other_state(round: u32) -> u8 {
    if round.is_multiple_of(2) {
        OPEN
    } else {
        CONNECTING
    }
}

#[test]
fn state_loaded_twice() {
    found(
        "describe",
        Pattern::ReadWriteRead,
        [
            ("load", Access::Read),
            ("store", Access::Write),
            ("load", Access::Read),
        ],
        || description_while_it_opens(describe),
    );
}

#[test]
fn state_loaded_twice_while_it_is_swapped() {
    found(
        "describe",
        Pattern::ReadWriteRead,
        [
            ("load", Access::Read),
            ("swap", Access::Update),
            ("load", Access::Read),
        ],
        || {
            description_while(describe, |connection, round| {
                connection.swap(other_state(round), SeqCst);
            });
        },
    );
}

#[test]
fn state_swapped_for_the_same_is_silent() {
    silent(None, || {
        description_while(describe, |connection, _| {
            connection.swap(CONNECTING, SeqCst);
        });
    });
}

/// Neither here nor there, meanwhile.
#[tsvd::expect_atomic]
fn reopen(connection: &AtomicU8) {
    connection.store(CONNECTING, SeqCst);
    work();
    connection.store(OPEN, SeqCst);
}

#[test]
fn state_seen_half_way() {
    found(
        "reopen",
        Pattern::WriteReadWrite,
        [
            ("store", Access::Write),
            ("load", Access::Read),
            ("store", Access::Write),
        ],
        || {
            share(
                AtomicU8::new(OPEN),
                |connection, _| reopen(connection),
                |connection, _| _ = connection.load(SeqCst),
            );
        },
    );
}

#[test]
fn state_exchanged_in_vain_half_way_is_silent() {
    const CLOSED: u8 = 2;
    silent(None, || {
        share(
            AtomicU8::new(OPEN),
            |connection, _| reopen(connection),
            |connection, _| _ = connection.compare_exchange(CLOSED, OPEN, SeqCst, SeqCst),
        );
    });
}

#[test]
fn state_loaded_once_is_silent() {
    silent(false, || description_while_it_opens(describe_at_once));
}

/// A handle of a C library, which keeps the last error for whoever asks.
#[derive(Default)]
struct Connection {
    last_error: Mutex<Option<u32>>,
    /// For those who hold it over both calls.
    turn: Mutex<()>,
}

#[tsvd::contract(thread_safe, write(execute), read(last_error))]
impl Connection {
    fn execute(&self, statement: u32) -> bool {
        *self.last_error.lock().unwrap() = Some(statement);
        false
    }

    fn last_error(&self) -> Option<u32> {
        *self.last_error.lock().unwrap()
    }
}

/// The error may be that of another's statement.
#[tsvd::expect_atomic]
fn run(connection: &Connection, statement: u32) -> Result<(), Option<u32>> {
    if connection.execute(statement) {
        return Ok(());
    }
    Err(connection.last_error())
}

#[tsvd::expect_atomic]
fn run_in_turn(connection: &Connection, statement: u32) -> Result<(), Option<u32>> {
    let _turn = connection.turn.lock();
    if connection.execute(statement) {
        return Ok(());
    }
    Err(connection.last_error())
}

fn two_statements(run: fn(&Connection, u32) -> Result<(), Option<u32>>) {
    let fails = |connection: &Connection, round| {
        run(connection, round).expect_err("it fails");
    };
    share(Connection::default(), fails, fails);
}

#[test]
fn last_error_of_another_call() {
    found(
        "run",
        Pattern::WriteWriteRead,
        [
            ("execute", Access::Write),
            ("execute", Access::Write),
            ("last_error", Access::Read),
        ],
        || two_statements(run),
    );
}

#[test]
fn last_error_fetched_in_turn_is_silent() {
    silent(true, || two_statements(run_in_turn));
}
