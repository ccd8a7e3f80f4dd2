//! The one error type: small, `Copy`, without text, with a number that never changes.

use core::fmt;

/// The errors: each has its number and its sentence, and none is left out of [`Error::ALL`].
macro_rules! errors {
    ($($(#[$meta:meta])* $name:ident = $code:literal, $sentence:literal;)*) => {
        /// Why a call was refused. On error the output is untouched, unless the operation says otherwise.
        ///
        /// The discriminants are the status codes of the C ABI; numbers are never reused.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        #[repr(i32)]
        pub enum Error {
            $($(#[$meta])* $name = $code,)*
        }

        impl Error {
            /// Every error, in the order of their numbers.
            pub const ALL: &[Error] = &[$(Error::$name),*];

            /// One English sentence without a full stop.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Error::$name => $sentence,)*
                }
            }
        }
    };
}

errors! {
    /// An output slice is shorter than the operation's result.
    BufferTooSmall = 1, "output buffer is too small";
    /// A parameter lies outside its documented range.
    InvalidArgument = 2, "argument is out of range";
    /// Two inputs, or an input and an output, disagree in shape.
    ShapeMismatch = 3, "shapes do not match";
    /// A size or a product of sizes does not fit `usize`.
    Overflow = 4, "size does not fit the address space";
    /// A NaN or an infinity where only finite values have a meaning.
    NotFinite = 5, "value is not finite";
    /// A valid request that this build or this type of element does not serve.
    Unsupported = 6, "operation is not supported for this input";
    /// The scratch memory is smaller than the matching `scratch_len` says.
    ScratchTooSmall = 7, "scratch memory is too small";
    /// A fixed-capacity container is full.
    CapacityExceeded = 8, "fixed capacity is exceeded";
    /// Bytes read from outside are damaged, cut off, or not what they claim to be.
    BadData = 9, "data is damaged";
    /// Bytes read from outside have a version that this build does not know.
    UnsupportedVersion = 10, "data has an unknown version";
    /// There are too few samples for the operation.
    TooFewSamples = 11, "too few samples";
}

/// The result of everything that can fail.
pub type Result<T, E = Error> = core::result::Result<T, E>;

impl Error {
    /// The stable number of this error, the status code of the C ABI.
    pub const fn code(self) -> i32 {
        self as i32
    }
}

impl fmt::Display for Error {
    #[cold]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl core::error::Error for Error {}
