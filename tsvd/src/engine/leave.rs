//! An operation's way out: end the flight, and answer who asked.

use super::Engine;
use super::defect::{Defect, planted};
use super::enter::{Call, Checked, object_hash};
use super::env::Environment;
use super::marks::Context;
use super::primitive::MutexGuard;
use super::primitive::lossy::Arc;
use super::tasks::Manner;
use super::traps::{Bucket, Claim, DetectedBy, Evidence, Party, Sleeper, State, Token, Who};
use crate::contract::Object;

/// How what was in flight ends, which says whether it can have waited for who is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// It came to its end, so it did not wait.
    ByItself,
    /// Its future was dropped: it may have been waiting, and never goes on.
    Dropped,
    /// A scope is dropped by the code that has it, or with the future that has it. The stack shows which.
    AsTheStackShows,
}

/// A scope in flight, to be ended by [`Engine::close`].
#[derive(Debug)]
pub(crate) struct OpenToken {
    pub(super) number: u64,
    pub(super) object: Object,
}

impl<E: Environment> Engine<E> {
    /// As the process's guard does it.
    #[cfg(test)]
    pub(crate) fn leave(&self, context: &'static Context<E>, index: usize) {
        if context.finish(index) {
            self.answer_for_mark(context, index, true);
        }
    }

    /// `whole` says that the call came to its end by itself.
    #[cold]
    #[inline(never)]
    pub(crate) fn answer_for_mark(&self, context: &'static Context<E>, index: usize, whole: bool) {
        context.clear_asked(index);
        if self.now.is_off() {
            return;
        }
        self.leave_marked(context, index, whole);
        let (flight, words) = context.ended(index);
        let _suspended = context.suspend();
        let bucket = self.traps.lock(object_hash(words));
        let who = Who::Mark(flight);
        self.answer(Some(context), bucket, words, who, Ending::ByItself);
    }

    /// `who` has left: whoever was held for it goes on, and whoever asked it has its proof if it left by itself.
    fn answer(
        &self,
        context: Option<&Context<E>>,
        mut bucket: MutexGuard<'_, Bucket<E>>,
        words: [u64; 2],
        who: Who,
        ending: Ending,
    ) {
        let proves = ending != Ending::Dropped || planted(Defect::DropIsProof);
        let mut proofs = Vec::new();
        // Held tasks, which prove for themselves and are woken under no lock.
        let mut tasks = Vec::new();
        for trap in bucket
            .traps
            .iter_mut()
            .filter(|trap| trap.object.words() == words)
        {
            match trap.state {
                State::Running { second, .. } if second == who => {
                    trap.state = State::Released;
                    if !planted(Defect::NoWake) {
                        match &trap.sleeper {
                            Sleeper::Thread(held) => self.env.wake(&held.signal),
                            Sleeper::Task(alarm) => {
                                if planted(Defect::RungUnderLock) {
                                    alarm.ring();
                                }
                                tasks.push((trap.number, Arc::clone(alarm), None));
                            }
                        }
                    }
                }
                State::Held if proves => {
                    let Some(asked) = trap.asked.iter().find(|asked| asked.who == who) else {
                        continue;
                    };
                    trap.party.delayed_ns = self.env.now().saturating_sub(trap.party.entered_ns);
                    if let Sleeper::Task(alarm) = &trap.sleeper {
                        let other = asked.party.clone();
                        tasks.push((trap.number, Arc::clone(alarm), Some(other.clone())));
                        if ending == Ending::AsTheStackShows {
                            trap.state = State::Reporting;
                        } else {
                            trap.state = State::Released;
                            trap.claim = Some(Claim {
                                detected_by: DetectedBy::Overlap,
                                other,
                            });
                        }
                        continue;
                    }
                    trap.state = State::Reporting;
                    proofs.push((
                        trap.number,
                        Evidence {
                            object: trap.object,
                            detected_by: DetectedBy::Overlap,
                            first: asked.party.clone(),
                            second: trap.party.clone(),
                            gap_ns: trap.party.entered_ns.saturating_sub(asked.party.entered_ns),
                            region: None,
                        },
                    ));
                }
                _ => {}
            }
        }
        drop(bucket);
        let hash = object_hash(words);
        for (number, mut evidence) in proofs {
            self.describe_leaver(context, who, &mut evidence.first);
            let state = if self.left_by_itself(ending, &evidence.first) {
                self.prove(evidence);
                State::Confirmed
            } else {
                State::Released
            };
            let mut bucket = self.traps.lock(hash);
            if let Some(trap) = bucket.trap(number) {
                trap.state = state;
                if let Sleeper::Thread(held) = trap.sleeper {
                    self.env.wake(&held.signal);
                }
            }
        }
        for (number, alarm, left) in tasks {
            if let Some(mut other) = left {
                self.describe_leaver(context, who, &mut other);
                let claim = self.left_by_itself(ending, &other).then(|| Claim {
                    detected_by: DetectedBy::Overlap,
                    other,
                });
                let mut bucket = self.traps.lock(hash);
                if let Some(trap) = bucket.trap(number) {
                    trap.state = State::Released;
                    let before = std::mem::replace(&mut trap.claim, claim);
                    drop(bucket);
                    drop(before);
                }
            }
            alarm.ring();
        }
    }

    fn left_by_itself(&self, ending: Ending, leaver: &Party<E::Stack>) -> bool {
        let shows = |stack| self.env.ends_by_itself(stack);
        ending != Ending::AsTheStackShows || leaver.stack.as_ref().is_some_and(shows)
    }

    /// What a call that was found inside its body leaves of itself on its way out; `context` is its thread's.
    fn describe_leaver(&self, context: Option<&Context<E>>, who: Who, party: &mut Party<E::Stack>) {
        party.stack = Some(self.env.stack());
        party.thread = self.env.thread_name();
        party.task = self.env.task_name();
        // A token knows its own, and may be dropped by anybody.
        if let (Some(context), Who::Mark(_)) = (context, who) {
            party.lineage = self.env.lineage(|lineage| lineage.cloned());
            party.context = self.number_of(context);
        }
    }

    /// Says that a scope is in flight; whether it was caught, too.
    pub(crate) fn open(
        &self,
        context: &'static Context<E>,
        call: &Call<'_>,
    ) -> Option<(OpenToken, bool)> {
        if context.is_suspended() {
            return None;
        }
        let _suspended = context.suspend();
        let token = self.publish_token(context, call);
        let who = Who::Token(token.number);
        let checked = self.check(context, call, who, false, &mut Manner::Thread);
        Some((token, checked == Checked::Caught))
    }

    /// Puts a token into the table. Its stack is taken on the way out, if somebody asks.
    pub(super) fn publish_token(&self, context: &Context<E>, call: &Call<'_>) -> OpenToken {
        let hash = call.object_hash();
        context.count_scope();
        let mut party = self.party(context, call);
        party.key_text = call.key.and_then(|key| self.env.text(key.debug?));
        self.published.raise(hash);
        let mut bucket = self.traps.lock(hash);
        let number = bucket.number();
        bucket.tokens.push(Token {
            number,
            object: call.object,
            party,
        });
        drop(bucket);
        self.now.publish();
        OpenToken {
            number,
            object: call.object,
        }
    }

    /// Ends a scope, on whatever thread: `context` is that thread's, if it has one.
    pub(crate) fn close(&self, context: Option<&'static Context<E>>, token: OpenToken) {
        if self.now.is_off() {
            return;
        }
        let _suspended = context.map(Context::suspend);
        self.end_token(context, &token, Ending::AsTheStackShows);
    }

    pub(super) fn end_token(
        &self,
        context: Option<&Context<E>>,
        token: &OpenToken,
        ending: Ending,
    ) {
        let words = token.object.words();
        let hash = object_hash(words);
        let mut bucket = self.traps.lock(hash);
        let Some(index) = bucket
            .tokens
            .iter()
            .position(|open| open.number == token.number)
        else {
            // Retired with its object.
            return;
        };
        let ended = bucket.tokens.swap_remove(index);
        // Under the same lock, so that no asker's delay ends in between.
        if !planted(Defect::ScopeUnanswered) {
            self.answer(context, bucket, words, Who::Token(token.number), ending);
        }
        drop(ended);
        self.now.retract();
        self.published.lower(hash);
    }
}
