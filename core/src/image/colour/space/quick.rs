//! Powers as exact as 8-bit values need them, by polynomials that were fitted for this module, without a division.
//!
//! A root of v comes from y, a guess of 1 over it from a part of the bits of v, and from how far v · yⁿ is from 1, e: it is
//! v · yⁿ⁻¹ · (1 − e)^(1/n − 1), and e is small.

/// The cube root within 6 · 10⁻⁷ of it, from 0.008 up to 1.1.
#[inline(always)]
pub(super) fn root(v: f32) -> f32 {
    // A third of the upper half of the bits as 16 fractional ones.
    let y = f32::from_bits(1_419_881_221 - (v.to_bits() >> 16) * 21_845);
    let square = y * y;
    let e = 1.0 - v * (square * y);
    let p = 0.460_674_82;
    let p = p * e + 0.499_859_6;
    let p = p * e + 0.555_513_4;
    let p = p * e + 0.666_649_6;
    let p = p * e + 1.0;
    v * square * p
}

/// The value of sRGB of a share of light, within 0.003 of a level of 255.
#[inline(always)]
pub(super) fn encode(v: f32) -> f32 {
    // The fourth root of 0.003 up to 1; smaller ones are not needed.
    let high = crate::math::max(v, 0.003);
    let y = f32::from_bits(1_331_163_082 - ((high.to_bits() >> 16) << 14));
    let square = y * y;
    let e = 1.0 - high * (square * square);
    let p = 0.579_080_4;
    let p = p * e + 0.612_779_3;
    let p = p * e + 0.656_133_53;
    let p = p * e + 0.749_953_5;
    let p = p * e + 1.0;
    let s = high * (square * y) * p;
    // 1.055 · s^(5/3) − 0.055.
    let p = -0.068_315_63;
    let p = p * s + 0.290_079_27;
    let p = p * s + -0.578_164_34;
    let p = p * s + 1.255_810_7;
    let p = p * s + 0.161_911_28;
    let p = p * s + -0.061_327_93;
    if v > 0.003_130_8 { p } else { v * 12.92 }
}

/// The share of light of a value of sRGB, so exact that L\*, a\* and b\* are within 0.002 of a level of 255.
#[inline(always)]
pub(super) fn decode(v: f32) -> f32 {
    let p = 0.102_352_1;
    let p = p * v + -0.414_247_1;
    let p = p * v + 0.727_116_6;
    let p = p * v + -0.785_313_07;
    let p = p * v + 0.847_247_2;
    let p = p * v + 0.486_752_45;
    let p = p * v + 0.035_246_976;
    let p = p * v + 0.000_855_372_1;
    if v > 0.04045 { p } else { v * (1.0 / 12.92) }
}
