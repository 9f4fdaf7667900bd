//! The timesteps of all rungs of one full step. Bodies choose a rung and receive their kicks here.

use super::{FINEST, NEEDED_STEP, Needs, RATE, RUNGS, column};
use crate::cosmology::Expansion;
use crate::potential::Moment;
use decomposition::{Comm, Reduction};
use rayon::prelude::*;
use std::mem::take;
use treecode::Bodies;

/// Number of bodies per parallel task.
const SPAN: usize = 1 << 13;

/// Lower limit of the factor by which the needed timestep falls over the duration of the last step.
const GREATEST_FALL: f64 = 0.5;
/// The fall is extrapolated over at most 2^2 times the duration of the last step.
const GREATEST_DOUBLINGS: i32 = 2;

/// Timesteps of all rungs.
pub struct Ladder {
    /// Timestep of each rung [T], descending.
    lengths: [f64; RUNGS],
    /// The finest rung that bodies may use.
    finest: u8,
}

/// Factors of the half-kicks at one time.
pub struct Kicks {
    /// Factor of the acceleration, by rung.
    factors: [f64; RUNGS],
    /// Whether the steps end with these kicks.
    closes: bool,
}

/// Number of bodies on each rung, over all ranks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counts {
    of_rung: [u64; RUNGS],
    /// Number of bodies that need a finer rung than the finest in use.
    pub too_fast: u64,
}

impl Ladder {
    /// The rungs of a full step of this length [T]. No step is shorter than `smallest` [T], except
    /// that of rung 0.
    pub fn new(length: f64, smallest: f64) -> Ladder {
        let lengths = std::array::from_fn(|rung| length * 0.5f64.powi(rung as i32));
        let finest = lengths.partition_point(|&step| step >= smallest).clamp(1, RUNGS) - 1;
        Ladder { lengths, finest: finest as u8 }
    }

    /// Timestep of a rung [T].
    pub fn length(&self, rung: u8) -> f64 {
        self.lengths[usize::from(rung)]
    }

    /// The coarsest rung whose timestep does not exceed `wanted` [T].
    fn rung_of(&self, wanted: f64) -> u8 {
        self.lengths.partition_point(|&step| step > wanted) as u8
    }

    /// The coarsest rung whose timestep [T] is short enough at both of its ends. `needed` is the
    /// timestep that the body needs now. `before` is what it needed at the start of its last step,
    /// on rung `last`, or 0 if there was none.
    ///
    /// If the needed timestep falls, its fall is extrapolated to the end of the new step. An
    /// infalling body then uses the same timesteps as on its way out, and the energy error does not
    /// drift. See Hut, Makino & McMillan (1995, ApJ 443, L93), and for rungs Makino et al. (2006,
    /// New Astronomy 12, 124).
    fn rung_for_both_ends(&self, needed: f64, before: f64, last: u8) -> u8 {
        let mut rung = self.rung_of(needed);
        if before <= needed {
            return rung;
        }
        let over_last = (needed / before).max(GREATEST_FALL);
        let at_far_end = |rung: u8| {
            let over_step = match i32::from(last) - i32::from(rung) {
                doublings @ 0.. => over_last.powi(1 << doublings.min(GREATEST_DOUBLINGS)),
                halvings => (halvings..0).fold(over_last, |fall, _| fall.sqrt()),
            };
            needed * over_step
        };
        while usize::from(rung) < RUNGS && self.length(rung) > at_far_end(rung) {
            rung += 1;
        }
        rung
    }

    /// Factors of the first half-kicks of steps that begin at `time`, and with `closes` of the second
    /// half-kicks of steps that end then, by rung.
    pub fn kicks(&self, expansion: &Expansion, time: f64, closes: bool) -> Kicks {
        let begin = |half: f64| if closes { time - half } else { time };
        let factor = |length: f64| expansion.kick(begin(0.5 * length), 0.5 * length);
        Kicks { factors: self.lengths.map(factor), closes }
    }

    /// Half-kicks of the bodies on rung `least` and finer rungs. The second one also divides the change of
    /// acceleration by the timestep, which gives the rate of change.
    pub fn kick(&self, bodies: &mut Bodies, external: &Moment<'_>, least: u8, kicks: &Kicks) {
        let mut rates = take(column(bodies, RATE));
        let Bodies { vel: [u, v, w], acc: [x, y, z], change, rung, .. } = bodies;
        let velocities = (u.par_chunks_mut(SPAN), v.par_chunks_mut(SPAN), w.par_chunks_mut(SPAN));
        let accelerations = (x.par_chunks(SPAN), y.par_chunks(SPAN), z.par_chunks(SPAN));
        let others = (rates.par_chunks_mut(SPAN), change.par_chunks(SPAN), rung.par_chunks(SPAN));
        (velocities.into_par_iter(), accelerations.into_par_iter(), others.into_par_iter())
            .into_par_iter()
            .for_each(|((u, v, w), (x, y, z), (rates, change, rung))| {
                for i in (0..rung.len()).filter(|&i| rung[i] >= least) {
                    let factor = kicks.factors[usize::from(rung[i])];
                    u[i] += x[i] * factor;
                    v[i] += y[i] * factor;
                    w[i] += z[i] * factor;
                    if kicks.closes {
                        rates[i] = (f64::from(change[i]) / self.length(rung[i])) as f32;
                    }
                }
            });
        *column(bodies, RATE) = rates;
        external.kick(bodies, |rung| (rung >= least).then(|| kicks.factors[usize::from(rung)]));
    }

    /// Chooses the rungs of the bodies on rung `least` and finer rungs, whose steps end now. No
    /// step on a rung coarser than `least` can begin now. Returns the numbers of all bodies of all
    /// ranks. Collective.
    pub fn choose(&self, comm: &dyn Comm, needs: &Needs<'_>, bodies: &mut Bodies, least: u8) -> Counts {
        let (mut rungs, mut needed) = (take(&mut bodies.rung), take(column(bodies, NEEDED_STEP)));
        let rates = take(column(bodies, RATE));
        let spans = rungs.par_chunks_mut(SPAN).zip(needed.par_chunks_mut(SPAN)).enumerate();
        let counted = spans.map(|(span, (rungs, needed))| {
            let mut counts = [0; RUNGS + 1];
            for ((rung, needed), i) in rungs.iter_mut().zip(needed).zip(span * SPAN..) {
                if *rung >= least {
                    let step = needs.step(bodies, rates[i], i) as f32;
                    let before = f64::from(std::mem::replace(needed, step));
                    let wanted = self.rung_for_both_ends(f64::from(*needed), before, *rung);
                    counts[RUNGS] += u64::from(wanted > self.finest);
                    *rung = wanted.min(self.finest).max(least);
                }
                counts[usize::from(*rung)] += 1;
            }
            counts
        });
        let add = |mut a: [u64; RUNGS + 1], b: [u64; RUNGS + 1]| {
            a.iter_mut().zip(b).for_each(|(a, b)| *a += b);
            a
        };
        let mut counts = counted.reduce(|| [0; RUNGS + 1], add);
        bodies.rung = rungs;
        *column(bodies, NEEDED_STEP) = needed;
        *column(bodies, RATE) = rates;
        comm.all_reduce(&mut counts, Reduction::Sum);
        let [of_rung @ .., too_fast] = counts;
        let mut counts = Counts { of_rung, too_fast };
        if needs.adaptive.global {
            bodies.rung.fill(counts.finest());
            counts = Counts { too_fast, ..Counts::on_one(counts.finest(), counts.total()) };
        }
        counts
    }
}

impl Counts {
    /// Counts the bodies of all ranks. Collective.
    pub fn of(comm: &dyn Comm, bodies: &Bodies) -> Counts {
        let mut of_rung = [0; RUNGS];
        bodies.rung.iter().for_each(|&rung| of_rung[usize::from(rung).min(RUNGS - 1)] += 1);
        comm.all_reduce(&mut of_rung, Reduction::Sum);
        Counts { of_rung, too_fast: 0 }
    }

    /// All `bodies` on one rung.
    pub fn on_one(rung: u8, bodies: u64) -> Counts {
        let mut of_rung = [0; RUNGS];
        of_rung[usize::from(rung)] = bodies;
        Counts { of_rung, too_fast: 0 }
    }

    /// The finest rung with bodies.
    pub fn finest(&self) -> u8 {
        (0..=FINEST).rev().find(|&rung| self.of_rung[usize::from(rung)] > 0).unwrap_or(0)
    }

    /// Number of all bodies.
    pub fn total(&self) -> u64 {
        self.of_rung.iter().sum()
    }

    /// Number of bodies on rung `least` and finer rungs.
    pub fn at_least(&self, least: u8) -> u64 {
        self.of_rung[usize::from(least)..].iter().sum()
    }

    /// Number of bodies on each rung, up to the finest rung with bodies.
    pub fn rungs(&self) -> &[u64] {
        &self.of_rung[..=usize::from(self.finest())]
    }

    /// Mean number of bodies whose step ends in one step of the finest rung.
    pub fn per_finest_step(&self) -> f64 {
        let finest = i32::from(self.finest());
        let share = |(rung, &count): (usize, &u64)| count as f64 * 0.5f64.powi(finest - rung as i32);
        self.rungs().iter().enumerate().map(share).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cosmology::Pace;
    use crate::potential::External;
    use crate::stepping::{Adaptive, StepCriterion, add_columns};
    use decomposition::Solo;
    use treecode::Gravity;

    #[test]
    fn a_rung_is_the_coarsest_that_is_short_enough() {
        let ladder = Ladder::new(0.75, 0.0);
        for (wanted, rung) in
            [(f64::INFINITY, 0), (1.0, 0), (0.75, 0), (0.7, 1), (0.375, 1), (0.01, 7), (0.0, 41)]
        {
            assert_eq!(ladder.rung_of(wanted), rung, "{wanted}");
        }
        assert_eq!((ladder.finest, Ladder::new(1.0, 0.24).finest, Ladder::new(1.0, 3.0).finest), (40, 2, 0));
    }

    #[test]
    fn who_needs_less_and_less_gets_the_step_for_its_far_end() {
        let ladder = Ladder::new(1.0, 0.0);
        // Needed now, needed when the last step began, rung of the last step, and the expected
        // rung.
        for (needed, before, last, rung) in [
            (0.3, 0.0, 4, 2),     // no earlier step
            (0.3, 0.2, 2, 2),     // the needed timestep rises
            (0.3, 0.32, 2, 2),    // 0.28 at the far end of a step of 1/4
            (0.3, 0.4, 2, 3),     // 0.225 there; 0.26 after 1/8
            (0.3, 0.4, 1, 2),     // 0.26 after 1/4, half as long as the last step
            (0.3, 0.32, 4, 3),    // 0.23 after 1/4, four times as long; 0.26 after 1/8
            (0.3, 0.32, 7, 3),    // the limit of the extrapolation
            (0.13, 0.13e9, 3, 4), // falls by half at most
            (0.0, 1.0, 3, 41),
            (f64::INFINITY, f64::INFINITY, 0, 0),
        ] {
            assert_eq!(
                ladder.rung_for_both_ends(needed, before, last),
                rung,
                "{needed} after {before} on {last}"
            );
        }
    }

    #[test]
    fn a_body_goes_out_by_the_steps_that_it_came_in_with() {
        // The needed timestep is proportional to the distance on a straight line past a point.
        let needed = |time: f64| 0.05 * (time * time + 0.01).sqrt();
        let ladder = Ladder::new(0.125, 0.0);
        let (mut time, mut before, mut last, mut ends) = (-4.0, 0.0, 0, vec![-4.0]);
        while time < 4.0 {
            let now = needed(time);
            let mut rung = ladder.rung_for_both_ends(now, before, last);
            while (time / ladder.length(rung)).fract() != 0.0 {
                rung += 1;
            }
            (time, before, last) = (time + ladder.length(rung), now, rung);
            ends.push(time);
        }
        let back: Vec<f64> = ends.iter().rev().map(|time| -time).collect();
        let differ = ends.iter().filter(|end| !back.contains(end)).count();
        assert!(ends.len() > 200 && differ == 0, "{differ} of {} ends differ", ends.len());
    }

    #[test]
    fn bodies_get_the_rung_that_they_need_where_it_can_begin() {
        let adaptive = Adaptive {
            global: false,
            criterion: StepCriterion::Both,
            eta: 0.02,
            eta_rate: 0.1,
            smallest: 1e-3,
        };
        let mut gravity = Gravity::default();
        gravity.softening.length[1] = 0.04;
        // sqrt(2 * 0.02 * 0.04 / |a|) is 0.04 / sqrt |a|; 0.1 sqrt(2 / rate).
        let mut bodies = Bodies::zeroed(6);
        add_columns(&mut bodies);
        bodies.acc[1] = vec![1.0, 4.0, 0.0, 1.0, 1e9, 1.0];
        bodies.pot.fill(-4.0);
        *column(&mut bodies, RATE) = vec![0.0, 0.0, 0.0, 200.0, 0.0, 8.0];
        let all = |adaptive: &Adaptive, bodies: &mut Bodies, least| {
            let (external, pace) = (External::default(), Pace::default());
            let needs = Needs { adaptive, gravity: &gravity, external: &external.at(0.0), pace };
            let counts = Ladder::new(1.0, adaptive.smallest).choose(&Solo, &needs, bodies, least);
            (bodies.rung.clone(), counts)
        };
        let (rungs, counts) = all(&adaptive, &mut bodies, 0);
        assert_eq!(rungs, [5, 6, 0, 7, 9, 5]);
        assert_eq!((counts.too_fast, counts.finest(), counts.at_least(6), counts.total()), (1, 9, 3, 6));
        assert_eq!(counts.per_finest_step(), 1.0 + 0.25 + 0.125 + 2.0 / 16.0 + 1.0 / 512.0);
        bodies.acc[1] = vec![1e-6; 6];
        column(&mut bodies, RATE).fill(0.0);
        assert_eq!(all(&adaptive, &mut bodies, 6).0, [5, 6, 0, 6, 6, 5]);
        bodies.acc[1][4] = 1.0;
        column(&mut bodies, NEEDED_STEP).fill(0.0); // as if nothing were known of before
        let global = Adaptive { global: true, ..adaptive };
        assert_eq!(all(&global, &mut bodies, 0).0, [5; 6]);
    }
}
