//! Operations that make a pixel of those around it.
//!
//! Lists are handed on from macro to macro, until that of [`super`] makes types of all of them.

macro_rules! neighbourhood {
    ($then:ident $($rest:ident)* { $($before:tt)* }) => { $then! { $($rest)* { $($before)*

Neighbourhood {
    /// Blurs with a Gaussian.
    13 "gaussian_blur" GaussianBlur, leaks {
        /// Standard deviation in pixels.
        sigma: [f32; 2] = Value::Range([0.3, 1.0]), in 0.05, 32;
    }

    /// Replaces each value by the mean of the square around it.
    21 "box_blur" BoxBlur, leaks {
        /// Pixels of the square on either side of its middle.
        radius: u32 = Value::Count(1), in 0, 96;
    }
}

    } } };
}
