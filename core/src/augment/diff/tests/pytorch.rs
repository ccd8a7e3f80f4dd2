//! Against PyTorch 2.15 in double precision: its `conv_transpose2d`, `affine_grid`, `grid_sample`, `conv2d` and reflecting `pad`
//! (and NumPy's, where a picture is mirrored more than once), put together by the formulas of the papers and of what was published
//! with them. Map and matrices are those that the tests of what is drawn have figures of.

use super::super::*;
use super::{applied, simply, to_pixels};
use crate::Level;
use crate::nn::tests::quarters;

fn near(got: &[f32], want: &[f32]) {
    assert_eq!(got.len(), want.len());
    for (i, (g, w)) in got.iter().zip(want).enumerate() {
        assert!((g - w).abs() < 4e-6, "{i}: {g} {w}");
    }
}

#[test]
fn scaled_rotated_stretched_and_moved() {
    let (of, x) = (Pictures::planes(8, 8, 1), quarters(64, 7, 11, 5));
    let map = [[0.509_387_4, 0.553_782_86, -0.413_001_34], [-0.705_237_1, 0.489_709_34, 1.137_177_5]];
    near(&applied(Level::BASE, of, AdaChange { map, ..AdaChange::default() }, &x), &MOVED);

    let (of, x) = (Pictures::planes(5, 6, 3), quarters(90, 7, 11, 5));
    let map = [[0.422_171_72, 1.364_766_4, -1.384_416_7], [1.364_766_4, -0.422_171_72, 0.325_465_92]];
    let drawn = AdaChange { map, ..AdaChange::default() };
    near(&applied(Level::BASE, of, drawn, &x), &MOVED_COLOURS);
    let pixels = applied(Level::BASE, Pictures { planes: false, ..of }, drawn, &to_pixels(of, &x));
    near(&pixels, &to_pixels(of, &MOVED_COLOURS));
}

#[test]
fn bands_of_frequencies() {
    let (of, x) = (Pictures::planes(8, 8, 1), quarters(64, 7, 11, 5));
    let gains = [0.928_571_4, 1.857_142_9, 0.928_571_4, 0.464_285_7];
    near(&applied(Level::BASE, of, AdaChange { gains, ..AdaChange::default() }, &x), &FILTERED);
}

#[test]
fn colours_of_pixels_and_of_greys() {
    let [a, b, c] = [-0.118_565_1, -1.020_611, -0.260_824_1];
    let colours = [[a, b, c, -0.21], [c, a, b, -0.21], [b, c, a, -0.21]];
    let drawn = AdaChange { colours, ..AdaChange::default() };
    let x = [0.5, -1.0, 0.25, 1.0];
    let sum = |p: f32, q: f32, r: f32| 0.5 * p - q + 0.25 * r - 0.21;
    let want = [sum(a, b, c), sum(c, a, b), sum(b, c, a)];
    near(&applied(Level::BASE, Pictures::interleaved(1, 1, 3), drawn, &x[..3]), &want);
    near(&applied(Level::BASE, Pictures::planes(1, 1, 3), drawn, &x[..3]), &want);
    // A fourth channel is no colour.
    near(&applied(Level::BASE, Pictures::planes(1, 1, 4), drawn, &x), &[want[0], want[1], want[2], 1.0]);
    // Means of the matrix's rows: −1.4 and −0.21.
    let grey = [-0.91, 1.19, -0.56, -1.61];
    near(&applied(Level::BASE, Pictures::planes(2, 2, 1), drawn, &x), &grey);
    near(&applied(Level::BASE, Pictures::interleaved(1, 2, 2), drawn, &x), &grey);
}

#[test]
fn brightness_saturation_contrast_translation_and_cutout() {
    let (of, x) = (Pictures::planes(4, 5, 3), quarters(60, 7, 11, 5));
    let hole = crate::image::Rect { top: 2, left: 1, height: 2, width: 2 };
    let drawn = DiffChange { brightness: 0.3, saturation: 1.6, contrast: 0.7, shift: [1, -1], hole };
    near(&simply(Level::BASE, of, drawn, &x), &SIMPLE);
    let pixels = simply(Level::BASE, Pictures { planes: false, ..of }, drawn, &to_pixels(of, &x));
    near(&pixels, &to_pixels(of, &SIMPLE));
}

const MOVED: [f32; 64] = [
    -0.59323, 0.034_528, -0.657_097, 0.510_437, 1.294_501, -0.08473, -0.975_091, 0.128_636, 0.271_625,
    -0.452_858, -1.300_675, -0.222_586, 0.296_373, -0.679_299, -1.092_469, -0.313_474, -0.246_804,
    -0.951_742, -0.006_561, 0.578_136, -0.423_714, -0.767_634, 0.149_712, 0.649_266, -0.570_161, 0.364_229,
    0.964_445, 0.206_622, -0.531_993, 0.642_495, 0.927_027, 0.220_358, 0.627_641, 1.322_762, 0.482_808,
    -0.506_345, -0.312_144, 1.48468, 0.538_806, -0.540_913, 1.12102, 0.649_175, -0.223_467, -1.024_424,
    -0.910_159, 0.492_766, -0.235_337, -0.993_265, 0.320_933, -0.336_053, -0.741_765, -0.490_821, 0.357_805,
    0.133_408, -0.823_408, -0.393_589, -0.710_874, -1.153_729, -0.332_463, 0.792_623, 0.751_684, -0.445_781,
    -0.038_453, 0.955_437,
];

const MOVED_COLOURS: [f32; 90] = [
    0.572_429, 0.027_477, 0.538_026, 0.420_329, -0.340_361, 0.47026, -0.552_843, 0.047_538, -0.159_858,
    -0.249_161, -0.281_344, -0.06342, 0.666_345, 0.080_129, 0.149_492, -0.076_904, 0.506_982, 0.70268,
    -0.110_971, -0.413_166, -0.02847, 0.575_224, -0.53368, -0.596_758, 0.45478, 0.608_523, 0.552_666,
    -0.696_518, 0.22095, 0.21579, -0.367_821, -0.357_439, -0.268_928, -0.1112, -0.454_098, 0.626_391,
    -0.020_835, 0.313_163, 0.22231, -0.468_749, -0.475_973, 0.133_462, 0.930_678, 0.305_604, 0.25439,
    -0.379_028, 0.147_561, -0.217_191, -0.524_169, -0.084_208, -0.556_334, 0.198_214, 0.007_576, -0.235_937,
    0.030_994, -0.012_477, 0.45175, -0.251_043, 0.408_717, 0.480_056, -0.228_352, -0.027_817, 0.037_237,
    0.145_971, -0.126_334, 0.072_978, 0.314_018, 0.097_812, 0.168_673, -0.176_919, -0.168_213, 0.074_149,
    -0.263_439, -0.203_506, 0.04151, -0.014_079, 0.441_249, 0.108_485, -0.228_953, 0.309_712, -0.253_082,
    0.51701, -0.217_054, -0.176_933, 0.342_359, 0.241_701, 0.659_583, -0.18457, -0.314_572, 0.207_061,
];

const FILTERED: [f32; 64] = [
    -0.926_626, 0.345_709, -0.470_286, 0.254_381, 0.311_797, -0.388_252, 1.079_375, 0.564_062, -0.620_881,
    0.557_486, -0.509_105, -0.775_382, 0.230_549, -0.269_373, 1.001_623, 0.762_019, -0.174_739, 0.897_246,
    -0.084_079, -0.646_087, 0.495_102, -0.3749, -0.604_801, 0.157_547, -0.027_364, 0.734_314, 0.192_958,
    -0.382_756, 0.732_943, -0.118_879, -0.816_056, 0.247_848, -0.58331, -0.822_146, 0.147_015, -0.112_991,
    0.74714, 0.321_127, -0.465_247, 0.556_003, -0.229_222, -0.839_909, 0.433_085, -0.118_073, -0.668_782,
    0.324_734, -0.187_767, 0.479_737, 0.159_895, -0.578_171, 0.844_927, 0.229_523, -0.847_288, 0.462_254,
    -0.314_045, -1.030_196, 0.365_934, -0.40888, 1.05729, 0.426_426, -0.773_057, 0.62532, -0.18633,
    -1.212_064,
];

const SIMPLE: [f32; 60] = [
    0.0, -0.67875, 1.31625, 0.23125, -0.85375, 0.0, 0.05625, -1.02875, 0.96625, -0.11875, 0.0, 0.0, 0.0,
    1.31625, 0.23125, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.56125, 0.47625, -0.60875, 1.38625, 0.0, -0.78375,
    1.21125, 0.12625, -0.95875, 0.0, 0.0, 0.0, 0.47625, -0.60875, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.72125,
    -0.36375, 1.63125, 0.54625, 0.0, 1.45625, 0.37125, -0.71375, 1.28125, 0.0, 0.0, 0.0, -0.36375, 1.63125,
    0.0, 0.0, 0.0, 0.0, 0.0,
];
