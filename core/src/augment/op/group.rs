//! Groups of operations.
//!
//! Lists are handed on from macro to macro, until that of [`super`] makes types of all of them.

macro_rules! group {
    ($then:ident $($rest:ident)* { $($before:tt)* }) => { $then! { $($rest)* { $($before)*

Group {
    /// Does some of its members, which are the steps that follow it: as many as are drawn, each as likely as the others.
    23 "some_of" SomeOf {
        /// Steps that belong to it; each may be such a group, with members of its own.
        members: u32 = Value::Count(1), in 1, 16;
        /// Members that are done at least.
        least: u32 = Value::Count(0), in 0, 16;
        /// Members that are done at most.
        most: u32 = Value::Count(0), in 0, 16;
        /// Whether in any order, where more than one may be done, or in that in which they follow.
        any_order: bool = Value::Flag(false), in 0, 0;
    }
}

    } } };
}
