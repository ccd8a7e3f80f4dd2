//! How the values of a sample become a picture or a row.

use super::named::Named;
use crate::codec::Pixels;
use crate::dataset::{Content, Kind};
use crate::error::{Error, Result};
use crate::formats::array::{Array, Element};
use crate::formats::{ReadOptions, Remarks, Scale, Shape};

/// How the values of a sample lie.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Layout {
    /// As features.
    Row,
    /// As pixels of a picture, whose channels come last or, when `planes`, first.
    Picture { shape: Shape, planes: bool, scale: Scale },
}

impl Layout {
    /// That of all these arrays; `exact` bytes are the levels of pixels, whatever they are.
    ///
    /// # Errors
    /// When they differ, or are neither pictures nor rows.
    pub fn of(
        samples: &[&Named],
        exact: bool,
        options: &ReadOptions,
        remarks: &mut Remarks,
    ) -> Result<(Kind, Self)> {
        let mut chosen: Option<(&Named, Option<(Shape, bool)>)> = None;
        for member in samples {
            let form = form(member, options.image_shape)?;
            match chosen {
                None => chosen = Some((member, form)),
                Some((first, of_first)) => {
                    let wide = |m: &Named| form.is_none().then(|| m.array.sample_len());
                    if form.is_some() != of_first.is_some() || wide(first) != wide(member) {
                        let (a, b) = (first.words(), member.words());
                        return Err(Error::failed(format!(
                            "samples of different kinds or widths: {a} and {b}"
                        )));
                    }
                }
            }
        }
        let Some((first, Some((shape, planes)))) = chosen else {
            return Ok((Kind::Table, Layout::Row));
        };
        if let Some(other) =
            samples.iter().find(|m| m.array.header().shape[1..] != first.array.header().shape[1..])
        {
            return Err(Error::failed(format!(
                "pictures of different sizes: {} and {}",
                first.words(),
                other.words()
            ))
            .hint("collect the files one by one"));
        }
        let (pixels, most) = (shape.height.saturating_mul(shape.width) as u64, options.max_pixels);
        if pixels > most {
            return Err(Error::failed(format!(
                "pictures of {pixels} pixels, more than {most}: {}",
                first.words()
            ))
            .hint("raise --max-pixels if the pictures are meant to be that large"));
        }
        // Bytes are pixels as they are, unless they are few levels that begin at 0.
        let bytes = samples.iter().all(|m| m.array.header().element == Element::U8);
        let scale = if bytes && options.value_max.is_none() && (exact || any_light(samples)?) {
            Scale { max: 255.0 }
        } else {
            let range = if options.value_max.is_none() { range(samples)? } else { (0.0, 0.0) };
            Scale::choose(options.value_max, range, remarks)?
        };
        Ok((Kind::Images, Layout::Picture { shape, planes, scale }))
    }

    /// Sample `row` of an array of this layout.
    ///
    /// # Errors
    /// When it cannot be read, or holds what it cannot.
    pub fn content(self, array: &Array<'_>, row: usize) -> Result<Content> {
        let Layout::Picture { shape, planes, scale } = self else {
            return features(array, row).map(Content::from_row);
        };
        let plain = array.header().element == Element::U8 && scale.max == 255.0;
        let (plane, interleaved) = (shape.height * shape.width, !planes || shape.channels == 1);
        let order = (0..plane).flat_map(|p| (0..shape.channels).map(move |c| c * plane + p));
        let pixels = if plain {
            let bytes = array.sample_bytes(row)?;
            let bytes = match interleaved {
                true => bytes.into_owned(),
                false => order.filter_map(|k| bytes.get(k).copied()).collect(),
            };
            Pixels::new(bytes, shape.height, shape.width, shape.channels)?
        } else {
            let values = array.values(row)?;
            match interleaved {
                true => scale.picture(values.into_iter(), shape)?,
                false => scale.picture(order.filter_map(|k| values.get(k).copied()), shape)?,
            }
        };
        Ok(Content::from_pixels(pixels))
    }
}

/// The values of a sample as features.
///
/// # Errors
/// As [`Array::values`], or when one is infinite.
pub fn features(array: &Array<'_>, row: usize) -> Result<Vec<f32>> {
    let values: Vec<f32> = array.values(row)?.into_iter().map(|v| v as f32).collect();
    match values.iter().position(|v| v.is_infinite()) {
        Some(at) => Err(Error::failed(format!("infinite value in column `x{at}`"))),
        None => Ok(values),
    }
}

/// The shape of the pictures in an array and whether their channels come first; `None` for rows.
fn form(member: &Named, given: Option<Shape>) -> Result<Option<(Shape, bool)>> {
    let axes = &member.array.header().shape;
    let picture = |height, width, channels, planes| Ok(Some((Shape { height, width, channels }, planes)));
    match (axes.get(1..).unwrap_or(&[]), given) {
        (axes, Some(shape)) if shape.values() == member.array.sample_len() => {
            let Shape { height, width, channels } = shape;
            let planes = axes == [channels, height, width] && axes != [height, width, channels];
            Ok(Some((shape, planes)))
        }
        (_, Some(shape)) => {
            Err(shape.misfit(&format!("a sample has {}", member.array.sample_len())).within(member.words()))
        }
        ([_], None) => Ok(None),
        (&[height, width], None) => picture(height, width, 1, false),
        (&[height, width, channels @ (1 | 3)], None) => picture(height, width, channels, false),
        (&[channels @ (1 | 3), height, width], None) => picture(height, width, channels, true),
        _ => Err(Error::failed(format!("samples of shape {axes:?} are no pictures and no rows"))
            .hint("pictures are N x height x width [x 1 or 3], rows are N x columns")
            .within(member.words())),
    }
}

/// Whether a byte of 128 or above is among the samples.
fn any_light(samples: &[&Named]) -> Result<bool> {
    for member in samples {
        for i in 0..member.array.samples() {
            if member.array.sample_bytes(i)?.iter().any(|&v| v >= 128) {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

/// The least and the greatest finite value; (0, 0) where there is none.
fn range(samples: &[&Named]) -> Result<(f64, f64)> {
    let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
    for member in samples {
        for i in 0..member.array.samples() {
            for v in member.array.values(i)?.into_iter().filter(|v| v.is_finite()) {
                (low, high) = (low.min(v), high.max(v));
            }
        }
    }
    Ok(if low > high { (0.0, 0.0) } else { (low, high) })
}
