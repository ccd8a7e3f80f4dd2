//! How well a small classifier of 28 × 28 grey levels does that learnt from a folder, on pictures of another.
//!
//! ```text
//! cargo bench -p seedbed-benches --bench classify -- --data FOLDER [--seed 1] [--steps 3000] [--rare 0,4] TRAIN...
//! ```
//!
//! FOLDER holds the test split of Fashion-MNIST or MNIST, each TRAIN pictures and labels as `seedbed export --format idx` writes
//! them. Every classifier takes as many steps. What is told is the mean over classes of the share that is right, that of the
//! rare classes and that of the others.

use seedbed_benches::generative::idx;
use seedbed_benches::generative::judge::{BATCH, Judge};
use seedbed_cli::Pool;
use std::path::Path;

fn main() -> idx::Done<()> {
    let args: Vec<String> = std::env::args().skip(1).filter(|a| a != "--bench").collect();
    let (mut folders, mut rare): (Vec<&Path>, Vec<u32>) = (Vec::new(), Vec::new());
    let (mut data, mut seed, mut steps) = (None, 1, 3000usize);
    let mut rest = args.iter();
    while let Some(arg) = rest.next() {
        let mut next = || rest.next().ok_or_else(|| format!("nothing behind {arg}"));
        match arg.as_str() {
            "--data" => data = Some(Path::new(next()?)),
            "--seed" => seed = next()?.parse()?,
            "--steps" => steps = next()?.parse()?,
            "--rare" => rare = next()?.split(',').map(str::parse).collect::<Result<_, _>>()?,
            folder => folders.push(Path::new(folder)),
        }
    }
    let Some(data) = data else {
        println!("skip: no pictures; --data FOLDER names them");
        return Ok(());
    };
    let pool = Pool::new(1)?;
    let test = idx::split(data, idx::test_split(data))?;
    for folder in folders {
        let train = idx::split(folder, "train")?;
        let epochs = steps.div_ceil(train.labels.len().div_ceil(BATCH).max(1)) as u32;
        let right = Judge::train(&pool, 1, &train, epochs, seed)?.right(&pool, &test)?;
        let share = |of: &dyn Fn(u32) -> bool| {
            let classes = right.iter().zip(0u32..).filter(|(_, class)| of(*class));
            let shares: Vec<f64> =
                classes.map(|([right, all], _)| *right as f64 / (*all).max(1) as f64).collect();
            shares.iter().sum::<f64>() / shares.len().max(1) as f64
        };
        println!(
            "{}: pictures {}, accuracy {:.4}, rare {:.4}, others {:.4}",
            folder.display(),
            train.labels.len(),
            share(&|_| true),
            share(&|class| rare.contains(&class)),
            share(&|class| !rare.contains(&class))
        );
    }
    Ok(())
}
