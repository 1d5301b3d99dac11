//! Who has what.

#![expect(clippy::cast_precision_loss, reason = "counts are small")]

use super::*;

fn users(numbers: std::ops::RangeInclusive<i64>) -> Vec<UserId> {
    numbers.map(|n| UserId::new(n).unwrap()).collect()
}

fn partly(percentage: f64) -> Rules {
    Rules {
        percentage,
        ..Rules::simple(true)
    }
}

fn holders(rules: &Rules, among: &[UserId]) -> BTreeSet<UserId> {
    let among = among.iter().copied();
    among.filter(|user| rules.has("friends", *user)).collect()
}

/// Five standard deviations: a wrong share is off by more, a right one is not once in a million.
fn is_share(count: usize, of: usize, share: f64) -> bool {
    let (count, of) = (count as f64, of as f64);
    (count - of * share).abs() <= 5.0 * (of * share * (1.0 - share)).sqrt()
}

#[test]
fn a_rollout_from_0_to_100_takes_from_nobody_and_keeps_to_its_share() {
    let everybody = users(1..=10_000);
    let mut before = BTreeSet::new();
    for step in 0..=100 {
        let now = holders(&partly(f64::from(step)), &everybody);
        assert!(before.is_subset(&now), "{step} % takes from somebody");
        let share = f64::from(step) / 100.0;
        assert!(
            is_share(now.len(), everybody.len(), share),
            "{step} %: {}",
            now.len()
        );
        before = now;
    }
    assert_eq!(before.len(), everybody.len());
}

#[test]
fn who_has_what_is_a_contract_with_running_rollouts() {
    let first: Vec<i64> = holders(&partly(10.0), &users(1..=50))
        .iter()
        .map(|u| u.get())
        .collect();
    assert_eq!(first, [7, 11, 15, 18, 20, 28]);
    // Another flag's ten of a hundred are others.
    let of_likes = users(1..=50)
        .into_iter()
        .filter(|user| partly(10.0).has("likes", *user));
    assert!(!of_likes.map(UserId::get).eq(first));
}

#[test]
fn the_kill_switch_comes_first_then_the_lists_then_the_percentage() {
    let (ana, bo) = (UserId::new(1).unwrap(), UserId::new(2).unwrap());
    let lists = |enabled, percentage| Rules {
        enabled,
        percentage,
        allowed_users: [ana].into(),
        denied_users: [bo].into(),
        variants: Vec::new(),
    };
    for (rules, expected) in [
        (lists(false, 100.0), (false, false)),
        (lists(true, 0.0), (true, false)),
        (lists(true, 100.0), (true, false)),
    ] {
        assert_eq!(
            (rules.has("likes", ana), rules.has("likes", bo)),
            expected,
            "{rules:?}"
        );
    }
}

#[test]
fn variants_have_their_shares_and_a_rollout_changes_nobody_s() {
    let variant = |name: &str, weight| Variant {
        name: name.to_owned(),
        weight,
    };
    let with = |percentage| Rules {
        variants: vec![variant("a", 1), variant("b", 3), variant("never", 0)],
        ..partly(percentage)
    };
    let everybody = users(1..=4_000);
    let all = everybody
        .iter()
        .map(|user| with(100.0).value("likes", *user).variant.unwrap());
    let all: Vec<String> = all.collect();
    for (name, share) in [("a", 0.25), ("b", 0.75), ("never", 0.0)] {
        let count = all.iter().filter(|variant| *variant == name).count();
        assert!(is_share(count, all.len(), share), "{name}: {count}");
    }
    for (user, variant) in everybody.iter().zip(&all) {
        let half = with(50.0).value("likes", *user);
        assert_eq!(half.variant.as_ref(), half.enabled.then_some(variant));
    }
}

#[test]
fn the_environment_s_disabled_always_wins_and_its_enabled_is_a_default() {
    static ON: Flag = Flag::on("on", "");
    static OFF: Flag = Flag::off("off", "");
    let ana = UserId::new(1).unwrap();
    let book = |word: Option<Override>, said: Option<bool>| {
        let words = ["ON", "OFF"].map(|name| Some((name.to_owned(), word?)));
        let book = FlagBook::new(Overrides::new(words.into_iter().flatten()));
        let rules = ["on", "off"].map(|name| Some((name.to_owned(), Rules::simple(said?))));
        book.keep(FlagTable {
            version: 1,
            rules: rules.into_iter().flatten().collect(),
        });
        (book.has(&ON, ana), book.has(&OFF, ana))
    };
    for (word, said, expected) in [
        (None, None, (true, false)),
        (None, Some(false), (false, false)),
        (None, Some(true), (true, true)),
        (Some(Override::Enabled), None, (true, true)),
        (Some(Override::Enabled), Some(false), (false, false)),
        (Some(Override::Disabled), None, (false, false)),
        (Some(Override::Disabled), Some(true), (false, false)),
    ] {
        assert_eq!(book(word, said), expected, "{word:?} {said:?}");
    }
}
