//! Meeting who is held, and being held: the two ways a violation is proved, and no other.
//!
//! **Trap.** A call finds another *held before its body* on the same object, and the two conflict. Both calls are in flight
//! and neither has begun: exact, whatever the program does.
//!
//! **Confirmed overlap.** A call that is to be held finds another *inside its body*. That alone proves nothing: the other may
//! be waiting for this very call (a write that runs scoped threads whose children read). So the newcomer asks, and is
//! held. If the asked one leaves meanwhile, it did not wait for the newcomer: both were in flight at once. If it does not
//! leave in time, nothing is reported. Nor is it if it is a future that is dropped, which may have waited until then.
//!
//! Once proved, the report is made safe first; then the *second* party runs alone while the first stays held (or has
//! left), so that showing a collision does not cause one.

use std::ptr;

use super::Engine;
use super::defect::{Defect, planted};
use super::enter::{Call, object_hash};
use super::env::Environment;
use super::marks::Context;
use super::order::Outcome;
use super::primitive::MutexGuard;
use super::sites::SiteId;
use super::tasks::Manner;
use super::traps::{Asked, Bucket, Claim, DetectedBy, Evidence, Party, Sleeper, State, Trap, Who};
use crate::contract::Object;

/// How long a first party stays held for a second one that runs its body, after the report.
const GRACE_NS: u64 = 100_000_000;

/// How long a report may take before the held party goes on anyway: a full disk must not hang the guest.
const REPORT_NS: u64 = 10_000_000_000;

/// Whom a call met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Met {
    Nobody,
    /// A held thread: the call was reported.
    Caught,
    /// A held task, which may report the call once it is polled again.
    Claimed,
}

/// A trap that has just been set.
pub(super) struct Set<'a, E: Environment> {
    /// Where it is.
    pub(super) bucket: MutexGuard<'a, Bucket<E>>,
    pub(super) number: u64,
    pub(super) start: u64,
}

/// How long a delay was waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Waited {
    ToTheEnd,
    /// With a worker of an executor, which keeps back the tasks that it was to poll next: nothing of the program's does.
    ToTheEndWithItsWorker,
    /// It ended early.
    Less,
}

/// What became of a call that was held.
pub(super) struct Held {
    /// It became the second party of a violation.
    pub(super) caught: bool,
    /// How long it was held.
    pub(super) ns: u64,
}

impl<E: Environment> Engine<E> {
    /// Looks for traps and tokens on the call's object. A token in its way arms the pair, so that the call is held and the
    /// token asked.
    #[cold]
    pub(super) fn meet(
        &self,
        context: &'static Context<E>,
        call: &Call<'_>,
        site: SiteId,
        who: Who,
        manner: &mut Manner<'_, E>,
    ) -> Met {
        let mut party = self.party(context, call);
        let mut bucket = self.traps.lock(call.object_hash());
        let leaked = bucket.take_leaked(party.entered_ns);
        if let Some(number) = bucket
            .held_against(call.object, &party, party.entered_ns)
            .map(|trap| trap.number)
            .filter(|_| manner.begins_here())
        {
            let met = self.spring(bucket, number, context, call, &mut party, who);
            self.forget(leaked);
            return met;
        }
        let token = bucket.open_against(call.object, &party).next();
        let token = token.map(|token| (token.party.operation, token.party.site));
        drop(bucket);
        self.forget(leaked);
        let Some((operation, location)) = token else {
            return Met::Nobody;
        };
        let other = self.site(operation, location);
        if self.trap_set.suspect(site, other, 0) {
            self.now.advance();
        }
        manner.sees_overlap();
        Met::Nobody
    }

    /// The call runs into trap `number`. Of a thread: reports, lets the call run, and keeps the first party held until it has
    /// left. Of a task: leaves it to that one to prove, for only if it goes on has it, and so its object, been there all along.
    fn spring(
        &self,
        mut bucket: MutexGuard<'_, Bucket<E>>,
        number: u64,
        context: &'static Context<E>,
        call: &Call<'_>,
        party: &mut Party<E::Stack>,
        who: Who,
    ) -> Met {
        let hash = call.object_hash();
        let Some(trap) = bucket.trap(number) else {
            return Met::Nobody;
        };
        let now = self.env.now();
        trap.party.delayed_ns = now.saturating_sub(trap.party.entered_ns);
        let first = trap.party.clone();
        let proves = trap.sleeper.is_thread() || planted(Defect::ClaimIsProof);
        if proves {
            trap.state = State::Reporting;
        } else {
            trap.state = State::Running {
                second: who,
                until: now + GRACE_NS,
            };
            trap.claim = Some(Claim {
                detected_by: DetectedBy::Trap,
                other: party.clone(),
            });
        }
        drop(bucket);

        self.describe(call, party);
        if let Who::Mark(flight) = who {
            context.ask(flight);
        }
        if !proves {
            drop(first);
            let mut bucket = self.traps.lock(hash);
            if let Some(claim) = bucket.trap(number).and_then(|trap| trap.claim.as_mut()) {
                let before = std::mem::replace(&mut claim.other, party.clone());
                drop(bucket);
                drop(before);
            }
            return Met::Claimed;
        }
        let gap_ns = party.entered_ns.saturating_sub(first.entered_ns);
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
            if let Sleeper::Thread(first) = trap.sleeper {
                self.env.wake(&first.signal);
            }
        }
        Met::Caught
    }

    /// Holds the call's thread for at most `delay_ns`.
    #[cold]
    pub(super) fn hold(
        &self,
        context: &'static Context<E>,
        call: &Call<'_>,
        site: SiteId,
        who: Who,
        delay_ns: u64,
        waited: Waited,
    ) -> Held {
        let sleeper = Sleeper::Thread(context);
        let set = match self.set_trap(context, call, who, delay_ns, sleeper) {
            Ok(set) => set,
            Err(met) => {
                return Held {
                    caught: met == Met::Caught,
                    ns: 0,
                };
            }
        };
        let trap = self.sleep(context, set.bucket, set.number, set.start + delay_ns);
        self.now.retract();
        self.published.lower(call.object_hash());
        if planted(Defect::MarkDropped)
            && let Who::Mark(flight) = who
        {
            context.finish(flight.index);
        }
        let own = self.own(context);
        own.gaps.held_until(self.env.now());
        self.over(call.object, site, own.number, set.start, trap, waited)
    }

    /// Says that the call is held, and asks who is inside a body; unless there is already one held that it meets.
    pub(super) fn set_trap(
        &self,
        context: &'static Context<E>,
        call: &Call<'_>,
        who: Who,
        delay_ns: u64,
        sleeper: Sleeper<E>,
    ) -> Result<Set<'_, E>, Met> {
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
                .held_against(call.object, &party, start)
                .map(|trap| trap.number)
        {
            let met = self.spring(bucket, number, context, call, &mut party, who);
            self.published.lower(hash);
            return Err(met);
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
            sleeper,
            deadline: start + delay_ns,
            party: party.clone(),
            state: State::Held,
            claim: None,
            asked,
        });
        drop(bucket);
        if !planted(Defect::NowChangedAfterScan) {
            self.now.publish();
        }
        // From here on every other call either sees the trap or has its mark seen below.
        self.env.heavy_fence();
        let inside = self.inside(context, call, &party);
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
        Ok(Set {
            bucket,
            number,
            start,
        })
    }

    /// A call of context `number` at `site` has been held since `start`, and `trap` has been taken away. Nothing is learnt from
    /// a delay in vain that was waited for less than to its end.
    pub(super) fn over(
        &self,
        object: Object,
        site: SiteId,
        number: u64,
        start: u64,
        trap: Option<Trap<E>>,
        waited: Waited,
    ) -> Held {
        let end = self.env.now();
        let held_ns = match &trap {
            // Until the other came; what followed was the report and the other's body.
            Some(trap) if trap.state != State::Held => trap.party.delayed_ns,
            _ => end.saturating_sub(start),
        };
        self.statistics.delayed(held_ns);
        let (caught, outcome) = match trap {
            Some(trap) => self.judge(object, trap, held_ns, waited),
            None => (false, Outcome::Other),
        };
        if outcome != Outcome::Other {
            self.strategy.failed(&self.trap_set, site);
        }
        self.order.ended(site, number, start, end, outcome);
        Held {
            caught,
            ns: held_ns,
        }
    }

    /// Whether the call that was held became a party of a violation, and what its delay says of who kept away meanwhile.
    fn judge(
        &self,
        object: Object,
        trap: Trap<E>,
        held_ns: u64,
        waited: Waited,
    ) -> (bool, Outcome) {
        if let Some(claim) = trap.claim.filter(|_| !planted(Defect::ClaimForgotten)) {
            // Whose it is has been held, and is there: so is its object.
            self.prove_claim(object, trap.party, claim);
            return (true, Outcome::Other);
        }
        if trap.state != State::Held {
            // Whoever changed the state has reported.
            return (trap.state == State::Confirmed, Outcome::Other);
        }
        let mut party = trap.party;
        // Nobody came. An asked one that left without seeing the question was in flight when this call came, too.
        let nobody_inside = trap.asked.is_empty() && !party.is_within(object);
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
            let outcome = match waited {
                Waited::Less => Outcome::Other,
                Waited::ToTheEnd if nobody_inside => Outcome::Vain,
                Waited::ToTheEnd | Waited::ToTheEndWithItsWorker => Outcome::Kept,
            };
            return (false, outcome);
        };
        party.delayed_ns = held_ns;
        let detected_by = DetectedBy::Overlap;
        let gap_ns = 0;
        self.prove(Evidence {
            object,
            detected_by,
            first: left.party,
            second: party,
            gap_ns,
            region: None,
        });
        (true, Outcome::Other)
    }

    /// What a held task can prove by being there.
    fn prove_claim(&self, object: Object, held: Party<E::Stack>, claim: Claim<E::Stack>) {
        let (first, second) = match claim.detected_by {
            DetectedBy::Trap => (held, claim.other),
            DetectedBy::Overlap => (claim.other, held),
        };
        self.prove(Evidence {
            object,
            detected_by: claim.detected_by,
            gap_ns: second.entered_ns.saturating_sub(first.entered_ns),
            first,
            second,
            region: None,
        });
    }

    /// Ends traps of tasks that were leaked.
    fn forget(&self, leaked: Vec<Trap<E>>) {
        for trap in leaked {
            self.now.retract();
            self.published.lower(object_hash(trap.object.words()));
        }
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
    fn inside(
        &self,
        own: &'static Context<E>,
        call: &Call<'_>,
        party: &Party<E::Stack>,
    ) -> Vec<Asked<E>> {
        let contexts = self.contexts.lock();
        let seen = contexts
            .iter()
            // What this thread is inside of waits for whatever it calls, or polls.
            .filter(|context| !ptr::eq(**context, own))
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
                task: None,
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
        party.task = self.env.task_name();
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
