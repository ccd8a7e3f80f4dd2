//! The recipe of a demo: an ordinary one, written for the data at hand.

use super::raw::Raw;
use super::{RAW_FOLDER, RECIPE_FILE};

/// Sides up to which dense layers do.
const SMALL: usize = 12;
/// The side to which larger pictures are brought.
const SIDE: usize = 32;

/// Train pictures from which a few epochs do.
const MANY: usize = 10_000;

/// The text of the recipe, for the pictures of `raw`.
pub fn text(raw: &Raw, seed: u64) -> String {
    let [height, width] = raw.size.unwrap_or([SIDE, SIDE]);
    let keep_size = raw.size.is_some() && height == width && height <= SIDE && height % 4 == 0;
    let resize = if keep_size || (height <= SMALL && width <= SMALL) {
        String::new()
    } else {
        format!("size = \"{SIDE}x{SIDE}\"\nfit = \"cover\"\n")
    };
    let mode = if raw.mixed { "mode = \"rgb\"\n" } else { "" };
    let model = if height <= SMALL && width <= SMALL {
        "hidden = [512, 256]\nlatent = 16\nbeta = 0.1\nepochs = 120\nbatch = 64\npatience = 30\n".to_owned()
    } else {
        let epochs = if raw.train > MANY { 3 } else { 30 };
        format!("model = \"cvae\"\nhidden = [256]\nlatent = 32\nbeta = 0.2\nepochs = {epochs}\n")
    };
    format!(
        "# The demo's recipe. Change it, and run it again: seedbed run {RECIPE_FILE}\n\
         name = \"demo\"\n\
         seed = {seed}\n\
         input = \"{RAW_FOLDER}\"\n\n\
         # Pictures in folders by split and class; damaged files are set aside.\n\
         [collect]\n\n\
         [preprocess]\n{resize}{mode}\n\
         # Exact and near duplicates, outliers, suspected wrong labels.\n\
         [prune]\n\n\
         # The cut classes are filled up with varied copies.\n\
         [balance]\nmethod = \"augment\"\ntarget = [\"max\"]\n\n\
         # One varied copy of each training picture.\n\
         [augment]\ncopies = 1\nops = [\n{OPS}]\n\n\
         [train]\n{model}\n\
         [generate]\nper_class = 50\n\n\
         [evaluate]\n"
    )
}

/// Gentle variations: digits and small pictures bear no flips.
const OPS: &str = "  { op = \"rotate\", degrees = [-8, 8], p = 0.5 },\n  \
                   { op = \"elastic\", deviation = [0.01, 0.02], border = \"edge\", p = 0.5 },\n";
