//! What the random streams of the host are for: purpose numbers beside those of the core and of
//! [`crate::dataset::SPLIT_PURPOSE`], no two of them equal. The test below lists all of them.

/// The order of the samples in an epoch.
pub(crate) const SHUFFLE: u32 = 4;
/// The faults of the demo.
pub(crate) const FAULTS: u32 = 8;
/// The real samples that generated ones are judged by.
pub(crate) const JUDGE: u32 = 11;
/// Which other pictures an augmented copy meets, and how.
pub(crate) const PARTNERS: u32 = 20;
/// Which augmented copies are compressed, and how much.
pub(crate) const WEBP: u32 = 22;

#[cfg(test)]
mod tests {
    use super::{FAULTS, JUDGE, PARTNERS, SHUFFLE, WEBP};
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
            FAULTS,
            metrics::KID_PURPOSE,
            label::FOLD_PURPOSE,
            JUDGE,
            PARTNERS,
            WEBP,
        ];
        let unique: std::collections::BTreeSet<u32> = all.into_iter().collect();
        assert_eq!(unique.len(), all.len());
    }
}
