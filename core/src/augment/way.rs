//! Where the content of an image goes through all that is done to it.

use super::action::Action;
use crate::error::{Error, Result};
use crate::image::{Bent, Bounds, Edge, Index, Movement};

/// A part of the way.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Leg {
    Straight(Movement),
    Bent(Bent),
}

/// Where the content of an image goes: for points, and for boxes and other figures by their points.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Way<const N: usize> {
    legs: heapless::Vec<Leg, N>,
}

/// Points of each side of a box that is bent.
const POINTS: usize = 16;

impl<const N: usize> Way<N> {
    /// Where everything stays.
    pub(super) const fn new() -> Self {
        Self { legs: heapless::Vec::new() }
    }

    /// The way through an image of `size` = (height, width) to which `action` is done, too.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for a map that has no opposite, [`Error::CapacityExceeded`].
    pub(super) fn push(&mut self, action: &Action, size: (usize, usize)) -> Result<()> {
        let leg = match action {
            Action::Bend { bend, .. } => Leg::Bent(Bent::new(bend, size)?),
            action => match action.map() {
                Some(map) => Leg::Straight(Movement::of(map)?),
                None => return Ok(()),
            },
        };
        match (self.legs.last_mut(), leg) {
            (Some(Leg::Straight(last)), Leg::Straight(next)) => *last = last.then(&next),
            _ => self.legs.push(leg).map_err(|_| Error::CapacityExceeded)?,
        }
        Ok(())
    }

    /// Where a place goes; `None` for what comes to lie behind the eye.
    pub fn point(&self, place: impl Into<Index>) -> Option<Index> {
        self.legs.iter().try_fold(place.into(), |place, leg| match leg {
            Leg::Straight(movement) => movement.point(place),
            Leg::Bent(bent) => Some(bent.shown(place)),
        })
    }

    /// Whether left and right change sides, at the place `at`: what the pairs of keypoints are swapped for.
    pub fn mirrors(&self, at: impl Into<Index>) -> bool {
        let (mut mirrors, mut at) = (false, at.into());
        for leg in &self.legs {
            let next = match leg {
                Leg::Straight(movement) => {
                    mirrors ^= movement.mirrors(at);
                    movement.point(at)
                }
                Leg::Bent(bent) => Some(bent.shown(at)),
            };
            at = next.unwrap_or(at);
        }
        mirrors
    }

    /// The corners of an oriented box, or of any figure, one by one; `None` where one comes to lie behind the eye.
    pub fn corners<const M: usize>(&self, corners: [Edge; M]) -> Option<[Edge; M]> {
        let mut moved = corners;
        for to in &mut moved {
            *to = self.point(*to)?.into();
        }
        Some(moved)
    }

    /// The smallest upright box around what a box becomes; where its sides are bent, around sixteen points of each.
    pub fn bounds(&self, bounds: &Bounds) -> Option<Bounds> {
        match self.legs.as_slice() {
            [] => Some(*bounds),
            [Leg::Straight(movement)] => movement.bounds(bounds),
            _ => Bounds::of_points(bounds.outline::<POINTS>().map(|place| self.point(place).map(Edge::from))),
        }
    }
}
