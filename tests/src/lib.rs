//! What spans packages is tested here; see the files beside this one.

/// The README, whose program is compiled and run as a doctest.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
pub struct Readme;
