//! Meeting who is held, and being held: the two ways a violation is proved, and no other.
//!
//! **Trap.** A call finds another *held before its body* on the same object, and the two conflict. Both calls are in flight
//! and neither has begun: exact, whatever the program does.
//!
//! **Confirmed overlap.** A call that is to be held finds another *inside its body*. That alone proves nothing: the other may
//! be waiting for this very call (a write that runs scoped threads whose children read). So the newcomer asks, and is
//! held. If the asked one leaves meanwhile, it did not wait for the newcomer: both were in flight at once. If it does not
//! leave in time, nothing is reported.
//!
//! Once proved, the report is made safe first; then the *second* party runs alone while the first stays held (or has
//! left), so that showing a collision does not cause one.

use super::Engine;
use super::defect::{Defect, planted};
use super::enter::Call;
use super::env::Environment;
use super::marks::Context;
use super::primitive::{MutexGuard, Ordering};
use super::sites::SiteId;
use super::traps::{Asked, Bucket, DetectedBy, Evidence, Party, State, Trap, Who};

/// How long a first party stays held for a second one that runs its body, after the report.
const GRACE_NS: u64 = 100_000_000;

/// How long a report may take before the held party goes on anyway: a full disk must not hang the guest.
const REPORT_NS: u64 = 10_000_000_000;

/// What became of a call that was held.
pub(super) struct Held {
    /// It became the second party of a violation.
    pub(super) caught: bool,
    /// How long it was held.
    pub(super) ns: u64,
}

impl<E: Environment> Engine<E> {
    /// Looks for traps and tokens on the call's object. True when the call was caught by a trap; a token in its way
    /// arms the pair, so that the call is held and the token asked.
    #[cold]
    pub(super) fn meet(
        &self,
        context: &'static Context<E>,
        call: &Call<'_>,
        site: SiteId,
        who: Who,
    ) -> bool {
        let mut party = self.party(context, call);
        let mut bucket = self.traps.lock(call.object_hash());
        if let Some(number) = bucket
            .held_against(call.object, &party)
            .map(|trap| trap.number)
        {
            self.spring(bucket, number, context, call, &mut party, who);
            return true;
        }
        let token = bucket.open_against(call.object, &party).next();
        let Some((operation, location)) =
            token.map(|token| (token.party.operation, token.party.site))
        else {
            return false;
        };
        drop(bucket);
        let other = self.site(operation, location);
        if self.trap_set.suspect(site, other, 0) {
            self.now.advance();
        }
        false
    }

    /// The call runs into trap `number`: reports, lets the call run, and keeps the first party held until it has left.
    fn spring(
        &self,
        mut bucket: MutexGuard<'_, Bucket<E>>,
        number: u64,
        context: &'static Context<E>,
        call: &Call<'_>,
        party: &mut Party<E::Stack>,
        who: Who,
    ) {
        let hash = call.object_hash();
        let Some(trap) = bucket.trap(number) else {
            return;
        };
        trap.state = State::Reporting;
        trap.party.delayed_ns = self.env.now().saturating_sub(trap.party.entered_ns);
        let first = trap.party.clone();
        drop(bucket);

        self.describe(call, party);
        let gap_ns = party.entered_ns.saturating_sub(first.entered_ns);
        if let Who::Mark(flight) = who {
            context.ask(flight);
        }
        self.prove(Evidence {
            object: call.object,
            detected_by: DetectedBy::Trap,
            first,
            second: party.clone(),
            gap_ns,
            region: None,
        });

        let mut bucket = self.traps.lock(hash);
        if let Some(trap) = bucket.trap(number) {
            trap.state = State::Running {
                second: who,
                until: self.env.now() + GRACE_NS,
            };
            if planted(Defect::BodiesTogether) {
                trap.state = State::Released;
            }
            self.env.wake(&trap.context.signal);
        }
    }

    /// Holds the call for at most `delay_ns`.
    #[cold]
    pub(super) fn hold(
        &self,
        context: &'static Context<E>,
        call: &Call<'_>,
        site: SiteId,
        who: Who,
        delay_ns: u64,
    ) -> Held {
        let hash = call.object_hash();
        let mut party = self.party(context, call);
        self.describe(call, &mut party);
        // Describing may take long (a key's `Debug` is the guest's): the delay begins now.
        let start = self.env.now();

        if !planted(Defect::CountRaisedAfterScan) {
            self.published.raise(hash);
        }
        let mut bucket = self.traps.lock(hash);
        // Under the lock under which traps are inserted: of two that arrive together one finds the other.
        if !planted(Defect::TrappersUnchecked)
            && let Some(number) = bucket
                .held_against(call.object, &party)
                .map(|trap| trap.number)
        {
            self.spring(bucket, number, context, call, &mut party, who);
            self.published.lower(hash);
            return Held {
                caught: true,
                ns: 0,
            };
        }
        let number = bucket.number();
        let asked = bucket
            .open_against(call.object, &party)
            .map(|token| Asked {
                who: Who::Token(token.number),
                context: None,
                party: token.party.clone(),
            })
            .collect();
        bucket.traps.push(Trap {
            number,
            object: call.object,
            context,
            party: party.clone(),
            state: State::Held,
            asked,
        });
        drop(bucket);
        if !planted(Defect::NowChangedAfterScan) {
            self.now.publish();
        }
        // From here on every other call either sees the trap or has its mark seen below.
        self.env.heavy_fence();
        let inside = self.inside(call, &party);
        if planted(Defect::CountRaisedAfterScan) {
            self.published.raise(hash);
        }
        if planted(Defect::NowChangedAfterScan) {
            self.now.publish();
        }

        let mut bucket = self.traps.lock(hash);
        if let Some(trap) = bucket.trap(number)
            && trap.state == State::Held
        {
            for asked in inside {
                if let (Some(other), Who::Mark(flight)) = (asked.context, asked.who) {
                    other.ask(flight);
                }
                trap.asked.push(asked);
            }
        }
        let trap = self.sleep(context, bucket, number, start + delay_ns);
        self.now.retract();
        self.published.lower(hash);
        if planted(Defect::MarkDropped)
            && let Who::Mark(flight) = who
        {
            context.finish(flight.index);
        }

        let held_ns = match &trap {
            // Until the other came; what follows is the report and the other's body.
            Some(trap) if trap.state != State::Held => trap.party.delayed_ns,
            _ => self.env.now().saturating_sub(start),
        };
        self.statistics.delays.fetch_add(1, Ordering::Relaxed);
        self.statistics
            .delay_ns
            .fetch_add(held_ns, Ordering::Relaxed);
        let held = |caught| Held {
            caught,
            ns: held_ns,
        };
        let Some(trap) = trap else { return held(false) };
        if trap.state != State::Held {
            // Whoever changed the state has reported.
            return held(trap.state == State::Confirmed);
        }
        // Nobody came. An asked one that left without seeing the question was in flight when this call came, too.
        // Somebody inside a body makes no points either: only a delay without such speaks for an order.
        let nobody_inside = trap.asked.is_empty() && !party.is_within(call.object);
        let left = trap
            .asked
            .into_iter()
            .find(|asked| match (asked.context, asked.who) {
                (Some(other), Who::Mark(flight)) => {
                    planted(Defect::ReportAtOnce) || !other.in_flight(flight)
                }
                _ => false,
            })
            .filter(|_| !planted(Defect::NoSecondLook));
        let Some(left) = left else {
            self.strategy.failed(&self.trap_set, site);
            let end = start + held_ns;
            self.order
                .ended(site, context.number(), start, end, nobody_inside);
            return held(false);
        };
        party.delayed_ns = held_ns;
        let detected_by = DetectedBy::Overlap;
        let gap_ns = 0;
        self.prove(Evidence {
            object: call.object,
            detected_by,
            first: left.party,
            second: party,
            gap_ns,
            region: None,
        });
        held(true)
    }

    /// Sleeps until the trap is released or its time is over, and removes it.
    fn sleep(
        &self,
        context: &Context<E>,
        mut bucket: MutexGuard<'_, Bucket<E>>,
        number: u64,
        deadline: u64,
    ) -> Option<Trap<E>> {
        loop {
            let until = match bucket.trap(number)?.state {
                State::Held => deadline,
                State::Reporting => deadline + REPORT_NS,
                State::Running { until, .. } => until,
                State::Released | State::Confirmed => 0,
            };
            if self.env.now() >= until {
                return bucket.remove_trap(number);
            }
            self.env.wait(&context.signal, &mut bucket, until);
        }
    }

    /// Everybody inside a body that `call` may not overlap. Called after the heavy fence.
    fn inside(&self, call: &Call<'_>, party: &Party<E::Stack>) -> Vec<Asked<E>> {
        let contexts = self.contexts.lock();
        let seen = contexts
            .iter()
            .flat_map(|context| context.see(call.object).map(move |seen| (*context, seen)));
        let asked = seen.map(|(context, seen)| Asked {
            who: Who::Mark(seen.flight),
            context: Some(context),
            party: Party {
                operation: seen.operation,
                site: seen.site,
                key: seen.key,
                key_text: None,
                context: seen.flight.context,
                thread: None,
                lineage: None,
                entered_ns: party.entered_ns,
                delayed_ns: 0,
                stack: None,
            },
        });
        asked
            .filter(|asked| {
                asked.party.conflicts_with(party) && !party.descends_from(asked.who, call.object)
            })
            .collect()
    }

    /// What only the party's own thread can say of it.
    pub(super) fn describe(&self, call: &Call<'_>, party: &mut Party<E::Stack>) {
        party.stack = Some(self.env.stack());
        party.thread = self.env.thread_name();
        party.key_text = call.key.and_then(|key| self.env.text(key.debug?));
    }

    /// Makes the report safe, and leaves the pair alone from now on.
    pub(super) fn prove(&self, evidence: Evidence<E::Stack>) {
        let [a, b] =
            [&evidence.first, &evidence.second].map(|party| self.site(party.operation, party.site));
        self.trap_set.violated(a, b);
        self.env.violation(evidence);
    }
}
