//! Where the content of an image goes through all that is done to it.

use super::action::Action;
use super::run::tiles;
use crate::error::{Error, Result};
use crate::image::{Bent, Bounds, Edge, Index, Movement, Tiles};

/// A part of the way.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Leg {
    Straight(Movement),
    Bent(Bent),
    Shuffled(Tiles),
}

impl Leg {
    fn point(&self, place: Index) -> Option<Index> {
        match self {
            Self::Straight(movement) => movement.point(place),
            Self::Bent(bent) => Some(bent.shown(place)),
            Self::Shuffled(tiles) => Some(tiles.point(place)),
        }
    }
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
            Action::Tiles { cells, seed } => Leg::Shuffled(tiles(*cells, *seed, size)?),
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
        through(&self.legs, place.into())
    }

    /// Whether left and right change sides, at the place `at`: what the pairs of keypoints are swapped for.
    pub fn mirrors(&self, at: impl Into<Index>) -> bool {
        let (mut mirrors, mut at) = (false, at.into());
        for leg in &self.legs {
            if let Leg::Straight(movement) = leg {
                mirrors ^= movement.mirrors(at);
            }
            at = leg.point(at).unwrap_or(at);
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

    /// The smallest upright box around what a box becomes; where its sides are bent, around sixteen points of each, and where
    /// tiles change places, of the part in the tile in which its middle lies.
    pub fn bounds(&self, bounds: &Bounds) -> Option<Bounds> {
        let (mut bounds, mut rest) = (*bounds, self.legs.as_slice());
        while let Some(leg) = rest.first() {
            if let Leg::Shuffled(tiles) = leg {
                bounds = tiles.bounds(&bounds);
                rest = rest.get(1..).unwrap_or(&[]);
                continue;
            }
            let together = rest.iter().take_while(|leg| !matches!(leg, Leg::Shuffled(_))).count();
            let legs = rest.get(..together).unwrap_or(rest);
            let moved = |place: Edge| through(legs, place.into()).map(Edge::from);
            bounds = match legs {
                [Leg::Straight(movement)] => movement.bounds(&bounds)?,
                _ => Bounds::of_points(bounds.outline::<POINTS>().map(moved))?,
            };
            rest = rest.get(together..).unwrap_or(&[]);
        }
        Some(bounds)
    }
}

/// Where all of `legs` lead from a place; `None` for what comes to lie behind the eye.
fn through(legs: &[Leg], place: Index) -> Option<Index> {
    legs.iter().try_fold(place, |place, leg| leg.point(place))
}
