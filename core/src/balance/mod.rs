//! Balancing of classes: over- and undersampling, SMOTE, class weights.
