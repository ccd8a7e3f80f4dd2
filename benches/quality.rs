//! How good generated pictures of 28 × 28 grey levels are, beside real ones that no model saw: Fréchet distance, coverage,
//! recall, precision and density among the features of a small classifier that is trained here.
//!
//! ```text
//! cargo bench -p seedbed-benches --bench quality -- --data FOLDER [--epochs 4] [--judge KEPT] [FILE...]
//! ```
//!
//! FOLDER holds the pictures and labels of Fashion-MNIST or MNIST (`train-images-idx3-ubyte.gz` and so on), each FILE generated
//! pictures as IDX, with `.gz` or without, as `seedbed export --format idx` writes them. A judge is trained once where KEPT is a file to keep it in. The first line is the floor: pictures
//! of the train split beside those of the test split.

use seedbed_benches::generative::idx::{Done, idx, split, test_split};
use seedbed_benches::generative::judge::{FEATURES, Judge, Nearness, compare};
use seedbed_cli::Pool;
use std::path::Path;
use std::time::Instant;

const THREADS: usize = 2;

fn row(name: &str, n: usize, found: Nearness) {
    let balls = found.balls;
    println!(
        "{name}: {n} pictures, FD {:.2}, coverage {:.3}, recall {:.3}, precision {:.3}, density {:.3}",
        found.frechet, balls.coverage, balls.recall, balls.precision, balls.density
    );
}

fn main() -> Done<()> {
    let args: Vec<String> = std::env::args().skip(1).filter(|a| a != "--bench").collect();
    let mut files = Vec::new();
    let (mut data, mut kept, mut epochs) = (None, None, 4);
    let mut rest = args.iter();
    while let Some(arg) = rest.next() {
        match arg.as_str() {
            "--data" => data = rest.next(),
            "--judge" => kept = rest.next().map(Path::new),
            "--epochs" => epochs = rest.next().map_or(Ok(4), |n| n.parse())?,
            file => files.push(Path::new(file)),
        }
    }
    let Some(folder) = data.map(Path::new) else {
        println!("skip: no pictures; --data FOLDER names them");
        return Ok(());
    };
    let (train, test) = (split(folder, "train")?, split(folder, test_split(folder))?);
    let pool = Pool::new(THREADS)?;
    let begun = Instant::now();
    let judge = match kept.filter(|path| path.exists()) {
        Some(path) => {
            let bytes = std::fs::read(path)?;
            Judge::from_params(
                bytes.as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)).collect(),
                THREADS,
            )
        }
        None => Judge::train(&pool, THREADS, &train, epochs, 1)?,
    };
    if let Some(path) = kept {
        std::fs::write(path, judge.params().iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<u8>>())?;
    }
    let right: u32 = judge.right(&pool, &test)?.iter().map(|[right, _]| right).sum();
    let accuracy = f64::from(right) / test.labels.len() as f64;
    println!("judge: accuracy {accuracy:.4} on the test split, {:.0} s", begun.elapsed().as_secs_f64());
    let real = judge.features(&pool, &test.pixels)?;
    let n = real.len() / FEATURES;
    let floor = judge.features(&pool, &train.pixels[..n * 784])?;
    row("floor", n, compare(&pool, &real, &floor)?);
    for file in files {
        let made = judge.features(&pool, &idx(file, 16)?)?;
        row(&file.display().to_string(), made.len() / FEATURES, compare(&pool, &real, &made)?);
    }
    Ok(())
}
