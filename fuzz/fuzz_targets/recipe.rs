//! Recipes: any text is a recipe or an error with a message.
#![no_main]

use libfuzzer_sys::fuzz_target;
use seedbed_cli::recipe::Recipe;

fuzz_target!(|text: &str| {
    if let Err(error) = Recipe::parse(text) {
        assert!(!error.to_string().is_empty());
    }
});
