//! The one error type: small, `Copy`, without text, with a number that never changes.

use core::fmt;

/// Why a call was refused. On error the output is untouched, unless the operation says otherwise.
///
/// The discriminants are the status codes of the C ABI; numbers are never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[repr(i32)]
pub enum Error {
    /// An output slice is shorter than the operation's result.
    BufferTooSmall = 1,
    /// A parameter lies outside its documented range.
    InvalidArgument = 2,
    /// Two inputs, or an input and an output, disagree in shape.
    ShapeMismatch = 3,
    /// A size or a product of sizes does not fit `usize`.
    Overflow = 4,
    /// A NaN or an infinity where only finite values have a meaning.
    NotFinite = 5,
    /// A valid request that this build or this type of element does not serve.
    Unsupported = 6,
    /// The scratch memory is smaller than the matching `scratch_len` says.
    ScratchTooSmall = 7,
    /// A fixed-capacity container is full.
    CapacityExceeded = 8,
    /// Bytes read from outside are damaged, cut off, or not what they claim to be.
    BadData = 9,
    /// Bytes read from outside have a version that this build does not know.
    UnsupportedVersion = 10,
    /// There are too few samples for the operation.
    TooFewSamples = 11,
}

/// The result of everything that can fail.
pub type Result<T, E = Error> = core::result::Result<T, E>;

impl Error {
    /// The stable number of this error, the status code of the C ABI.
    pub const fn code(self) -> i32 {
        self as i32
    }

    /// One English sentence without a full stop.
    pub const fn as_str(self) -> &'static str {
        match self {
            Error::BufferTooSmall => "output buffer is too small",
            Error::InvalidArgument => "argument is out of range",
            Error::ShapeMismatch => "shapes do not match",
            Error::Overflow => "size does not fit the address space",
            Error::NotFinite => "value is not finite",
            Error::Unsupported => "operation is not supported for this input",
            Error::ScratchTooSmall => "scratch memory is too small",
            Error::CapacityExceeded => "fixed capacity is exceeded",
            Error::BadData => "data is damaged",
            Error::UnsupportedVersion => "data has an unknown version",
            Error::TooFewSamples => "too few samples",
        }
    }
}

impl fmt::Display for Error {
    #[cold]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl core::error::Error for Error {}
