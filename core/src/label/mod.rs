//! Suspected wrong labels: confident learning, and the probabilities it needs.
//!
//! [`find_label_errors`] asks for probabilities of each sample's classes from a model that has not seen that sample.
//! Two such models are here: neighbours ([`knn_probabilities`]) and softmax regression over folds
//! ([`softmax_probabilities`]). Their mean finds planted errors in pictures of digits and in tables better than either.

mod confident;
mod folds;
mod softmax;

pub use confident::{
    Doubt, LabelRule, class_thresholds, confident_joint, find_label_errors, label_errors_scratch_len,
};
pub use folds::{PURPOSE as FOLD_PURPOSE, fold_of, knn_probabilities};
pub use softmax::{SoftmaxParams, softmax_probabilities, softmax_scratch_len};
