//! What `../image/run.py` measures of other libraries in Rust.

use libblur::{
    BlurImage, BlurImageMut, ConvolutionMode, EdgeMode, EdgeMode2D, FastBlurChannels, GaussianBlurParams,
    ThreadingPolicy, gaussian_blur,
};
use pic_scale::{ImageSize, ImageStore, ImageStoreMut, ResamplingFunction, Scaler};
use seedbed_benches::{bytes, serve};
use std::collections::BTreeMap;
use std::hint::black_box;

fn main() {
    let mut ops = BTreeMap::<&'static str, Box<dyn FnMut()>>::new();
    let all = [
        ("resize_512_224_bilinear", ResamplingFunction::Bilinear, 512, 224),
        ("resize_512_224_bicubic", ResamplingFunction::CatmullRom, 512, 224),
        ("resize_512_224_lanczos3", ResamplingFunction::Lanczos3, 512, 224),
        ("resize_224_512_bilinear", ResamplingFunction::Bilinear, 224, 512),
    ];
    for (name, function, from, to) in all {
        let data = bytes(from * from * 3).leak();
        let src = ImageStore::<u8, 3>::borrow(data, from, from).unwrap();
        let mut dst = ImageStoreMut::<u8, 3>::alloc(to, to);
        let size = |side| ImageSize::new(side, side);
        let plan = Scaler::new(function).plan_rgb_resampling(size(from), size(to)).unwrap();
        ops.insert(name, Box::new(move || plan.resample(black_box(&src), &mut dst).unwrap()));
    }
    let data = bytes(512 * 512 * 3).leak();
    let src = BlurImage::borrow(data, 512, 512, FastBlurChannels::Channels3);
    let mut dst = BlurImageMut::alloc(512, 512, FastBlurChannels::Channels3);
    ops.insert(
        "gaussian_blur",
        Box::new(move || {
            let edge = EdgeMode2D::new(EdgeMode::Reflect101);
            let params = GaussianBlurParams::new(9, 1.5);
            let one = ThreadingPolicy::Single;
            gaussian_blur(black_box(&src), &mut dst, params, edge, one, ConvolutionMode::Exact).unwrap();
        }),
    );
    serve(ops);
}
