//! Goals: what some execution of a model has to reach, so that its properties were really put to the test.

use std::cell::RefCell;

std::thread_local! {
    /// Of the model that runs on this OS thread.
    static GOALS: RefCell<Option<Goals>> = const { RefCell::new(None) };
}

struct Goals {
    model: String,
    declared: Vec<(&'static str, bool)>,
}

/// A model's goals are known until it is dropped.
pub(super) struct Declared(());

impl Declared {
    pub(super) fn by(model: &str, goals: &[&'static str]) -> Self {
        GOALS.set(Some(Goals {
            model: model.to_owned(),
            declared: goals.iter().map(|goal| (*goal, false)).collect(),
        }));
        Self(())
    }

    /// The first goal that no execution reached.
    pub(super) fn unreached(&self) -> Option<&'static str> {
        GOALS.with_borrow(|goals| {
            let goals = goals.as_ref()?;
            let unreached = goals.declared.iter().find(|(_, reached)| !reached)?;
            Some(unreached.0)
        })
    }
}

impl Drop for Declared {
    fn drop(&mut self) {
        GOALS.set(None);
    }
}

/// What `reachable!` does.
#[track_caller]
pub fn reach(goal: &str) {
    let stranger = GOALS.with_borrow_mut(|goals| {
        let goals = goals.as_mut()?;
        match goals.declared.iter_mut().find(|(name, _)| *name == goal) {
            Some((_, reached)) => {
                *reached = true;
                None
            }
            None => Some(goals.model.clone()),
        }
    });
    if let Some(model) = stranger {
        panic!(
            "tsvd: `{goal}` is none of the goals of model `{model}`, so nobody would notice if it were not reached: declare it by \
             `Model::goals`"
        );
    }
}
