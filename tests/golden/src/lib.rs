//! Golden hashes.
#![no_std]
