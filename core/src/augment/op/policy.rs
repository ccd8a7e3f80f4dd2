//! Policies: operations that choose others.
//!
//! Lists are handed on from macro to macro, until that of [`super`] makes types of all of them.

macro_rules! policy {
    ($then:ident $($rest:ident)* { $($before:tt)* }) => { $then! { $($rest)* { $($before)*

Policy {
    /// Some of fourteen operations, each as likely as the others, with one strength (RandAugment, Cubuk and others 2020).
    140 "rand_augment" RandAugment, leaks {
        /// Operations that are done, one after the other.
        count: u32 = Value::Count(2), in 0, 9;
        /// Their strength.
        magnitude: u32 = Value::Count(9), in 0, 30;
        /// What lies outside the image: reflect101, reflect, edge, wrap, or a value from 0 to 255.
        border: Border = Value::Border(Border::Constant(128)), in 0, 0;
        /// How values between pixels are found: nearest, bilinear, bicubic or bicubic75.
        interpolation: Interpolation = Value::Interpolation(Interpolation::Bilinear), in 0, 0;
    }

    /// One of fourteen operations with any strength, in wide ranges (TrivialAugmentWide, Müller and Hutter 2021).
    141 "trivial_augment_wide" TrivialAugmentWide, leaks {
        /// What lies outside the image: reflect101, reflect, edge, wrap, or a value from 0 to 255.
        border: Border = Value::Border(Border::Constant(128)), in 0, 0;
        /// How values between pixels are found: nearest, bilinear, bicubic or bicubic75.
        interpolation: Interpolation = Value::Interpolation(Interpolation::Bilinear), in 0, 0;
    }

    /// One of 25 pairs of operations that were found for ImageNet (AutoAugment, Cubuk and others 2019).
    142 "auto_augment_imagenet" AutoAugmentImagenet, leaks {
        /// What lies outside the image: reflect101, reflect, edge, wrap, or a value from 0 to 255.
        border: Border = Value::Border(Border::Constant(128)), in 0, 0;
        /// How values between pixels are found: nearest, bilinear, bicubic or bicubic75.
        interpolation: Interpolation = Value::Interpolation(Interpolation::Bilinear), in 0, 0;
    }

    /// One of 25 pairs of operations that were found for CIFAR-10 (AutoAugment, Cubuk and others 2019).
    143 "auto_augment_cifar10" AutoAugmentCifar10, leaks {
        /// What lies outside the image: reflect101, reflect, edge, wrap, or a value from 0 to 255.
        border: Border = Value::Border(Border::Constant(128)), in 0, 0;
        /// How values between pixels are found: nearest, bilinear, bicubic or bicubic75.
        interpolation: Interpolation = Value::Interpolation(Interpolation::Bilinear), in 0, 0;
    }

    /// One of 25 pairs of operations that were found for SVHN (AutoAugment, Cubuk and others 2019).
    144 "auto_augment_svhn" AutoAugmentSvhn, leaks {
        /// What lies outside the image: reflect101, reflect, edge, wrap, or a value from 0 to 255.
        border: Border = Value::Border(Border::Constant(128)), in 0, 0;
        /// How values between pixels are found: nearest, bilinear, bicubic or bicubic75.
        interpolation: Interpolation = Value::Interpolation(Interpolation::Bilinear), in 0, 0;
    }

    /// Mixes the image with what chains of operations make of it (AugMix, Hendrycks and others 2020). What belongs to the image
    /// stays where it is.
    145 "augmix" Augmix, leaks {
        /// The strongest of the operations; a draw of each goes from the weakest to this one.
        severity: u32 = Value::Count(3), in 1, 10;
        /// Chains.
        width: u32 = Value::Count(3), in 1, 3;
        /// Operations of each chain; 0 for one to three.
        depth: u32 = Value::Count(0), in 0, 3;
        /// Of the Dirichlet distribution of the chains' shares, and of the Beta distribution of that of all of them.
        alpha: [f32; 2] = Value::Range([1.0, 1.0]), in 0.01, 100;
        /// Whether brightness, colours, contrast and sharpness are changed, too.
        all: bool = Value::Flag(true), in 0, 0;
        /// What lies outside the image: reflect101, reflect, edge, wrap, or a value from 0 to 255.
        border: Border = Value::Border(Border::Constant(128)), in 0, 0;
        /// How values between pixels are found: nearest, bilinear, bicubic or bicubic75.
        interpolation: Interpolation = Value::Interpolation(Interpolation::Bilinear), in 0, 0;
    }
}

    } } };
}
