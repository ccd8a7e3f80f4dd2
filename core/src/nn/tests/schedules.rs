//! Schedules against PyTorch and the formula in double precision, and what they refuse.

use super::super::{RateDecay, Schedule};
use crate::error::Error;
use proptest::prelude::*;
use std::vec::Vec;

fn close(schedule: Schedule, total: u64, want: &[f32]) {
    let got: Vec<f32> = (1..=want.len() as u64).map(|t| schedule.rate(1.0, t, total).unwrap()).collect();
    assert!(got.iter().zip(want).all(|(g, w)| (g - w).abs() <= 1e-6 * w), "{schedule:?}: {got:?} {want:?}");
}

/// From PyTorch 2.15, with a learning rate of 1: `CosineAnnealingLR(o, 8, eta_min=0.1)`; `SequentialLR` of
/// `LinearLR(o, 0.25, 1, total_iters=3)` and, from the fourth step on, `CosineAnnealingLR(o, 6)`; `StepLR(o, 3, 0.5)`.
#[test]
fn rates_are_those_of_pytorch() {
    let want = [1.0, 0.965_745_8, 0.868_198_04, 0.722_207_55, 0.55, 0.377_792_45, 0.231_801_94, 0.134_254_22];
    close(Schedule::cosine(0.1), 8, &want);
    let want = [0.25, 0.5, 0.75, 1.0, 1.0, 0.933_012_7, 0.75, 0.5, 0.25, 0.066_987_3];
    close(Schedule::cosine(0.0).warm_up(4), 10, &want);
    close(Schedule::steps(3, 0.5), 10, &[1.0, 1.0, 1.0, 0.5, 0.5, 0.5, 0.25, 0.25, 0.25, 0.125]);
    close(Schedule::constant().warm_up(2), 4, &[0.5, 1.0, 1.0, 1.0]);
}

proptest! {
    #[test]
    fn a_cosine_is_one(total in 1u64..100_000, at in 0f64..1.0, floor in 0f32..=1.0, warm_up in 0u64..50) {
        let t = 1 + (at * total as f64) as u64;
        let got = Schedule::cosine(floor).warm_up(warm_up).rate(0.01, t, total).unwrap();
        let floor = f64::from(floor);
        let want = if t <= warm_up {
            t as f64 / warm_up as f64
        } else {
            let share = (t - 1 - warm_up) as f64 / (total - warm_up) as f64;
            floor + (1.0 - floor) * 0.5 * (1.0 + (core::f64::consts::PI * share).cos())
        };
        prop_assert!((f64::from(got) / 0.01 - want).abs() <= 1e-6 * want.max(1e-6), "{got} {want}");
    }

    #[test]
    fn any_step_has_a_rate(t in 1u64.., total in 1u64.., every in 1u64.., factor in 1e-30f32..=1.0, warm_up: u64) {
        let all = [
            Schedule::constant(),
            Schedule::cosine(0.0),
            Schedule::steps(every, factor),
            Schedule::steps(1, factor),
        ];
        for schedule in all {
            for schedule in [schedule, schedule.warm_up(warm_up)] {
                let rate = schedule.rate(0.1, t, total).unwrap();
                prop_assert!((f32::MIN_POSITIVE..=0.1).contains(&rate), "{schedule:?} {rate}");
                prop_assert_eq!(schedule.rate(0.1, total, total), schedule.rate(0.1, u64::MAX, total));
            }
        }
    }
}

#[test]
fn what_is_no_schedule_is_refused() {
    let nan = f32::NAN;
    for bad in [
        Schedule::cosine(-0.1),
        Schedule::cosine(1.1),
        Schedule::cosine(nan),
        Schedule::steps(0, 0.5),
        Schedule::steps(1, 0.0),
        Schedule::steps(1, 1.1),
        Schedule::steps(1, nan),
    ] {
        assert_eq!(bad.rate(0.1, 1, 10), Err(Error::InvalidArgument), "{bad:?}");
    }
    let constant = Schedule { warm_up: 0, then: RateDecay::Constant };
    assert_eq!(constant, Schedule::constant());
    for (rate, t, total) in [(0.1, 0, 10), (0.1, 1, 0), (0.0, 1, 10), (nan, 1, 10), (f32::INFINITY, 1, 10)] {
        assert_eq!(constant.rate(rate, t, total), Err(Error::InvalidArgument));
    }
}
