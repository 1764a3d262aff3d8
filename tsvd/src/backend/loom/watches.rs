//! The regions of one execution, the last access of each to each part of an object, and what of others came after it.
//!
//! The rule is the engine's (`engine/region`), without its lossy half: a watch stands from the exit of a region's access to the
//! exit of its next one. Who enters and leaves while it stands lay wholly after the former; those that had left when the
//! latter entered lay wholly before it. It is plain state, so whoever calls has made a step on which the order of all calls here depends.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use super::defect::{Defect, counted, planted};
use super::ledger::{Call, named};
use super::regions::On;
use crate::contract::{Deed, Did, Object, Pattern, Region, meet};

/// By role and key, a part of an object.
type Part = (Option<&'static str>, Option<u64>);

/// Numbers of regions.
pub(super) type Inherited = Arc<[u64]>;

#[derive(Default)]
pub(super) struct Regions {
    open: Vec<Open>,
    watches: Vec<Watch>,
    inherited: HashMap<usize, Inherited>,
    /// The last that was given, to a region or a watch.
    number: u64,
}

struct Open {
    number: u64,
    declared: &'static Region,
    on: Option<On>,
    /// Who works in it; nobody between two polls.
    thread: Option<usize>,
    is_polled: bool,
}

/// For whom something is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Context {
    Thread(usize),
    /// A region that is polled, by whichever thread.
    Polled(u64),
}

/// The last access of a region to an object under one key and role.
struct Watch {
    /// Another one after each access of the region.
    number: u64,
    region: u64,
    on: Option<On>,
    object: Object,
    context: Context,
    last: Done,
    /// Those that entered after it had left, and have left.
    foreign: Vec<Done>,
}

#[derive(Clone)]
struct Done {
    call: Call,
    deed: Deed,
}

/// An access of a pattern, and what it did there.
struct Told(Call, Did);

/// An access that has entered.
#[derive(Debug)]
pub(super) struct Visit {
    call: Call,
    object: Object,
    /// Of one that may be the third of a pattern; later its text is no longer at hand.
    key: Option<String>,
    context: Context,
    /// The regions it is an access of.
    own: Vec<u64>,
    /// Their watches, by number, and how many others had come and gone.
    cuts: Vec<(u64, usize)>,
    /// The watches of other contexts.
    visited: Vec<u64>,
    /// The watches of regions that it is a helper in.
    helped: Vec<u64>,
    is_end: bool,
}

impl Visit {
    pub(super) fn call(&self) -> &Call {
        &self.call
    }

    pub(super) fn object(&self) -> Object {
        self.object
    }

    /// It entered after the access of which this is the watch.
    fn has_visited(&self, watch: &Watch) -> bool {
        if planted(Defect::OverlapIsBetween) {
            return watch.object == self.object && !self.own.contains(&watch.region);
        }
        self.visited.contains(&watch.number)
    }
}

/// A region that was not atomic.
pub(super) struct Broken {
    declared: &'static Region,
    pattern: Pattern,
    first: Told,
    foreign: Told,
    next: Told,
    object: Object,
    key: Option<String>,
    is_end: bool,
}

impl Watch {
    fn meets(&self, part: Part) -> bool {
        meet(self.last.call.part(), part) && self.on.is_none_or(|on| meet((on.role, on.key), part))
    }

    /// Of the first `count` others one that stands between the last access and `next`.
    fn interrupted(&self, count: usize, next: &Done) -> Option<(Pattern, [Told; 3])> {
        let count = if planted(Defect::NoCut) {
            self.foreign.len()
        } else {
            count
        };
        let earlier = self.foreign.iter().take(count);
        earlier
            .filter(|foreign| meet(foreign.call.part(), next.call.part()))
            .find_map(|foreign| {
                let done = [&self.last, foreign, next];
                let (pattern, [first, between, last]) =
                    Pattern::among(done.map(|done| (&done.deed, done.call.key)))?;
                let told = [
                    Told(self.last.call, first),
                    Told(foreign.call, between),
                    Told(next.call, last),
                ];
                Some((pattern, told))
            })
    }
}

impl Open {
    fn takes(&self, thread: usize, object: Object, part: Part) -> bool {
        let is_on = |on: On| on.object == object && meet((on.role, on.key), part);
        self.thread == Some(thread) && self.on.is_none_or(is_on)
    }
}

impl Regions {
    fn next_number(&mut self) -> u64 {
        self.number += 1;
        self.number
    }

    /// That of the innermost polled region of `thread`, or its own.
    fn context(&self, thread: usize) -> Context {
        let mut inner_first = self.open.iter().rev();
        let polled = inner_first.find(|open| open.thread == Some(thread) && open.is_polled);
        polled.map_or(Context::Thread(thread), |open| Context::Polled(open.number))
    }

    /// What is begun by `thread` inherits: the regions that it works in, and those that it has inherited.
    pub(super) fn bequeath(&self, thread: usize) -> Inherited {
        let own = self.open.iter();
        let own = own.filter(|open| open.thread == Some(thread));
        let inherited = self.inherited.get(&thread).into_iter();
        let inherited = inherited.flat_map(|inherited| inherited.iter().copied());
        own.map(|open| open.number).chain(inherited).collect()
    }

    /// Returns what `thread` had inherited before.
    pub(super) fn inherit(
        &mut self,
        thread: usize,
        inherited: Option<Inherited>,
    ) -> Option<Inherited> {
        match inherited {
            Some(inherited) => self.inherited.insert(thread, inherited),
            None => self.inherited.remove(&thread),
        }
    }

    pub(super) fn open(
        &mut self,
        declared: &'static Region,
        on: Option<On>,
        thread: usize,
        is_polled: bool,
    ) -> u64 {
        let number = self.next_number();
        self.open.push(Open {
            number,
            declared,
            on,
            thread: Some(thread),
            is_polled,
        });
        number
    }

    /// A region that is polled goes on on a thread, or is left by it.
    pub(super) fn hand(&mut self, region: u64, thread: Option<usize>) {
        if let Some(index) = self.open.iter().position(|open| open.number == region) {
            let mut open = self.open.remove(index);
            open.thread = thread;
            // The innermost is the last.
            self.open.push(open);
        }
    }

    pub(super) fn close(&mut self, region: u64) {
        self.open.retain(|open| open.number != region);
        self.restart(region);
    }

    /// What the region knew has been looked at anew.
    pub(super) fn restart(&mut self, region: u64) {
        self.watches.retain(|watch| watch.region != region);
    }

    /// The same for all regions that `thread` works in, as far as `object` is concerned.
    pub(super) fn revalidated(&mut self, object: Object, thread: usize) {
        let is_own =
            |open: &Open, watch: &Watch| open.thread == Some(thread) && open.number == watch.region;
        let open = &self.open;
        self.watches
            .retain(|watch| watch.object != object || !open.iter().any(|open| is_own(open, watch)));
    }

    pub(super) fn retire(&mut self, object: Object) {
        if planted(Defect::Immortal) {
            return;
        }
        self.watches.retain(|watch| watch.object != object);
    }

    /// The last accesses of a strict region, which its end reads once more.
    pub(super) fn to_end(&self, region: u64) -> Vec<(Object, Call)> {
        let is_strict = |open: &Open| open.number == region && open.declared.is_strict();
        let Some(open) = self.open.iter().find(|open| is_strict(open)) else {
            return Vec::new();
        };
        let own = self.watches.iter().filter(|watch| watch.region == region);
        own.map(|watch| {
            let end = Call {
                operation: open.declared.end(),
                site: open.declared.definition(),
                key: watch.last.call.key,
            };
            (watch.object, end)
        })
        .collect()
    }

    /// An access begins; `end` is the region of which it is the end.
    pub(super) fn arrive(
        &mut self,
        call: Call,
        object: Object,
        thread: usize,
        end: Option<u64>,
        key: impl FnOnce() -> Option<String>,
    ) -> Visit {
        let context = self.context(thread);
        let part = call.part();
        let own: Vec<u64> = match end {
            Some(region) => vec![region],
            None => {
                let own = self.open.iter();
                let own = own.filter(|open| open.takes(thread, object, part));
                own.map(|open| open.number).collect()
            }
        };
        let inherited = self.inherited.get(&thread);
        let (mut cuts, mut visited, mut helped) = (Vec::new(), Vec::new(), Vec::new());
        for watch in &self.watches {
            let is_same = watch.object == object && object.may_be(watch.object);
            if !is_same || !watch.meets(part) {
                continue;
            }
            if own.contains(&watch.region) {
                cuts.push((watch.number, watch.foreign.len()));
            } else if !planted(Defect::HelperIsForeign)
                && inherited.is_some_and(|regions| regions.contains(&watch.region))
            {
                helped.push(watch.number);
            } else if watch.context != context && end.is_none() {
                visited.push(watch.number);
            }
        }
        let is_interrupted = cuts.iter().any(|(_, others)| *others > 0);
        Visit {
            call,
            object,
            key: is_interrupted.then(key).flatten(),
            context,
            own,
            cuts,
            visited,
            helped,
            is_end: end.is_some(),
        }
    }

    /// The access is over, on `thread`, and this is what it did.
    pub(super) fn depart(&mut self, visit: Visit, thread: usize, deed: Deed) -> Option<Broken> {
        // One that was handed on ends elsewhere than it began, and is nobody's.
        let is_here = self.context(thread) == visit.context;
        let deed = deed.map(counted);
        if deed.did() == Did::Nothing {
            return None;
        }
        let call = visit.call;
        let done = Done { call, deed };
        let mut broken = None;
        for (number, others) in &visit.cuts {
            let Some(watch) = self.watches.iter().find(|watch| watch.number == *number) else {
                continue;
            };
            let declared = self.open.iter().find(|open| open.number == watch.region);
            let found = watch.interrupted(*others, &done).filter(|_| is_here);
            if let (Some((pattern, [first, foreign, next])), Some(open)) = (found, declared) {
                broken = broken.or_else(|| {
                    Some(Broken {
                        declared: open.declared,
                        pattern,
                        first,
                        foreign,
                        next,
                        object: visit.object,
                        key: visit.key.clone(),
                        is_end: visit.is_end,
                    })
                });
            }
        }
        // What a helper has looked at anew, the region it works for has.
        self.watches.retain(|watch| {
            let looks_anew = || done.deed.at(watch.last.call.key).looks_anew();
            !(visit.helped.contains(&watch.number) && looks_anew())
        });
        if is_here {
            let visited = self.watches.iter_mut();
            visited
                .filter(|watch| visit.has_visited(watch))
                .for_each(|watch| watch.foreign.push(done.clone()));
        }
        if !visit.is_end {
            for region in &visit.own {
                self.keep(*region, &visit, done.clone(), is_here);
            }
        }
        broken
    }

    /// The access is the last of `region` to its part of the object.
    fn keep(&mut self, region: u64, visit: &Visit, last: Done, is_here: bool) {
        let part = last.call.part();
        self.watches.retain(|watch| {
            let is_own = watch.region == region && watch.object == visit.object;
            let anew = || last.deed.at(watch.last.call.key).looks_anew() || !is_here;
            !is_own || !(watch.last.call.part() == part || (watch.meets(part) && anew()))
        });
        let open = self.open.iter().find(|open| open.number == region);
        let Some(on) = open.filter(|_| is_here).map(|open| open.on) else {
            return;
        };
        let number = self.next_number();
        self.watches.push(Watch {
            number,
            region,
            on,
            object: visit.object,
            context: visit.context,
            last,
            foreign: Vec::new(),
        });
    }
}

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.told(f, self.1.access())
    }
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, place) = (self.declared.name(), self.declared.definition());
        write!(
            f,
            "tsvd: atomicity violated: the region `{name}` at {place} is expected to be atomic, but {} came between its {} and its ",
            self.foreign, self.first
        )?;
        if self.is_end {
            write!(f, "end")?;
        } else {
            write!(f, "{}", self.next)?;
        }
        write!(f, " on ")?;
        let key = self.key.as_deref();
        named(f, self.object, self.first.0.operation.contract(), key)?;
        let pattern = match self.pattern {
            Pattern::ReadWriteRead => "R-W-R",
            Pattern::WriteWriteRead => "W-W-R",
            Pattern::ReadWriteWrite => "R-W-W",
            Pattern::WriteReadWrite => "W-R-W",
        };
        write!(
            f,
            " ({pattern})\nNo order of the three, one after the other, has the same effect. Look and act in one call or one critical \
             section, or look again in the one that acts; where the region does so in a way that tsvd cannot see, say it by \
             `tsvd::revalidated` or `restart`."
        )
    }
}
