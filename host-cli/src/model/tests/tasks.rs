//! Training over tasks.

use super::*;

/// Twelve classes of 6 × 6 pictures, a bright bar of two rows or columns at its own place each, with noise.
fn bars(folder: &Path) {
    let names = (0..12).map(|i| format!("bar{i}")).collect();
    let mut writer = DatasetWriter::create(folder, Meta::images("bars", names)).unwrap();
    for i in 0..12 * 15u32 {
        let mut stream = Stream::new(1, Key::new(0).sample(u64::from(i)));
        let label = i % 12;
        let (first, upright) = (label % 6, label < 6);
        let pixel = |x: u32| {
            let at = if upright { x % 6 } else { x / 6 };
            if at == first || at == (first + 1) % 6 { 200 } else { 20 }
        };
        let data = (0..36).map(|x| (pixel(x) + stream.below(40)) as u8).collect();
        let content = Content::from_pixels(Pixels::new(data, 6, 6, 1).unwrap());
        let split = if i >= 12 * 10 { Split::Val } else { Split::Train };
        writer.push(Sample::new(format!("{i:03}"), Some(label), split, content)).unwrap();
    }
    writer.finish().unwrap();
}

fn over_tasks(meta: MetaKind, epochs: u32) -> TrainOptions {
    TrainOptions {
        meta: Some(meta),
        conditional: Some(false),
        inner_steps: Some(4),
        except: vec!["bar3".into(), "bar8".into()],
        ..small(epochs)
    }
}

fn adversarial(options: TrainOptions) -> TrainOptions {
    TrainOptions { model: ModelKind::Dcgan, channels: Some(vec![3]), hidden: Some(vec![]), ..options }
}

#[test]
fn training_over_tasks_has_the_bits_of_training_in_one_go_on_one_thread() {
    let folder = Folder::new(bars);
    for meta in [MetaKind::Reptile, MetaKind::Fomaml] {
        for options in [over_tasks(meta, 4), adversarial(over_tasks(meta, 4))] {
            let whole = folder.train("whole", &options, &ctx(1, Level::BASE));
            let half =
                folder.train("half", &TrainOptions { epochs: Some(2), ..options.clone() }, &Ctx::quiet(5));
            let resumed = TrainOptions { resume: Some(half.clone()), ..options.clone() };
            let both = folder.train("both", &resumed, &ctx(2, Level::detect()));
            same_files(&whole, &both);
            // The rule is part of the training.
            let other = TrainOptions { meta_rate: Some(0.125), ..resumed };
            let e = other.run(&Ctx::quiet(5), &folder.data, &folder.dir.path().join("other")).unwrap_err();
            assert!(e.message.contains("other settings"), "{e}");
            for name in [&whole, &half, &both] {
                fs::remove_dir_all(name).unwrap();
            }
        }
    }
}

/// The bound on a class that no task had, after a few steps on two samples of it, beside a model that was trained on all classes
/// alike: from that one the way is longer.
#[test]
fn what_is_learnt_over_tasks_adapts_to_a_new_one_in_few_steps() {
    let folder = Folder::new(bars);
    let faster = |options: TrainOptions| TrainOptions { lr: Some(1e-2), ..options };
    let adapted = |name: &str, options: TrainOptions| {
        let base = folder.train(name, &faster(options), &Ctx::quiet(5));
        let options = TrainOptions {
            from: Some(base),
            only: vec!["bar3".into()],
            shots: Some(2),
            conditional: Some(false),
            ..faster(small(8))
        };
        let out = folder.dir.path().join(format!("{name}-adapted"));
        let outcome = options.run(&Ctx::quiet(5), &folder.data, &out).unwrap();
        outcome.figures["val_elbo"].as_f64().unwrap()
    };
    let alike = TrainOptions { meta: None, inner_steps: None, ..over_tasks(MetaKind::Reptile, 150) };
    let alike = adapted("alike", alike);
    for (name, meta) in [("reptile", MetaKind::Reptile), ("fomaml", MetaKind::Fomaml)] {
        let got = adapted(name, over_tasks(meta, 150));
        assert!(got > alike + 2.0, "{name}: {got} {alike}");
    }
}

#[test]
fn what_are_no_tasks_is_told() {
    let folder = Folder::new(bars);
    let rows = Folder::new(table);
    let reptile = over_tasks(MetaKind::Reptile, 1);
    let one = TrainOptions { except: vec![], only: vec!["bar1".into()], ..reptile.clone() };
    let no_classes = TrainOptions { except: vec![], ..reptile.clone() };
    for (data, options, key) in [
        (&folder, one, "fewer than two"),
        (&rows, no_classes, "dataset has none"),
        (&folder, TrainOptions { batch: Some(11), ..reptile.clone() }, "class bar0 has 10"),
        (&folder, TrainOptions { meta_rate: Some(1.5), ..reptile.clone() }, "meta_rate"),
        (&folder, TrainOptions { inner_steps: Some(0), ..reptile.clone() }, "inner_steps"),
        (&folder, TrainOptions { lora: Some(2), ..reptile.clone() }, "--lora"),
        (&folder, TrainOptions { shots: Some(2), ..reptile.clone() }, "--shots"),
        (&folder, TrainOptions { meta: None, ..reptile.clone() }, "--inner-steps"),
        (&folder, TrainOptions { model: ModelKind::Vqvae, latent: None, ..reptile }, "VQ-VAE"),
    ] {
        let e = options.run(&Ctx::quiet(5), &data.data, &data.dir.path().join("none")).unwrap_err();
        assert!(e.message.contains(key), "{key}: {e}");
    }
}
