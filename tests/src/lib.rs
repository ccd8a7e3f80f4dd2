//! What spans packages is tested here; see the files beside this one.
