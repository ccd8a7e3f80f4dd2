//! The names that stages, methods and figures go by on the page.

use super::number;

/// What a stage is for, in a few words; empty for one that is not known.
pub fn stage(name: &str) -> &'static str {
    match name {
        "collect" => "read the raw samples",
        "preprocess" => "one size, one form",
        "prune" => "take out what harms",
        "balance" => "even out the classes",
        "augment" => "make varied copies",
        "train" => "fit the model",
        "generate" => "draw new samples",
        "evaluate" => "judge them",
        "export" => "write for other tools",
        _ => "",
    }
}

/// What a method of removal does, in one sentence; empty for one that is not known.
pub fn method(name: &str) -> &'static str {
    match name {
        "exact_duplicate" => "The same content as another sample, byte for byte after decoding",
        "near_duplicate" => "Nearly the same picture as another sample, verified by pixel difference",
        "outlier_lof" => "Much less dense around it than around its neighbours (local outlier factor)",
        "outlier_knn" => "Far from its nearest neighbours",
        "label_error" => {
            "The label contradicts what models trained on the other samples say (confident learning)"
        }
        "quality_blank" => "Blank: next to no contrast",
        "quality_blurry" => "Blurred: no sharp edge",
        "quality_noise" => "Noise: pixels that have nothing to do with their neighbours",
        "quality_low_information" => "Little information: few levels",
        "k_center" => "Not needed to cover the data at the size asked for (k-center greedy)",
        _ => "",
    }
}

/// `near_duplicates` as `Near duplicates`, `val_kl` as `Val KL`.
pub fn label(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for (i, word) in name.split(['_', '-']).filter(|w| !w.is_empty()).enumerate() {
        if i > 0 {
            out.push(' ');
        }
        let mut chars = word.chars();
        match word {
            "kl" | "elbo" | "lof" | "knn" | "pca" | "kid" => {
                out.extend(word.chars().flat_map(char::to_uppercase))
            }
            _ if i == 0 => out.extend(chars.next().into_iter().flat_map(char::to_uppercase).chain(chars)),
            _ => out.push_str(word),
        }
    }
    out
}

/// `1 sample`, `1,200 samples`.
pub fn samples(n: u64) -> String {
    format!("{} sample{}", number::count(n), if n == 1 { "" } else { "s" })
}

/// The name that stands for all samples where there are no classes.
pub const ALL: &str = "all";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_words() {
        let words = ["near_duplicates", "val_kl", "lof", "k-center", ""].map(label);
        assert_eq!(words, ["Near duplicates", "Val KL", "LOF", "K center", ""]);
        assert_eq!([samples(1), samples(1200)], ["1 sample", "1,200 samples"]);
    }
}
