//! The recipe.
mod locate;
