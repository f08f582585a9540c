use super::*;

/// Fails with everything that is needed to find out why.
fn check(run: &Run) {
    assert!(
        run.is_clean(),
        "seed {}: {}; {:?}\n{}",
        run.seed,
        run.tally,
        run.violations,
        run.trace.join("\n")
    );
}

#[test]
fn nothing_is_lost_doubled_or_out_of_order_whatever_fails() {
    for seed in 0..12 {
        check(&run(seed));
    }
}

#[test]
fn a_seed_gives_the_same_run_again_and_another_seed_another_one() {
    let (first, again, other) = (run(7), run(7), run(8));
    assert_eq!(first.trace.join("\n"), again.trace.join("\n"));
    assert_eq!(first.trace_hash, again.trace_hash);
    assert_ne!(first.trace_hash, other.trace_hash);
}

#[test]
fn a_store_that_forgets_what_it_was_given_is_found_out() {
    let found = (0..40).any(|seed| {
        let run = run_on(seed, Some(Lie::Forgets));
        run.violations.iter().any(|violation| violation.contains("before it was saved"))
    });
    assert!(found);
}

#[test]
fn a_store_that_knows_no_duplicates_is_found_out() {
    let found = (0..40).any(|seed| run_on(seed, Some(Lie::NoDuplicates)).tally.n_doubled > 0);
    assert!(found);
}
