//! Image operations on RGB pictures of 512 × 512, and a whole pipeline on small ones. Throughput counts pixels.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use seedbed::augment::{Op, Pipeline, key};
use seedbed::image::{
    Border, Filter, Interpolation, Motion, ResizePlan, Table, blur_scratch_len, gaussian_blur, hflip,
    normalise, rgb_to_grey, warp,
};
use seedbed::{ImageMut, ImageRef, Scratch};
use seedbed_benches::{bytes, criterion, id, levels};

const SIDE: usize = 512;
const SHAPE: (usize, usize, usize) = (SIDE, SIDE, 3);

fn operations(c: &mut Criterion) {
    let mut group = c.benchmark_group("image 512x512x3");
    group.throughput(Throughput::Elements((SIDE * SIDE) as u64));
    let data = bytes(SIDE * SIDE * 3);
    let src = ImageRef::new(&data, SIDE, SIDE, 3).unwrap();
    let mut dst = vec![0u8; SIDE * SIDE * 3];
    let mut out =
        |run: &mut dyn FnMut(ImageMut<'_, u8>)| run(ImageMut::new(&mut dst, SIDE, SIDE, 3).unwrap());
    let table = Table::gamma(1.4).unwrap();
    let map = Motion { degrees: 17.0, scale: 1.1, ..Motion::default() }.inverse((SIDE, SIDE)).unwrap();
    let mut memory = vec![0; blur_scratch_len::<u8>(2.0, SHAPE)];
    for level in levels() {
        group.bench_function(id("hflip", level), |bench| {
            bench.iter(|| out(&mut |dst| hflip(level, src, dst).unwrap()));
        });
        group.bench_function(id("table", level), |bench| {
            bench.iter(|| out(&mut |dst| table.apply(level, src, dst).unwrap()));
        });
        group.bench_function(id("warp", level), |bench| {
            bench.iter(|| {
                out(&mut |dst| {
                    warp(level, map, Interpolation::Bilinear, Border::Reflect101, src, dst).unwrap()
                })
            });
        });
        group.bench_function(id("gaussian_blur sigma 2", level), |bench| {
            bench.iter(|| {
                out(&mut |dst| {
                    gaussian_blur(level, 2.0, Border::Reflect101, src, dst, &mut Scratch::new(&mut memory))
                        .unwrap()
                });
            });
        });
    }
    let mut grey = vec![0u8; SIDE * SIDE];
    let mut normal = vec![0f32; SIDE * SIDE * 3];
    for level in levels() {
        group.bench_function(id("rgb_to_grey", level), |bench| {
            bench.iter(|| rgb_to_grey(level, src, ImageMut::new(&mut grey, SIDE, SIDE, 1).unwrap()).unwrap());
        });
        group.bench_function(id("normalise", level), |bench| {
            bench.iter(|| {
                let dst = ImageMut::new(&mut normal, SIDE, SIDE, 3).unwrap();
                normalise(level, src, dst, &[0.5; 3], &[0.25; 3]).unwrap();
            });
        });
    }
    group.finish();
}

fn resize(c: &mut Criterion) {
    let mut group = c.benchmark_group("resize 512x512x3 to 224x224");
    group.throughput(Throughput::Elements((SIDE * SIDE) as u64));
    let data = bytes(SIDE * SIDE * 3);
    let mut dst = vec![0u8; 224 * 224 * 3];
    for filter in [Filter::Bilinear, Filter::Lanczos3] {
        let (from, to) = ((SIDE, SIDE), (224, 224));
        let mut plan_memory = vec![0; ResizePlan::plan_len(filter, from, to)];
        let plan = ResizePlan::new(filter, from, to, &mut Scratch::new(&mut plan_memory)).unwrap();
        let mut memory = vec![0; plan.scratch_len(3)];
        for level in levels() {
            group.bench_function(id(filter.name(), level), |bench| {
                bench.iter(|| {
                    let src = ImageRef::new(&data, SIDE, SIDE, 3).unwrap();
                    let dst = ImageMut::new(&mut dst, 224, 224, 3).unwrap();
                    plan.run(level, src, dst, &mut Scratch::new(&mut memory)).unwrap();
                });
            });
        }
    }
    group.finish();
}

fn pipeline(c: &mut Criterion) {
    let mut group = c.benchmark_group("pipeline 32x32x3");
    group.throughput(Throughput::Elements(32 * 32));
    let border = Border::Reflect101;
    let mut pipeline = Pipeline::<8>::new();
    pipeline.push(Op::RandomCrop { height: 0, width: 0, padding: 4, border }, 1.0).unwrap();
    pipeline.push(Op::HFlip {}, 0.5).unwrap();
    pipeline
        .push(Op::Rotate { degrees: [-15.0, 15.0], border, interpolation: Interpolation::Bilinear }, 0.5)
        .unwrap();
    pipeline.push(Op::Brightness { factor: [0.8, 1.2] }, 0.8).unwrap();
    pipeline.push(Op::GaussianNoise { std: [2.0, 8.0] }, 0.3).unwrap();
    let shape = (32, 32, 3);
    let data = bytes(32 * 32 * 3);
    let mut dst = vec![0u8; 32 * 32 * 3];
    let mut memory = vec![0; pipeline.scratch_len(shape)];
    for level in levels() {
        let mut copy = 0;
        group.bench_function(id("crop flip rotate brightness noise", level), |bench| {
            bench.iter(|| {
                copy += 1;
                let src = ImageRef::new(&data, 32, 32, 3).unwrap();
                let dst = ImageMut::new(&mut dst, 32, 32, 3).unwrap();
                let key = key(b"id", copy);
                pipeline.apply(level, src, dst, 1, key, &mut Scratch::new(&mut memory)).unwrap();
            });
        });
    }
    group.finish();
}

criterion_group! { name = benches; config = criterion(); targets = operations, resize, pipeline }
criterion_main!(benches);
