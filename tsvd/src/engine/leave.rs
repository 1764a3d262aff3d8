//! An operation's way out: end the flight, and answer who asked.

use super::Engine;
use super::defect::{Defect, planted};
use super::enter::{Call, Checked, object_hash};
use super::env::Environment;
use super::marks::Context;
use super::primitive::MutexGuard;
use super::traps::{Bucket, DetectedBy, Evidence, State, Token, Who};
use crate::contract::Object;

/// A scope in flight, to be ended by [`Engine::close`].
#[derive(Debug)]
pub(crate) struct OpenToken {
    number: u64,
    object: Object,
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
        self.answer(
            self.traps.lock(object_hash(words)),
            words,
            Who::Mark(flight),
        );
    }

    /// `who` has left: whoever was held for it goes on, and whoever asked it has its proof.
    fn answer(&self, mut bucket: MutexGuard<'_, Bucket<E>>, words: [u64; 2], who: Who) {
        let mut proofs = Vec::new();
        for trap in bucket
            .traps
            .iter_mut()
            .filter(|trap| trap.object.words() == words)
        {
            match trap.state {
                State::Running { second, .. } if second == who => {
                    trap.state = State::Released;
                    if !planted(Defect::NoWake) {
                        self.env.wake(&trap.context.signal);
                    }
                }
                State::Held => {
                    let Some(asked) = trap.asked.iter().find(|asked| asked.who == who) else {
                        continue;
                    };
                    trap.state = State::Reporting;
                    trap.party.delayed_ns = self.env.now().saturating_sub(trap.party.entered_ns);
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
        for (number, mut evidence) in proofs {
            evidence.first.stack = Some(self.env.stack());
            evidence.first.thread = self.env.thread_name();
            evidence.first.lineage = self.env.lineage(|lineage| lineage.cloned());
            self.prove(evidence);
            let mut bucket = self.traps.lock(object_hash(words));
            if let Some(trap) = bucket.trap(number) {
                trap.state = State::Confirmed;
                self.env.wake(&trap.context.signal);
            }
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
        let hash = call.object_hash();
        context.count_scope();
        let mut party = self.party(context, call);
        self.describe(call, &mut party);
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
        let caught = self.check(context, call, Who::Token(number), false) == Checked::Caught;
        Some((
            OpenToken {
                number,
                object: call.object,
            },
            caught,
        ))
    }

    /// Ends a scope, on whatever thread: `context` is that thread's, if it has one.
    pub(crate) fn close(&self, context: Option<&'static Context<E>>, token: OpenToken) {
        if self.now.is_off() {
            return;
        }
        let _suspended = context.map(Context::suspend);
        self.end_token(&token);
    }

    fn end_token(&self, token: &OpenToken) {
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
        bucket.tokens.swap_remove(index);
        // Under the same lock, so that no asker's delay ends in between.
        if !planted(Defect::ScopeUnanswered) {
            self.answer(bucket, words, Who::Token(token.number));
        }
        self.now.retract();
        self.published.lower(hash);
    }
}
