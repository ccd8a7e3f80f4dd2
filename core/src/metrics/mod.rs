//! How good generated samples are: Fréchet distance, KID, precision/recall, density/coverage, memorisation.
