//! Speed of each rank, and the shares of the work that follow from it.
//!
//! A rank measures the work that it does in a second of computing. Its speed is the median of the
//! last few such measurements, so one disturbed step changes nothing. If the shares in use are good
//! enough for the speeds of all ranks, they stay. Otherwise work is shared in proportion to speed.
//!
//! Shares move the boundaries between ranks only. Results have the same bits with any shares.

use std::collections::VecDeque;
use std::time::Duration;
use treecode::math::hash;
use treecode::{Census, Phase};

/// What the load balance makes equal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Balancing {
    /// The work of all ranks.
    #[default]
    Work,
    /// The time in which they do it. The bodies of a rank then depend on measured times.
    Speed,
    /// Nothing. The shares of each evaluation are drawn at random from this seed, for tests that
    /// results do not depend on shares.
    Random(u64),
}

/// Settings of this rank for the distribution of the bodies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sharing {
    /// What the load balance makes equal. It must be the same on all ranks.
    pub balancing: Balancing,
    /// Greatest number of bodies of this rank. It must be given on all ranks or on none.
    pub most_bodies: Option<u64>,
}

/// Phases in which a rank computes without waiting for others.
const BUSY: [Phase; 5] = [Phase::Sort, Phase::Build, Phase::Moments, Phase::Walk, Phase::Kernels];

/// Time of the phases in which a rank computes without waiting for others. It measures the load
/// balance.
pub fn busy(census: &Census) -> Duration {
    BUSY.iter().map(|&phase| census.time(phase)).sum()
}

/// Least time of a measurement [s]. Shorter evaluations are added up.
const LEAST_SECONDS: f64 = 0.005;
/// Number of measurements of which the speed is the median.
const RECENT: usize = 5;
/// Shares stay if the slowest rank needs at most this multiple of the time that shares in
/// proportion to speed would take.
const GOOD_ENOUGH: f64 = 1.04;
/// Greatest ratio of a speed to the median speed, and of the median speed to a speed. A rank always
/// keeps some work, so that its speed is measured again.
const EXTREME: f64 = 16.0;
/// Weight of a rank of mean speed. Weights are integers.
const MEAN_WEIGHT: f64 = 65_536.0;
/// Work of a body in an evaluation beside its interactions, in operations.
const BODY_OPERATIONS: u64 = 200;

/// Measured speeds, and the shares in use.
#[derive(Clone, Debug, Default)]
pub struct Speeds {
    sharing: Sharing,
    /// Work and time [s] since the last complete measurement.
    open: [f64; 2],
    /// The number of times that shares were drawn at random.
    drawn: u64,
    /// The last measurements of this rank, in work per second.
    recent: VecDeque<f64>,
    /// Share of each rank. All ranks have the same list. The sum is the number of ranks. Empty at
    /// first: all shares are equal.
    shares: Vec<f64>,
}

/// Weight and greatest number of bodies of each rank.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Shares {
    pub(crate) weights: Vec<u64>,
    pub(crate) most: Vec<u64>,
}

impl Shares {
    /// Equal shares without limits.
    pub(crate) fn equal(ranks: usize) -> Shares {
        Shares { weights: vec![1; ranks], most: vec![u64::MAX; ranks] }
    }
}

impl Speeds {
    /// No measurements, and equal shares.
    pub fn new(sharing: Sharing) -> Speeds {
        Speeds { sharing, ..Speeds::default() }
    }

    /// Share of the work of each rank, relative to the mean. Empty as long as all are equal.
    pub fn shares(&self) -> &[f64] {
        &self.shares
    }

    /// Adds an evaluation in which this rank did this work within these seconds. All ranks must use
    /// the same unit of work.
    pub fn record(&mut self, work: f64, seconds: f64) {
        self.open = [self.open[0] + work, self.open[1] + seconds];
        let [work, seconds] = self.open;
        if work > 0.0 && seconds >= LEAST_SECONDS {
            self.open = [0.0; 2];
            self.recent.push_back(work / seconds);
            if self.recent.len() > RECENT {
                self.recent.pop_front();
            }
        }
    }

    /// Adds an evaluation of this number of bodies of the rank, with its computing time.
    pub(crate) fn record_census(&mut self, census: &Census, bodies: usize, computing: Duration) {
        let work = census.operations + BODY_OPERATIONS * bodies as u64;
        self.record(work as f64, computing.as_secs_f64());
    }

    /// The median of the last measurements; 0 without any.
    fn median(&self) -> f64 {
        median(self.recent.iter().copied()).unwrap_or(0.0)
    }

    /// The data of this rank that all ranks need for the shares. The length is the same on all
    /// ranks.
    pub(crate) fn report(&self) -> Vec<u8> {
        let mut report = Vec::new();
        if self.sharing.balancing == Balancing::Speed {
            report.extend((self.median() as f32).to_ne_bytes());
        }
        if let Some(most) = self.sharing.most_bodies {
            report.extend(most.to_ne_bytes());
        }
        report
    }

    /// The shares that follow from the reports of all ranks.
    pub(crate) fn settle<'a>(&mut self, reports: impl ExactSizeIterator<Item = &'a [u8]>) -> Shares {
        let ranks = reports.len();
        let mut shares = Shares::equal(ranks);
        let mut speeds = Vec::new();
        for (mut report, most) in reports.zip(&mut shares.most) {
            if self.sharing.balancing == Balancing::Speed {
                let (speed, rest) = report.split_at(size_of::<f32>());
                speeds.push(f64::from(bytemuck::pod_read_unaligned::<f32>(speed)));
                report = rest;
            }
            if self.sharing.most_bodies.is_some() {
                *most = bytemuck::pod_read_unaligned(report);
            }
        }
        match self.sharing.balancing {
            Balancing::Work => {}
            Balancing::Speed => self.follow(&speeds),
            Balancing::Random(seed) => self.draw(seed, ranks),
        }
        if !self.shares.is_empty() {
            let weight = |share: &f64| (share * MEAN_WEIGHT).round().max(1.0) as u64;
            shares.weights = self.shares.iter().map(weight).collect();
        }
        shares
    }

    /// Draws shares of 1 to 8 parts for this number of ranks.
    fn draw(&mut self, seed: u64, ranks: usize) {
        self.drawn += 1;
        let part = |rank: usize| (1 + hash(hash(seed ^ self.drawn) ^ rank as u64) % 8) as f64;
        let parts: Vec<f64> = (0..ranks).map(part).collect();
        let mean = parts.iter().sum::<f64>() / ranks as f64;
        self.shares = parts.iter().map(|part| part / mean).collect();
    }

    /// Changes the shares if those in use are not good enough for the speeds of all ranks.
    fn follow(&mut self, speeds: &[f64]) {
        // A rank without measurements counts as one of median speed.
        let Some(typical) = median(speeds.iter().copied().filter(|speed| *speed > 0.0)) else { return };
        let speed = |speed: &f64| {
            let speed = if *speed > 0.0 { *speed } else { typical };
            speed.clamp(typical / EXTREME, typical * EXTREME)
        };
        let speeds: Vec<f64> = speeds.iter().map(speed).collect();
        let share = |rank: usize| self.shares.get(rank).copied().unwrap_or(1.0);
        let ranks = speeds.len() as f64;
        let mean = speeds.iter().sum::<f64>() / ranks;
        let slowest = speeds.iter().enumerate().map(|(rank, speed)| share(rank) * mean / speed);
        if slowest.fold(0.0, f64::max) > GOOD_ENOUGH {
            self.shares = speeds.iter().map(|speed| speed / mean).collect();
        }
    }
}

/// The median of positive numbers.
fn median(values: impl Iterator<Item = f64>) -> Option<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_unstable_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The shares after each rank has reported these measurements.
    fn shares(speeds: &mut [Speeds]) -> Vec<u64> {
        let reports: Vec<Vec<u8>> = speeds.iter().map(Speeds::report).collect();
        let all = speeds.iter_mut().map(|one| one.settle(reports.iter().map(Vec::as_slice)));
        let all: Vec<Shares> = all.collect();
        assert!(all.windows(2).all(|pair| pair[0] == pair[1]));
        all[0].weights.clone()
    }

    fn measured() -> Speeds {
        Speeds::new(Sharing { balancing: Balancing::Speed, most_bodies: None })
    }

    fn record(speeds: &mut [Speeds], rates: &[f64]) {
        for (one, rate) in speeds.iter_mut().zip(rates) {
            one.record(rate * 0.01, 0.01);
        }
    }

    #[test]
    fn shares_are_in_proportion_to_speed_whatever_the_work() {
        let mut speeds = vec![measured(); 4];
        assert_eq!(shares(&mut speeds), [1; 4]);
        record(&mut speeds, &[2e9, 1e9, 2e9, 3e9]);
        assert_eq!(shares(&mut speeds), [65_536, 32_768, 65_536, 98_304]);
        let mut alike = vec![Speeds::default(); 2];
        record(&mut alike, &[2e9, 1e9]);
        assert_eq!(shares(&mut alike), [1; 2]);
    }

    #[test]
    fn small_differences_and_single_disturbed_steps_change_nothing() {
        let mut speeds = vec![measured(); 3];
        for _ in 0..3 {
            record(&mut speeds, &[1.02e9, 1e9, 0.98e9]);
        }
        assert_eq!(shares(&mut speeds), [1; 3]);
        record(&mut speeds, &[1e9, 1e6, 1e9]);
        assert_eq!(shares(&mut speeds), [1; 3]);
        for _ in 0..3 {
            record(&mut speeds, &[1e9, 0.5e9, 1e9]);
        }
        let found = shares(&mut speeds);
        assert!(found[0].abs_diff(2 * found[1]) <= 1 && found[0] == found[2], "{found:?}");
        record(&mut speeds, &[1e9, 0.51e9, 0.99e9]);
        assert_eq!(shares(&mut speeds), found);
    }

    #[test]
    fn short_evaluations_are_added_up() {
        let mut speeds = vec![measured(); 2];
        for _ in 0..4 {
            speeds[0].record(2e6, 0.002);
            speeds[1].record(1e6, 0.002);
        }
        assert_eq!(speeds.iter().map(|one| one.recent.len()).collect::<Vec<_>>(), [1, 1]);
        let found = shares(&mut speeds);
        assert!(found[0].abs_diff(2 * found[1]) <= 1, "{found:?}");
    }

    #[test]
    fn a_rank_without_work_counts_as_the_others_and_none_loses_all() {
        let mut speeds = vec![measured(); 5];
        record(&mut speeds[1..], &[1e9, 1e9, 1.0, 1e15]);
        let found = shares(&mut speeds);
        assert!(found[0] == found[1] && found[1] == found[2], "{found:?}");
        let ratio = |a: u64, b: u64| a as f64 / b as f64;
        assert!((ratio(found[1], found[3]) - EXTREME).abs() < 0.1, "{found:?}");
        assert!((ratio(found[4], found[1]) - EXTREME).abs() < 0.1, "{found:?}");
    }
}
