//! The augmentations that are tried: operations of several strengths, alone and together, drawn by the seed.

use crate::codec::Pixels;
use crate::error::{Error, Result};
use crate::purposes;
use crate::stages::augment::{MAX_OPS, OpStep};
use seedbed::augment::Pipeline;
use seedbed::rng::{Key, Stream};

/// The pipelines of the search.
pub type Steps = Pipeline<MAX_OPS>;

/// Operations that do the same kind of thing, of which a candidate has at most one.
struct Family {
    /// Each as an inline table of a recipe, the mildest first.
    strengths: &'static [&'static str],
    /// Where it makes sense.
    only: Only,
}

/// Where operations make sense.
#[derive(Clone, Copy, PartialEq)]
enum Only {
    /// On all pictures.
    Any,
    /// On pictures with colours.
    Colour,
    /// On pictures that are tried at their own size: the operation counts in pixels, or works on each by itself.
    Size,
    /// The same, and beside no other operation.
    SizeAlone,
}

/// In the order in which they are done: what moves comes before what changes values, and noise and holes come last.
const FAMILIES: &[Family] = &[
    Family { strengths: &["{ op = \"hflip\", p = 0.5 }"], only: Only::Any },
    Family { strengths: &["{ op = \"vflip\", p = 0.5 }", "{ op = \"d4\" }"], only: Only::Any },
    Family {
        strengths: &[
            "{ op = \"random_resized_crop\", scale = [0.8, 1], ratio = [0.9, 1.11] }",
            "{ op = \"random_resized_crop\", scale = [0.6, 1], ratio = [0.8, 1.25] }",
            "{ op = \"random_resized_crop\", scale = [0.35, 1] }",
        ],
        only: Only::Any,
    },
    Family {
        strengths: &[
            "{ op = \"rotate\", degrees = [-8, 8], border = \"edge\" }",
            "{ op = \"rotate\", degrees = [-15, 15], border = \"edge\" }",
            "{ op = \"rotate\", degrees = [-30, 30], border = \"edge\" }",
        ],
        only: Only::Any,
    },
    Family {
        strengths: &[
            "{ op = \"shift_scale_shear\", shift_x = [-0.06, 0.06], shift_y = [-0.06, 0.06], scale = 1, border = \"edge\" }",
            "{ op = \"shift_scale_shear\", shift_x = [-0.12, 0.12], shift_y = [-0.12, 0.12], scale = 1, border = \"edge\" }",
            "{ op = \"shift_scale_shear\", shift_x = [-0.25, 0.25], shift_y = [-0.25, 0.25], scale = 1, border = \"edge\" }",
        ],
        only: Only::Any,
    },
    Family {
        strengths: &[
            "{ op = \"shift_scale_shear\", shift_x = 0, shift_y = 0, scale = [0.9, 1.11], border = \"edge\" }",
            "{ op = \"shift_scale_shear\", shift_x = 0, shift_y = 0, scale = [0.75, 1.33], border = \"edge\" }",
        ],
        only: Only::Any,
    },
    Family {
        strengths: &[
            "{ op = \"shift_scale_shear\", shift_x = 0, shift_y = 0, scale = 1, shear_x = [-8, 8], shear_y = [-8, 8], border = \"edge\" }",
            "{ op = \"shift_scale_shear\", shift_x = 0, shift_y = 0, scale = 1, shear_x = [-16, 16], shear_y = [-16, 16], border = \"edge\" }",
        ],
        only: Only::Any,
    },
    Family {
        strengths: &[
            "{ op = \"perspective\", shift = [0, 0.06], border = \"edge\" }",
            "{ op = \"perspective\", shift = [0, 0.12], border = \"edge\" }",
        ],
        only: Only::Any,
    },
    Family {
        strengths: &[
            "{ op = \"elastic\", deviation = [0.01, 0.025], border = \"edge\" }",
            "{ op = \"elastic\", deviation = [0.025, 0.05], border = \"edge\" }",
        ],
        only: Only::Any,
    },
    Family {
        strengths: &[
            "{ op = \"brightness\", factor = [0.85, 1.15] }",
            "{ op = \"brightness\", factor = [0.6, 1.4] }",
            "{ op = \"gamma\", gamma = [0.8, 1.25] }",
            "{ op = \"gamma\", gamma = [0.6, 1.67] }",
        ],
        only: Only::Any,
    },
    Family {
        strengths: &[
            "{ op = \"contrast\", factor = [0.8, 1.2] }",
            "{ op = \"contrast\", factor = [0.6, 1.4] }",
            "{ op = \"tone_curve\" }",
        ],
        only: Only::Any,
    },
    Family {
        strengths: &[
            "{ op = \"colour_jitter\", brightness = [0.9, 1.1], contrast = [0.9, 1.1], saturation = [0.9, 1.1], hue = [-0.02, 0.02] }",
            "{ op = \"colour_jitter\" }",
            "{ op = \"colour_jitter\", brightness = [0.6, 1.4], contrast = [0.6, 1.4], saturation = [0.6, 1.4], hue = [-0.1, 0.1] }",
            "{ op = \"planckian_jitter\" }",
        ],
        only: Only::Colour,
    },
    Family {
        strengths: &[
            "{ op = \"gaussian_blur\", sigma = [0.3, 0.7] }",
            "{ op = \"gaussian_blur\", sigma = [0.3, 1.2] }",
        ],
        only: Only::Size,
    },
    Family {
        strengths: &[
            "{ op = \"gaussian_noise\", std = [1, 6] }",
            "{ op = \"gaussian_noise\", std = [4, 16] }",
        ],
        only: Only::Size,
    },
    Family {
        strengths: &[
            "{ op = \"cutout\", height = [0.15, 0.3], width = [0.15, 0.3] }",
            "{ op = \"random_erasing\" }",
        ],
        only: Only::Any,
    },
    Family {
        strengths: &[
            "{ op = \"rand_augment\", magnitude = 4 }",
            "{ op = \"rand_augment\", magnitude = 9 }",
            "{ op = \"rand_augment\", magnitude = 14 }",
            "{ op = \"trivial_augment_wide\" }",
        ],
        only: Only::SizeAlone,
    },
];

/// What a recipe does that names no operation: it is always tried.
const USUAL: [&str; 2] = [
    "{ op = \"rotate\", degrees = [-8, 8], border = \"edge\" }",
    "{ op = \"shift_scale_shear\", shift_x = [-0.05, 0.05], shift_y = [-0.05, 0.05], scale = [0.92, 1.08], border = \"edge\" }",
];

/// The most operations of a candidate.
const MOST: usize = 3;

/// Draws in a row that give nothing new, after which there is nothing new.
const PATIENCE: u32 = 2000;

/// What the pictures are that operations are tried on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Suits {
    /// Whether all have colours.
    pub colour: bool,
    /// Whether they are tried at their own size.
    pub own_size: bool,
    /// Whether operations are left out that a generative model would learn to make.
    pub for_generator: bool,
}

/// Operations to try, done one after the other.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// Each as an inline table of a recipe.
    pub texts: Vec<&'static str>,
    /// The same.
    pub ops: Vec<OpStep>,
    /// The same to run.
    pub steps: Steps,
}

impl Candidate {
    fn new(texts: Vec<&'static str>) -> Result<Self> {
        let unread = |e| Error::failed(format!("an operation of the search cannot be read ({e})"));
        let ops = texts.iter().map(|text| text.parse().map_err(unread)).collect::<Result<Vec<OpStep>>>()?;
        let mut steps = Steps::new();
        for step in ops.iter().flat_map(|OpStep(branch)| &branch.0) {
            steps.push(step.op, step.p)?;
        }
        Ok(Self { texts, ops, steps })
    }

    /// The names of the operations that a generative model would learn to make, each once.
    pub fn leaking(&self) -> Vec<&'static str> {
        let kinds = self.steps.steps().iter().filter_map(|step| step.op.kind());
        kinds.filter(|kind| kind.leaks).map(|kind| kind.name).collect()
    }

    /// The operations in short: `rotate degrees [-8, 8] + hflip p 0.5`.
    pub fn short(&self) -> String {
        let one = |text: &&str| {
            let inner = text.trim_start_matches("{ op = \"").trim_end_matches(" }");
            inner.replace(", border = \"edge\"", "").replace("\",", "").replace('"', "").replace(" = ", " ")
        };
        self.texts.iter().map(one).collect::<Vec<_>>().join(" + ")
    }

    fn suits(&self, suits: Suits, picture: &Pixels) -> bool {
        let allowed = !suits.for_generator || self.leaking().is_empty();
        let shape = (picture.height, picture.width, picture.channels);
        allowed && self.steps.plan(shape).is_ok_and(|plan| plan.out_shape() == shape)
    }
}

/// `trials` different candidates, or as many as there are, for pictures such as this one. More trials keep the first ones.
///
/// # Errors
/// Never for the operations of this build.
pub fn candidates(seed: u64, trials: usize, suits: Suits, picture: &Pixels) -> Result<Vec<Candidate>> {
    let mut stream = Stream::new(seed, Key::new(purposes::SEARCH).op(DRAW));
    let fits = |family: &Family| match family.only {
        Only::Any => true,
        Only::Colour => suits.colour,
        Only::Size | Only::SizeAlone => suits.own_size,
    };
    let families: Vec<usize> = (0..FAMILIES.len()).filter(|&i| fits(&FAMILIES[i])).collect();
    let mut found = vec![Candidate::new(USUAL.to_vec())?];
    found.retain(|candidate| candidate.suits(suits, picture));
    found.truncate(trials);
    let (mut deck, mut vain) = (Vec::new(), 0);
    while found.len() < trials && vain < PATIENCE {
        let texts = draw(&mut stream, &families, &mut deck);
        let candidate = Candidate::new(texts)?;
        if found.iter().any(|other| other.texts == candidate.texts) || !candidate.suits(suits, picture) {
            vain += 1;
        } else {
            found.push(candidate);
            vain = 0;
        }
    }
    Ok(found)
}

/// The streams of the search, told apart by their `op`.
pub const DRAW: u32 = 0;

/// One to three operations of different families. Families come from a deck that is used up before it is shuffled again, so
/// that each comes about as often as the others.
fn draw(stream: &mut Stream, families: &[usize], deck: &mut Vec<usize>) -> Vec<&'static str> {
    let wanted = 1 + stream.index(MOST);
    let mut chosen: Vec<usize> = Vec::new();
    while chosen.len() < wanted.min(families.len()) {
        if deck.is_empty() {
            deck.extend_from_slice(families);
            stream.shuffle(deck);
        }
        let Some(family) = deck.pop() else { break };
        if FAMILIES[family].only == Only::SizeAlone {
            if chosen.is_empty() {
                chosen.push(family);
                break;
            }
        } else if !chosen.contains(&family) {
            chosen.push(family);
        }
    }
    chosen.sort_unstable();
    let strength = |&family: &usize| {
        let strengths = FAMILIES[family].strengths;
        strengths[stream.index(strengths.len())]
    };
    chosen.iter().map(strength).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    const ALL: Suits = Suits { colour: true, own_size: true, for_generator: false };

    fn picture(channels: usize) -> Pixels {
        Pixels::new(vec![7; 28 * 28 * channels], 28, 28, channels).unwrap()
    }

    #[test]
    fn every_operation_can_be_read_and_keeps_the_shape() {
        for family in FAMILIES {
            for &text in family.strengths {
                let candidate = Candidate::new(vec![text]).unwrap();
                for (height, width, channels) in [(28, 28, 3), (8, 8, 1), (32, 20, 3)] {
                    let data = vec![7; height * width * channels];
                    let picture = Pixels::new(data, height, width, channels).unwrap();
                    assert!(candidate.suits(ALL, &picture), "{text}");
                }
            }
        }
        let usual = crate::stages::augment::AugmentOptions::default().ops;
        assert_eq!(Candidate::new(USUAL.to_vec()).unwrap().ops, usual);
    }

    #[test]
    fn candidates_differ_and_more_trials_keep_the_first() {
        let some = candidates(3, 24, ALL, &picture(3)).unwrap();
        let more = candidates(3, 200, ALL, &picture(3)).unwrap();
        let texts = |all: &[Candidate]| all.iter().map(|c| c.texts.clone()).collect::<Vec<_>>();
        assert_eq!((some.len(), more.len()), (24, 200));
        assert_eq!(texts(&more)[..24], texts(&some));
        assert_eq!(texts(&more).into_iter().collect::<HashSet<_>>().len(), 200);
        assert_ne!(texts(&candidates(4, 24, ALL, &picture(3)).unwrap()), texts(&some));
        let sizes: HashSet<usize> = some.iter().map(|c| c.ops.len()).collect();
        assert_eq!(sizes, HashSet::from([1, 2, 3]));
        // All that there are, and no endless search.
        assert!(candidates(3, 100_000, ALL, &picture(3)).unwrap().len() < 100_000);
    }

    #[test]
    fn only_what_suits_the_pictures_is_tried() {
        let names = |suits, channels| -> HashSet<String> {
            let all = candidates(1, 300, suits, &picture(channels)).unwrap();
            let texts = all.into_iter().flat_map(|c| c.texts);
            texts.map(|text| text.split('"').nth(1).unwrap().to_owned()).collect()
        };
        let all = names(ALL, 3);
        assert!(
            ["colour_jitter", "rand_augment", "gaussian_blur", "cutout"].iter().all(|n| all.contains(*n))
        );
        let grey = names(Suits { colour: false, ..ALL }, 1);
        assert!(!grey.contains("colour_jitter") && grey.contains("gamma"));
        let reduced = names(Suits { own_size: false, ..ALL }, 3);
        assert!(["gaussian_blur", "gaussian_noise", "rand_augment"].iter().all(|n| !reduced.contains(*n)));
        let plain = candidates(1, 300, Suits { for_generator: true, ..ALL }, &picture(3)).unwrap();
        assert!(plain.len() == 300 && plain.iter().all(|c| c.leaking().is_empty()));
        let leaks = Candidate::new(vec!["{ op = \"cutout\" }"]).unwrap().leaking();
        assert_eq!(leaks, ["cutout"]);
    }

    #[test]
    fn operations_are_told_in_short() {
        let texts = vec![FAMILIES[0].strengths[0], FAMILIES[3].strengths[0], "{ op = \"d4\" }"];
        let short = Candidate::new(texts).unwrap().short();
        assert_eq!(short, "hflip p 0.5 + rotate degrees [-8, 8] + d4");
    }
}
