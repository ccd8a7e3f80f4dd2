//! seedbed.
#![no_std]
