//! Decides whether two kinds of requests can be distinguished by their response times. Uses the Mann-Whitney test,
//! which makes no assumption about the distribution of the times.

/// The result of comparing two samples.
#[derive(Debug, Clone, Copy)]
pub struct Compared {
    /// Probability that a time of the first sample is longer than a time of the second sample. A pair of equal times
    /// counts half. 0.5 means no difference.
    pub effect: f64,
    /// Difference between the effect and 0.5, in standard deviations. The standard deviation is computed under the
    /// assumption that both samples come from the same distribution.
    pub z: f64,
}

impl Compared {
    /// Whether the difference is not due to chance (p < 0.001, two-sided), and is so large that an observer could
    /// notice it despite network noise (an effect below 0.45 or above 0.55).
    #[must_use]
    pub fn differs(self) -> bool {
        self.z.abs() > 3.29 && (self.effect - 0.5).abs() > 0.05
    }
}

/// Compares two samples.
#[must_use]
pub fn compare(first: &[f64], second: &[f64]) -> Compared {
    let mut all: Vec<(f64, bool)> = first.iter().map(|time| (*time, true)).collect();
    all.extend(second.iter().map(|time| (*time, false)));
    all.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (mut below, mut wins) = (0.0, 0.0);
    for tied in all.chunk_by(|a, b| a.0.total_cmp(&b.0).is_eq()) {
        let of_second = count(tied.iter().filter(|(_, is_first)| !is_first).count());
        let of_first = count(tied.len()) - of_second;
        wins += of_first * (below + of_second / 2.0);
        below += of_second;
    }
    let (n, m) = (count(first.len()), count(second.len()));
    let effect = wins / (n * m).max(1.0);
    let deviation = ((n + m + 1.0) / (12.0 * n * m).max(1.0)).sqrt();
    Compared { effect, z: (effect - 0.5) / deviation }
}

fn count(number: usize) -> f64 {
    u32::try_from(number).map_or(f64::MAX, f64::from)
}

/// The quantile of a sample at `share` (from 0 to 1), for example the median at 0.5. Returns 0 for an empty sample.
#[must_use]
pub fn quantile(sample: &[f64], share: f64) -> f64 {
    let mut sorted = sample.to_vec();
    sorted.sort_by(f64::total_cmp);
    let below = sorted.iter().enumerate().take_while(|(index, _)| count(*index) < share * count(sample.len()));
    below.last().map_or(0.0, |(_, value)| *value)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pseudo-random times between 300 and 320 ms, plus `shift`. The same seed gives the same times.
    fn times(seed: u32, shift: f64) -> Vec<f64> {
        let mut state = seed;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            300.0 + f64::from(state >> 8) / f64::from(1 << 24) * 20.0 + shift
        };
        (0..1_000).map(|_start| next()).collect()
    }

    #[test]
    fn times_differ_only_after_a_shift_of_two_milliseconds() {
        assert!(!compare(&times(1, 0.0), &times(2, 0.0)).differs());
        assert!(compare(&times(1, 2.0), &times(2, 0.0)).differs());
        assert!(compare(&times(1, 0.0), &times(2, 2.0)).differs());
    }

    #[test]
    fn effect_and_quantiles_are_computed_correctly() {
        let compared = compare(&[1.0, 3.0], &[2.0, 2.0]);
        assert!((compared.effect - 0.5).abs() < 1e-9, "{compared:?}");
        assert!((compare(&[3.0, 4.0], &[1.0, 2.0]).effect - 1.0).abs() < 1e-9);
        let sample: Vec<f64> = (1..=100).map(f64::from).collect();
        assert!((quantile(&sample, 0.5) - 50.0).abs() < 1e-9);
    }
}
