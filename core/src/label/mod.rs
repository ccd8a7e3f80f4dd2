//! Suspected wrong labels: confident learning.
