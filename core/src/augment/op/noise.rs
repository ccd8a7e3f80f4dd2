//! Operations that add what a bad camera, a bad line or bad weather adds.
//!
//! Lists are handed on from macro to macro, until that of [`super`] makes types of all of them.

macro_rules! noise {
    ($then:ident $($rest:ident)* { $($before:tt)* }) => { $then! { $($rest)* { $($before)*

Noise {
    /// Adds normal noise to each value by itself.
    12 "gaussian_noise" GaussianNoise, leaks {
        /// Standard deviation in levels of 0 to 255.
        std: [f32; 2] = Value::Range([2.0, 10.0]), in 0, 255;
    }

    /// Makes pixels white or black, in all their channels.
    38 "salt_and_pepper" SaltAndPepper, leaks, plain {
        /// Share of the pixels that are changed.
        share: [f32; 2] = Value::Range([0.01, 0.06]), in 0, 1;
        /// Share of white among them.
        salt: [f32; 2] = Value::Range([0.4, 0.6]), in 0, 1;
    }
}

    } } };
}
