//! The C ABI.
#![no_std]
