//! Groups of steps: a step of the kind [`Op::SomeOf`] does some of those that follow it, its members, each of which may
//! be a group again.

use super::draw::Drawn;
use super::op::Op;
use super::pipeline::{Shape, Step};
use crate::error::{Error, Result};
use crate::rng::Stream;

/// The most members of a group.
pub const MOST_MEMBERS: usize = 16;

/// How deep groups may lie in groups.
const DEEPEST: usize = 4;

/// The members of a group that are done, in the order in which they are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(try_from = "List", into = "List"))]
pub struct Members {
    /// Four bits for each, the first one lowest.
    order: u64,
    count: u8,
}

type List = heapless::Vec<u8, MOST_MEMBERS>;

impl TryFrom<List> for Members {
    type Error = Error;

    fn try_from(list: List) -> Result<Self> {
        if list.iter().any(|&member| usize::from(member) >= MOST_MEMBERS) {
            return Err(Error::InvalidArgument);
        }
        let order = list.iter().rev().fold(0, |order, member| order << 4 | u64::from(*member));
        Ok(Self { order, count: list.len() as u8 })
    }
}

impl From<Members> for List {
    fn from(members: Members) -> Self {
        members.iter().map(|member| member as u8).collect()
    }
}

impl Members {
    /// Their places among the members, from 0.
    pub fn iter(self) -> impl Iterator<Item = usize> {
        (0..self.count).map(move |i| (self.order >> (4 * u32::from(i)) & 15) as usize)
    }

    /// From `least` to `most` of `members`, every number and every choice as likely as the others.
    pub(super) fn draw(stream: &mut Stream, members: u32, least: u32, most: u32, any_order: bool) -> Self {
        let members = (members as usize).min(MOST_MEMBERS);
        let count = (least as usize + stream.index((most.saturating_sub(least) + 1) as usize)).min(members);
        // The first steps of a Fisher-Yates shuffle.
        let mut all: [u8; MOST_MEMBERS] = core::array::from_fn(|i| i as u8);
        for i in 0..count {
            if let Ok([a, b]) = all.get_disjoint_mut([i, i + stream.index(members - i)]) {
                core::mem::swap(a, b);
            }
        }
        let chosen = all.get(..count).unwrap_or(&[]).iter().copied();
        let put = |order: u64, member: u8| order << 4 | u64::from(member);
        let order = if any_order {
            chosen.rev().fold(0, put)
        } else {
            let set = chosen.fold(0u32, |set, member| set | 1 << member);
            (0..MOST_MEMBERS as u8).rev().filter(|member| set >> member & 1 == 1).fold(0, put)
        };
        Self { order, count: count as u8 }
    }
}

/// How many of `steps` the first one is with its members; errors as those of [`list`].
fn span(steps: &[Step]) -> Result<usize> {
    // Steps that the groups around still want.
    let mut wanted = heapless::Vec::<u32, DEEPEST>::new();
    for (i, step) in steps.iter().enumerate() {
        if let Some(last) = wanted.last_mut() {
            *last -= 1;
        }
        if let Op::SomeOf { members, .. } = step.op {
            wanted.push(members).map_err(|_| Error::InvalidArgument)?;
        }
        while wanted.last() == Some(&0) {
            wanted.pop();
        }
        if wanted.is_empty() {
            return Ok(i + 1);
        }
    }
    Err(Error::InvalidArgument)
}

/// The steps of a list one after the other: the place of each, and the step with its members.
///
/// # Errors
/// [`Error::InvalidArgument`], as the last item, where members are missing or groups lie too deep in each other.
pub fn list(steps: &[Step]) -> impl Iterator<Item = Result<(usize, &[Step])>> {
    let mut at = 0;
    core::iter::from_fn(move || {
        let rest = steps.get(at..).filter(|rest| !rest.is_empty())?;
        let first = at;
        let one = span(rest).and_then(|n| rest.get(..n).ok_or(Error::InvalidArgument));
        at = one.as_ref().map_or(steps.len(), |one| at + one.len());
        Some(one.map(|one| (first, one)))
    })
}

/// The shape after all of a list, which does not depend on what is drawn. `each` sees every step that is no group with
/// the shape that it gets.
pub(super) fn shapes(steps: &[Step], shape: Shape, each: &mut impl FnMut(&Step, Shape)) -> Result<Shape> {
    list(steps).try_fold(shape, |shape, one| after(one?.1, shape, each))
}

fn after(one: &[Step], shape: Shape, each: &mut impl FnMut(&Step, Shape)) -> Result<Shape> {
    let Some((step, inner)) = one.split_first() else { return Ok(shape) };
    let Op::SomeOf { members, least, most, any_order } = step.op else {
        each(step, shape);
        return step.out_shape(shape);
    };
    let out = if least == members && !any_order {
        shapes(inner, shape, each)?
    } else {
        // Whichever is drawn, the shape after it is the same; and where it is not one alone, that from before.
        let mut out = (least != 1 || most != 1).then_some(shape);
        for member in list(inner) {
            let now = after(member?.1, shape, each)?;
            if *out.get_or_insert(now) != now {
                return Err(Error::InvalidArgument);
            }
        }
        out.unwrap_or(shape)
    };
    if out != shape && step.p < 1.0 { Err(Error::InvalidArgument) } else { Ok(out) }
}

/// Goes through all steps of a list that are done, in their order. `each` gets every step with its place in the pipeline,
/// `base` for the first, and tells what it has drawn.
pub(super) fn walk(
    steps: &[Step],
    base: usize,
    each: &mut impl FnMut(usize, &Step) -> Result<Drawn>,
) -> Result<()> {
    for one in list(steps) {
        let (at, one) = one?;
        let Some((step, inner)) = one.split_first() else { continue };
        let Drawn::Members(members) = each(base + at, step)? else { continue };
        for member in members.iter() {
            let (place, member) = list(inner).nth(member).ok_or(Error::InvalidArgument)??;
            walk(member, base + at + 1 + place, each)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
