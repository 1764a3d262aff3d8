//! Ghost variables with fractional permissions, on the bank of `examples/src/ghost_bank.rs`: two transfers on threads of their own, the
//! main thread as auditor; every interleaving, no bound.
//!
//! Checked of `Proof::Right`: in every execution each step of the proof is one that the logic allows. A ghost variable
//! changes only by who has its whole permission, the bank invariant holds whenever it is closed and is never open across a
//! step, and each lock invariant holds at acquire and at release; so the auditor finds that the balances add up to zero. In
//! Iris that is proved once for all; here it is checked for two transfers, as in a test of the proof ("A brief introduction to Iris", Chajed, 2020;
//! Jung et al., "Iris from the Ground Up", JFP 2018, on invariants and ghost state).
//!
//! Assumed: `tsvd::ghost` itself, which has models of its own in `harness`; that ghost state influences nothing but itself is the reader's
//! to see: no value of it goes into a balance.

use tsvd::model::Model;
use tsvd::sync::Arc;
use tsvd_examples::ghost_bank::{GhostBank, Proof};
use tsvd_loom_tests::owners::each_of;
use tsvd_loom_tests::{shows, shows_within};

fn model(name: &str) -> Model {
    Model::new()
        .name(name)
        .property("each step of the proof is allowed; the balances add up")
}

/// An auditor and so many other threads less one, each with a transfer.
fn transfers_and_auditor(threads: u32, proof: Proof) {
    let bank = Arc::new(GhostBank::new());
    each_of(threads, &bank, move |bank, number| {
        if number > 0 {
            bank.transfer(10 * i64::from(number), proof).unwrap();
        } else {
            audit(bank);
        }
    });
    audit(&bank);
}

fn audit(bank: &GhostBank) {
    let [sum, proved] = bank.check_consistency().unwrap();
    assert_eq!(proved, 0);
    assert_eq!(sum, proved, "the balances do not add up to what was proved");
}

#[test]
fn each_step_of_the_proof_is_allowed() {
    shows(model("ghost bank: two transfers, auditor"), || {
        transfers_and_auditor(3, Proof::Right)
    });
}

#[test]
fn each_step_of_the_proof_is_allowed_with_three_transfers() {
    shows_within(3, model("ghost bank: three transfers, auditor"), || {
        transfers_and_auditor(4, Proof::Right)
    });
}

#[cfg(loom)]
mod mutants {
    use super::*;
    use tsvd_loom_tests::rejected;

    #[test]
    fn updated_with_half() {
        rejected(
            "mutants::updated_with_half",
            "a ghost variable is updated with 1/2 of its permission, which takes the whole",
            || transfers_and_auditor(2, Proof::WithHalf),
        );
    }

    #[test]
    fn never_closed() {
        rejected("mutants::never_closed", "and never closed", || {
            transfers_and_auditor(2, Proof::NeverCloses)
        });
    }

    #[test]
    fn halves_of_two_variables() {
        rejected(
            "mutants::halves_of_two_variables",
            "shares of two ghost variables combined",
            || transfers_and_auditor(2, Proof::TwoVariables),
        );
    }

    #[test]
    fn open_across_a_step() {
        rejected(
            "mutants::open_across_a_step",
            "ghost state held open across a step: opened at ",
            || transfers_and_auditor(2, Proof::AcrossAStep),
        );
    }

    #[test]
    fn one_account_only() {
        rejected(
            "mutants::one_account_only",
            "invariant `the balances add up to zero` does not hold when it is closed",
            || transfers_and_auditor(2, Proof::OneSided),
        );
    }

    #[test]
    fn ghost_forgotten() {
        rejected(
            "mutants::ghost_forgotten",
            "lock invariant broken at release: the balance is that of the ghost variable",
            || transfers_and_auditor(2, Proof::Forgotten),
        );
    }
}
