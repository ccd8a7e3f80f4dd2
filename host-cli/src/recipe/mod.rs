//! The recipe.
mod locate;
mod template;
