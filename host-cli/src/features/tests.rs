use super::*;
use crate::codec::Pixels;
use crate::dataset::{Content, DatasetWriter, Meta};
use crate::pool::Pool;

fn table(folder: &std::path::Path) -> Dataset {
    let meta = Meta::table("t", vec!["a".into(), "b".into()], vec!["x".into(), "y".into(), "z".into()]);
    let mut writer = DatasetWriter::create(folder, meta).unwrap();
    let rows = [[1.0, 5.0, 0.5], [3.0, 5.0, f32::NAN], [100.0, 5.0, 1.5], [5.0, 5.0, 2.5]];
    for (i, row) in rows.iter().enumerate() {
        let split = if i == 2 { Split::Test } else { Split::Train };
        let content = Content::from_row(row.to_vec());
        writer.push(Sample::new(format!("r{i}"), Some(i as u32 % 2), split, content)).unwrap();
    }
    writer.finish().unwrap();
    Dataset::open(folder).unwrap()
}

#[test]
fn columns_are_standardised_by_the_train_split() {
    let dir = tempfile::tempdir().unwrap();
    let dataset = table(dir.path());
    let ctx = Ctx::quiet(1);
    let space = Space::of(&dataset).unwrap();
    let all = Table::read(&ctx, &dataset, &space, |_| true).unwrap();
    assert_eq!((all.len(), all.features.cols, all.splits[2]), (4, 3, Split::Test));
    // Train has 1, 3, 5: mean 3, deviation √(8/3); the constant and the missing are 0.
    let std = (8.0f32 / 3.0).sqrt();
    assert!((all.features.row(0)[0] + 2.0 / std).abs() < 1e-6);
    assert!((all.features.row(2)[0] - 97.0 / std).abs() < 1e-4);
    assert!((0..4).all(|i| all.features.row(i)[1] == 0.0) && all.features.row(1)[2] == 0.0);
    let one = Space::named(&dataset, &["z".into()]).unwrap();
    assert_eq!(one.name(), "1 standardised columns");
    let train = Table::read(&ctx, &dataset, &one, |s| s.split == Split::Train).unwrap();
    assert_eq!(train.ids, ["r0", "r1", "r3"]);
    assert_eq!(train.features.data, [-1.0, 0.0, 1.0]);
    let e = Space::named(&dataset, &["w".into()]).unwrap_err();
    assert!(e.hint.unwrap().contains("x, y, z"));
}

#[test]
fn pictures_of_several_sizes_become_one() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = DatasetWriter::create(dir.path(), Meta::images("p", vec![])).unwrap();
    for (i, (h, w, c)) in [(8, 8, 1), (40, 20, 3)].into_iter().enumerate() {
        let pixels = Pixels::new(vec![51 * (i as u8 + 1); h * w * c], h, w, c).unwrap();
        let content = Content::from_pixels(pixels);
        writer.push(Sample::new(format!("p{i}"), None, Split::Train, content)).unwrap();
    }
    writer.finish().unwrap();
    let dataset = Dataset::open(dir.path()).unwrap();
    let space = Space::of(&dataset).unwrap();
    assert_eq!(space.cols(), 32 * 32 * 3);
    let all = Table::read(&Ctx::quiet(1), &dataset, &space, |_| true).unwrap();
    assert!(all.features.row(0).iter().all(|v| (v - 0.2).abs() < 1e-6));
    assert!(all.features.row(1).iter().all(|v| (v - 0.4).abs() < 1e-6));
    assert!(space.pixels(all.features.row(1)).unwrap().unwrap().data.iter().all(|&v| v == 102));
}

/// Everything that runs on threads gives the same bits on one thread and on two, at every level.
#[test]
fn projections_and_neighbours_do_not_depend_on_threads_or_level() {
    let mut stream = seedbed::rng::Stream::new(1, seedbed::rng::Key::new(0));
    let rows =
        Mat { data: (0..900 * 200).map(|i| stream.normal() / (1 + i % 200) as f32).collect(), cols: 200 };
    let run = |ctx: &Ctx| {
        let projection = Projection::fit(ctx, &rows, 5).unwrap();
        let z = projection.project(ctx, &rows).unwrap();
        let near = neighbours(ctx, &z, &z, Exclude::Itself, 4).unwrap();
        let bits = |v: &[f32]| v.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
        (bits(&projection.variances), bits(&z.data), near)
    };
    let base = run(&Ctx { level: seedbed::Level::BASE, ..Ctx::quiet(1) });
    for level in seedbed::Level::available() {
        let two = Ctx { level, pool: Pool::new(2).unwrap(), ..Ctx::quiet(1) };
        assert!(run(&two) == base, "{level:?}");
    }
}
