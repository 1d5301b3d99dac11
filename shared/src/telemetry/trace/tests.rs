use std::{collections::BTreeSet, time::Duration};

use tokio::time::Instant;

use super::{FOLLOWED_MAX, Kind, Span, TraceContext, budget, current, followed, within};

const GIVEN: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

#[test]
fn what_the_standard_allows_is_read_and_nothing_else() {
    let context: TraceContext = GIVEN.parse().unwrap();
    assert_eq!(context.to_string(), GIVEN);
    assert_eq!(context.trace_id(), "4bf92f3577b34da6a3ce929d0e0e4736");
    assert!(context.is_sampled);
    for (text, is_sampled) in [
        (GIVEN.replace("-01", "-00"), false),
        (GIVEN.replace("-01", "-03"), true),
        (format!("{}-more", GIVEN.replacen("00", "01", 1)), true),
    ] {
        let context: TraceContext = text.parse().unwrap();
        assert_eq!(context.is_sampled, is_sampled, "{text}");
    }
    for text in [
        "",
        "00",
        &GIVEN.to_uppercase(),
        &GIVEN.replacen("00", "ff", 1),
        &format!("{GIVEN}-more"),
        &GIVEN.replace("4bf92f3577b34da6a3ce929d0e0e4736", &"0".repeat(32)),
        &GIVEN.replace("00f067aa0ba902b7", &"0".repeat(16)),
        &GIVEN.replace("-01", "-1"),
        &GIVEN.replace("-01", "-+1"),
        &GIVEN[1..],
    ] {
        assert!(text.parse::<TraceContext>().is_err(), "{text}");
    }
}

#[test]
fn of_an_event_for_many_a_few_ways_are_followed() {
    for (fan_out, expected) in [(0, 0), (1, 1), (10, 10), (11, 10), (10_000, FOLLOWED_MAX)] {
        let ways = followed(fan_out);
        assert!(ways.iter().all(|way| *way < fan_out));
        let ways: BTreeSet<usize> = ways.into_iter().collect();
        assert_eq!(ways.len(), expected, "of {fan_out}");
    }
}

#[test]
fn without_a_collector_a_request_keeps_its_trace_and_nothing_is_recorded() {
    let caller: TraceContext = GIVEN.parse().unwrap();
    let span = Span::serving(|| unreachable!("nobody asks for the name"), Some(caller));
    assert_eq!(span.context().trace, caller.trace);
    assert!(!span.context().is_sampled, "nobody else is to record it");
    let step = Span::after(Some(caller), Kind::Internal, || "step".into());
    assert!(step.is_none());
}

#[test]
fn callers_cannot_have_more_recorded_than_a_second_allows() {
    let mut now = Instant::now();
    let budget = budget::Budget::new(now);
    for _ in 0..3 {
        let taken = (0..1000).filter(|_| budget.take(now)).count();
        assert_eq!(taken, budget::TRACES_PER_SECOND as usize);
        now += Duration::from_secs(1);
    }
}

#[tokio::test]
async fn a_task_knows_its_trace_and_no_other_does() {
    let context: TraceContext = GIVEN.parse().unwrap();
    let seen = within(context, async { current() }).await;
    assert_eq!(seen, Some(context));
    assert_eq!(current(), None);
}
