//! The report of a run: one HTML page that needs nothing but itself, and the same as JSON.

pub mod model;
pub mod number;

mod html;
mod picture;
mod sections;
mod svg;
mod words;

pub use model::Report;
pub use picture::base64;
pub use sections::draw;
