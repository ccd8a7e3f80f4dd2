//! Model files, in single precision or whole numbers, and checkpoints: any bytes are one or an error; a model that is read has
//! the weights that it describes.
#![no_main]

use libfuzzer_sys::fuzz_target;
use seedbed_cli::model::{Checkpoint, ModelFile, Stored};

fuzz_target!(|bytes: &[u8]| {
    let path = seedbed_fuzz::folder().join("model.safetensors");
    std::fs::write(&path, bytes).unwrap();
    if let Ok((model, hash)) = ModelFile::load(&path) {
        assert!(
            model
                .weights
                .params
                .iter()
                .chain(&model.weights.state)
                .chain(&model.prior)
                .all(|v| v.is_finite())
        );
        assert_eq!(hash.len(), 16);
    }
    if let Ok((Stored::Whole(model), hash)) = Stored::load(&path) {
        for (_, net) in &model.nets {
            assert!(net.ranges.iter().chain(&net.scales).all(|v| v.is_finite()));
            assert!(net.ranges.as_chunks::<2>().0.iter().all(|[low, high]| *low <= 0.0 && *high >= 0.0));
        }
        assert_eq!(hash.len(), 16);
    }
    if let Ok(state) = Checkpoint::load(&path) {
        let best = state.best.params.len();
        assert!(best == 0 || best == state.weights.params.len());
        assert_eq!(state.moments.len(), 2 * state.weights.params.len());
    }
});
