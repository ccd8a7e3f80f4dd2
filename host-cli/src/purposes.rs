//! What the random streams of the host are for: purpose numbers beside those of the core and of
//! [`crate::dataset::SPLIT_PURPOSE`], no two of them equal. The test below lists all of them.

/// The order of the samples in an epoch.
pub(crate) const SHUFFLE: u32 = 4;
/// The faults of the demo.
pub(crate) const FAULTS: u32 = 8;
/// The real samples that generated ones are judged by.
pub(crate) const JUDGE: u32 = 11;
/// The choices of a search for augmentations.
pub(crate) const SEARCH: u32 = 12;
/// The copies that it makes.
pub(crate) const SEARCH_COPIES: u32 = 13;
/// Which other pictures an augmented copy meets, and how.
pub(crate) const PARTNERS: u32 = 20;
/// How samples are shown to a discriminator, and the classes that its generator is settled with.
pub(crate) const SHOWN: u32 = 24;
/// Which samples a model is looked at by after each epoch.
pub(crate) const WATCH: u32 = 25;
/// Which places of a grid of codes a prior learns from.
pub(crate) const PLACES: u32 = 27;
/// Which few samples of a class are trained on.
pub(crate) const SHOTS: u32 = 26;
/// Which classes a model that learns from tasks is given, and which of their samples.
pub(crate) const TASKS: u32 = 28;
/// The classes and samples of the episodes that an embedding learns from.
pub(crate) const EPISODES: u32 = 29;
/// Which augmented copies are compressed, and how much.
pub(crate) const WEBP: u32 = 22;
/// The samples that a converted model is checked by.
pub(crate) const CHECK: u32 = 31;
/// Which samples a trained model is calibrated and checked on.
pub(crate) const LOOKED_AT: u32 = 32;

#[cfg(test)]
mod tests {
    use super::{
        CHECK, EPISODES, FAULTS, JUDGE, LOOKED_AT, PARTNERS, PLACES, SEARCH, SEARCH_COPIES, SHOTS, SHOWN,
        SHUFFLE, TASKS, WATCH, WEBP,
    };
    use crate::dataset::SPLIT_PURPOSE;
    use seedbed::{augment, balance, generate, label, metrics, nn};

    #[test]
    fn no_two_streams_share_a_purpose() {
        let all = [
            SPLIT_PURPOSE,
            augment::PURPOSE,
            balance::PURPOSE,
            SHUFFLE,
            generate::NOISE_PURPOSE,
            nn::INIT_PURPOSE,
            generate::GENERATE_PURPOSE,
            generate::CODEBOOK_PURPOSE,
            FAULTS,
            metrics::KID_PURPOSE,
            label::FOLD_PURPOSE,
            JUDGE,
            SEARCH,
            SEARCH_COPIES,
            PARTNERS,
            WEBP,
            SHOWN,
            WATCH,
            SHOTS,
            PLACES,
            TASKS,
            EPISODES,
            CHECK,
            LOOKED_AT,
        ];
        let unique: std::collections::BTreeSet<u32> = all.into_iter().collect();
        assert_eq!(unique.len(), all.len());
    }
}
