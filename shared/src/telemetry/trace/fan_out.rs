//! Sampling by fan-out: of an event for many only a few deliveries are followed.

/// Deliveries of one event that are followed, in each of its stages.
///
/// So an event for one is followed whenever its request is, one for a hundred on every tenth way, one for ten thousand on every
/// thousandth: each event costs a trace the same.
pub const FOLLOWED_MAX: usize = 10;

/// Which of so many ways are followed, each as likely as every other: numbers below `fan_out`.
pub fn followed(fan_out: usize) -> Vec<usize> {
    if fan_out <= FOLLOWED_MAX {
        return (0..fan_out).collect();
    }
    rand::seq::index::sample(&mut rand::rng(), fan_out, FOLLOWED_MAX).into_vec()
}
